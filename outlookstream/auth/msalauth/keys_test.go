package msalauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// rsaKey is short, because that is quick to make.
func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificateOf is self-signed, and good for another day.
func certificateOf(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	return certificateUntil(t, key, time.Now().Add(24*time.Hour))
}

func certificateUntil(t *testing.T, key crypto.Signer, end time.Time) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "calwatch test"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: end,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func block(kind string, raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

func certBlock(cert *x509.Certificate) string { return block("CERTIFICATE", cert.Raw) }

// pkcs8 is what openssl req writes.
func pkcs8(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func pfx(t *testing.T, encoder *pkcs12.Encoder, key crypto.PrivateKey, cert *x509.Certificate, chain []*x509.Certificate, password string) []byte {
	t.Helper()
	content, err := encoder.Encode(key, cert, chain, password)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func pfxOf(t *testing.T, key crypto.PrivateKey, cert *x509.Certificate, password string) []byte {
	t.Helper()
	return pfx(t, pkcs12.Modern.WithIterations(1), key, cert, nil, password)
}

// certificateFile is a credential that comes from a file with that content.
func certificateFile(content []byte, password string) msalauth.Credential {
	return msalauth.CertificateFrom(func(context.Context) ([]byte, string, error) { return content, password, nil })
}
