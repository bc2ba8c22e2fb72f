package msalauth_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func TestEveryKindOfCertificateFile(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	cert, ca := certificateOf(t, key), certificateOf(t, other)
	p8, p1 := block("PRIVATE KEY", pkcs8(t, key)), block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	leaf := certBlock(cert)
	type file struct {
		content  []byte
		password string
	}
	files := map[string]file{
		"PKCS#8":                    {[]byte(leaf + p8), ""},
		"PKCS#1":                    {[]byte(leaf + p1), ""},
		"certificate after the key": {[]byte(p8 + leaf), ""},
		"chain":                     {[]byte(leaf + certBlock(ca) + p8), ""},
		"chain before its leaf":     {[]byte(certBlock(ca) + p1 + leaf), ""},
		"text between the blocks":   {[]byte("Bag Attributes\n    localKeyID: 01\nsubject=CN = calwatch test\n" + leaf + "Bag Attributes: <No Attributes>\n" + p8), ""},
		"Windows lines":             {[]byte(strings.ReplaceAll(leaf+p8, "\n", "\r\n")), ""},
		"Windows byte order mark":   {[]byte("\ufeff" + leaf + p8), ""},
		"PEM with a password":       {[]byte(leaf + p8), "of no use"},
		"PFX without password":      {pfx(t, pkcs12.Passwordless, key, cert, nil, ""), ""},
	}
	chain := []*x509.Certificate{ca}
	for name, encoder := range map[string]*pkcs12.Encoder{
		"Modern": pkcs12.Modern.WithIterations(1), "Modern2026": pkcs12.Modern2026.WithIterations(1), "Legacy": pkcs12.Legacy.WithIterations(1), "LegacyRC2": pkcs12.LegacyRC2.WithIterations(1),
	} {
		files[name+" PFX"] = file{pfx(t, encoder, key, cert, nil, "Pässwort-1"), "Pässwort-1"}
		files[name+" PFX with an empty password"] = file{pfx(t, encoder, key, cert, nil, ""), ""}
		files[name+" PFX with a chain"] = file{pfx(t, encoder, key, cert, chain, "p"), "p"}
	}
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.server.AddCertificate(cert)
			w.tokenOf(w.confidential(certificateFile(f.content, f.password)), auth.Request{})
			if r := w.server.Requests(); len(r) != 1 || r[0].Credential != "certificate" {
				t.Errorf("the authority saw %+v", r)
			}
		})
	}
	t.Run("parsed", func(t *testing.T) {
		w := newWorld(t, nil)
		w.server.AddCertificate(cert)
		w.tokenOf(w.confidential(msalauth.Certificate([]*x509.Certificate{ca, nil, cert}, key)), auth.Request{})
	})
}

func TestAFileThatIsNoCertificateSaysWhatToDo(t *testing.T) {
	key, ec, other := rsaKey(t), ecKey(t), rsaKey(t)
	leaf, ecLeaf := certBlock(certificateOf(t, key)), certBlock(certificateOf(t, ec))
	p8 := block("PRIVATE KEY", pkcs8(t, key))
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	const password = "correct-horse-battery"
	dek := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,0123456789ABCDEF0123456789ABCDEF"}, Bytes: x509.MarshalPKCS1PrivateKey(key),
	})
	for name, test := range map[string]struct {
		content, password, want string
	}{
		"empty":                     {"", "", "is empty"},
		"white space":               {"\r\n\t ", password, "is empty"},
		"garbage":                   {"hunter2-is-the-content-of-this-file", "", "neither PEM nor a PFX file"},
		"a PEM header only":         {"-----BEGIN CERTIFICATE-----\nhunter2hunter2\n", "", "neither PEM nor a PFX file"},
		"no key":                    {leaf, "", "no RSA private key: put it into the same file"},
		"no certificate":            {p8, "", "no certificate: put it into the same file"},
		"another kind of block":     {block("PUBLIC KEY", []byte("hunter2hunter2")), "", "no certificate"},
		"encrypted key, PKCS#8":     {leaf + block("ENCRYPTED PRIVATE KEY", []byte("hunter2hunter2")), password, "is encrypted: store it without (openssl pkcs8 -topk8 -nocrypt)"},
		"encrypted key, legacy":     {leaf + string(dek), password, "is encrypted: store it without (openssl pkcs8 -topk8 -nocrypt)"},
		"encrypted key before it":   {string(dek) + leaf, "", "is encrypted"},
		"damaged certificate":       {block("CERTIFICATE", []byte("hunter2hunter2")) + p8, "", "cannot be read"},
		"damaged key":               {leaf + block("PRIVATE KEY", []byte("hunter2hunter2")), "", "cannot be read"},
		"damaged PKCS#1 key":        {leaf + block("RSA PRIVATE KEY", []byte("hunter2hunter2")), "", "cannot be read"},
		"two keys":                  {leaf + p8 + block("PRIVATE KEY", pkcs8(t, other)), "", "needs one RSA private key"},
		"EC key, PKCS#8":            {ecLeaf + block("PRIVATE KEY", pkcs8(t, ec)), "", "has to be an RSA key"},
		"EC key, SEC 1":             {ecLeaf + block("EC PRIVATE KEY", sec1), "", "no RSA private key"},
		"somebody else's key":       {leaf + block("PRIVATE KEY", pkcs8(t, other)), "", "needs its own private key"},
		"PFX, wrong password":       {string(pfx(t, pkcs12.Modern.WithIterations(1), key, certificateOf(t, key), nil, password)), "hunter2hunter2", "the password of the PFX file is wrong"},
		"PFX, no password":          {string(pfx(t, pkcs12.Modern.WithIterations(1), key, certificateOf(t, key), nil, password)), "", "needs a password"},
		"old PFX, wrong password":   {string(pfx(t, pkcs12.Legacy.WithIterations(1), key, certificateOf(t, key), nil, password)), "hunter2hunter2", "the password of the PFX file is wrong"},
		"old PFX, no password":      {string(pfx(t, pkcs12.LegacyRC2.WithIterations(1), key, certificateOf(t, key), nil, password)), "", "needs a password"},
		"PFX cut off":               {string(pfx(t, pkcs12.Modern.WithIterations(1), key, certificateOf(t, key), nil, password)[:500]), password, "neither PEM nor a PFX file"},
		"PFX with an EC key":        {string(pfx(t, pkcs12.Modern.WithIterations(1), ec, certificateOf(t, ec), nil, password)), password, "has to be an RSA key"},
		"PFX of trusted roots only": {trustStore(t, certificateOf(t, key), password), password, "one certificate and its private key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			_, err := w.confidential(certificateFile([]byte(test.content), test.password)).Token(t.Context(), auth.Request{Scopes: mail})
			if !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if quoted := quotes(err.Error(), test.content); quoted != "" {
				t.Errorf("%q quotes the content", err)
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q quotes the password", err)
			}
			if w.net.posts() != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func trustStore(t *testing.T, cert *x509.Certificate, password string) string {
	t.Helper()
	content, err := pkcs12.Modern.WithIterations(1).EncodeTrustStore([]*x509.Certificate{cert}, password)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheChainComesWithTheCertificate(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	cert, ca := certificateOf(t, key), certificateOf(t, other)
	for name, content := range map[string][]byte{
		"PEM": []byte(certBlock(cert) + certBlock(ca) + block("PRIVATE KEY", pkcs8(t, key))),
		"PFX": pfx(t, pkcs12.Modern.WithIterations(1), key, cert, []*x509.Certificate{ca}, "p"),
	} {
		certs, private, err := msalauth.ParseCertificate(content, "p")
		if err != nil || len(certs) != 2 || !certs[0].Equal(cert) || !certs[1].Equal(ca) || !key.Equal(private) {
			t.Errorf("%s: %d certificates, %v", name, len(certs), err)
		}
	}
}

// quotes returns something of content, 12 bytes long, that is in text; PEM's own lines do not count.
func quotes(text, content string) string {
	for line := range strings.Lines(content) {
		for i := 0; i+12 <= len(line) && !strings.HasPrefix(line, "-----"); i++ {
			if strings.Contains(text, line[i:i+12]) {
				return line[i : i+12]
			}
		}
	}
	return ""
}

func TestARenewedCertificateIsUsedAtTheNextRequest(t *testing.T) {
	w := newWorld(t, nil)
	path := filepath.Join(t.TempDir(), "app.pem")
	write := func() *x509.Certificate {
		key := rsaKey(t)
		cert := certificateOf(t, key)
		if err := os.WriteFile(path, []byte(certBlock(cert)+block("PRIVATE KEY", pkcs8(t, key))), 0o600); err != nil {
			t.Fatal(err)
		}
		return cert
	}
	reads := 0
	app := w.confidential(msalauth.CertificateFrom(func(context.Context) ([]byte, string, error) {
		reads++
		content, err := os.ReadFile(path)
		return content, "", err
	}))
	first := write()
	w.server.AddCertificate(first)
	old := w.tokenOf(app, auth.Request{})
	if w.tokenOf(app, auth.Request{}); reads != 1 {
		t.Errorf("read %d times for one request", reads)
	}
	w.server.AddCertificate(write())
	w.server.RemoveCertificate(first)
	w.server.ExpireToken(old.Value)
	next := w.tokenOf(app, auth.Request{Rejected: old.Value})
	// The one before would be refused, and nothing else is kept that could stand in for it.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := app.Token(t.Context(), auth.Request{Scopes: mail, Rejected: next.Value})
	if !errors.Is(err, os.ErrNotExist) || !isTransient(err) {
		t.Errorf("with the file gone: %v", w.saw(err))
	}
}

func TestACertificateThatTheAuthorityDoesNotAccept(t *testing.T) {
	key := rsaKey(t)
	good, expired := certificateOf(t, key), certificateUntil(t, key, time.Now().Add(-time.Hour))
	for name, test := range map[string]struct {
		cert    *x509.Certificate
		prepare func(w *world)
	}{
		"unknown":                      {good, func(*world) {}},
		"another one of the same key":  {good, func(w *world) { w.server.AddCertificate(certificateUntil(t, key, time.Now().Add(time.Hour))) }},
		"taken away":                   {good, func(w *world) { w.server.AddCertificate(good); w.server.RemoveCertificate(good) }},
		"expired":                      {expired, func(w *world) { w.server.AddCertificate(expired) }},
		"signature of somebody else's": {good, func(w *world) { w.server.AddCertificate(good); w.net.set(spoilSignature(t)) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			test.prepare(w)
			_, err := w.confidential(msalauth.Certificate([]*x509.Certificate{test.cert}, key)).Token(t.Context(), auth.Request{Scopes: mail})
			if kindOf(w.saw(err)) != misconfigured {
				t.Fatalf("got %v", err)
			}
			for _, want := range []string{"AADSTS700027", "invalid_client", "upload it there"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

// spoilSignature changes the signature of every client assertion on its way.
func spoilSignature(t *testing.T) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp != nil || r.Method != http.MethodPost {
			return resp, nil
		}
		form := formOf(t, r)
		assertion := form.Get("client_assertion")
		i := strings.LastIndexByte(assertion, '.') + 10
		other := byte('A')
		if assertion[i] == other {
			other = 'B'
		}
		form.Set("client_assertion", assertion[:i]+string(other)+assertion[i+1:])
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
		r.ContentLength = int64(len(form.Encode()))
		return nil, nil
	}
}

// formOf is what a request posts. The request can still be sent.
func formOf(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Error(err)
	}
	return form
}
