package msalauth

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"software.sslmate.com/src/go-pkcs12"
)

// ParseCertificate reads a certificate with its private key, and its chain if that is there, from the content of a PEM or a
// PFX (PKCS #12) file. password is the PFX's, or ""; a private key in PEM must not be encrypted. The error, if any, is auth.ErrMisconfigured,
// and quotes nothing of the content.
func ParseCertificate(content []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // Windows editors begin a file with it; pem would skip the first block
	if block, _ := pem.Decode(content); block != nil {
		return parsePEM(content)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, nil, bad("the certificate file is empty")
	}
	key, cert, chain, err := pkcs12.DecodeChain(content, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return nil, nil, bad("the PFX file needs a password")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, nil, bad("the password of the PFX file is wrong")
	case err != nil:
		return nil, nil, bad("the certificate file is neither PEM nor a PFX file with one certificate and its private key")
	}
	return append([]*x509.Certificate{cert}, chain...), key, nil
}

func parsePEM(content []byte) ([]*x509.Certificate, crypto.PrivateKey, error) {
	certs, key, err := confidential.CertFromPEM(content, "")
	if err == nil {
		return certs, key, nil
	}
	var hasCert, hasKey, encrypted bool
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		hasCert = hasCert || block.Type == "CERTIFICATE"
		hasKey = hasKey || block.Type == "PRIVATE KEY" || block.Type == "RSA PRIVATE KEY"
		encrypted = encrypted || block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != ""
	}
	switch {
	case encrypted:
		return nil, nil, bad("the private key in the PEM file is encrypted: store it without (openssl pkcs8 -topk8 -nocrypt) and protect the file, or use a PFX file")
	case !hasCert:
		return nil, nil, bad("the PEM file has no certificate: put it into the same file as the private key")
	case !hasKey:
		return nil, nil, bad("the PEM file has no RSA private key: put it into the same file as the certificate")
	}
	return nil, nil, bad("the PEM file cannot be read: it needs one RSA private key and its certificate")
}
