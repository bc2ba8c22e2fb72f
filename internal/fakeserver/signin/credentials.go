package signin

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1" // of certificates: x5t is defined by it (RFC 7515, section 4.1.7)
	"crypto/sha256"
	"crypto/x509"
	"slices"
)

// clientSecret is one of the application's secrets. It is guarded by Server.mu.
type clientSecret struct {
	value   string
	expired bool
}

// AddSecret gives the application one more secret; "" stands for a random one. It returns the secret. One that has expired
// is good again.
func (s *Server) AddSecret(value string) string {
	setDefault(&value, secret(30))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clientSecrets = slices.DeleteFunc(s.clientSecrets, func(c clientSecret) bool { return c.value == value })
	s.clientSecrets = append(s.clientSecrets, clientSecret{value: value})
	s.remember(value)
	return value
}

// RemoveSecret takes a secret away: it is answered with AADSTS7000215 from now on. It reports whether there was such a one.
func (s *Server) RemoveSecret(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.clientSecrets)
	s.clientSecrets = slices.DeleteFunc(s.clientSecrets, func(c clientSecret) bool { return c.value == value })
	return len(s.clientSecrets) < before
}

// ExpireSecret ends a secret's life: it is answered with AADSTS7000222 from now on. It reports whether there is such a one.
func (s *Server) ExpireSecret(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.clientSecrets, func(c clientSecret) bool { return c.value == value })
	if i >= 0 {
		s.clientSecrets[i].expired = true
	}
	return i >= 0
}

// AddCertificate lets the application sign assertions with the key of a certificate, which must be an RSA key, as for the real
// service. It is looked at, and its validity, when an assertion comes.
func (s *Server) AddCertificate(c *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificates = append(s.certificates, c)
}

// RemoveCertificate takes that back. It reports whether the certificate was registered.
func (s *Server) RemoveCertificate(c *x509.Certificate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.certificates)
	s.certificates = slices.DeleteFunc(s.certificates, c.Equal)
	return len(s.certificates) < before
}

// AddFederated lets assertions of another issuer stand for the application.
func (s *Server) AddFederated(f Federated) {
	setDefault(&f.Audience, DefaultAudience)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.federated = append(s.federated, f)
}

// RemoveFederated takes that back for an issuer and subject. It reports whether there was anything to take back.
func (s *Server) RemoveFederated(issuer, subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.federated)
	s.federated = slices.DeleteFunc(s.federated, func(f Federated) bool { return f.Issuer == issuer && f.Subject == subject })
	return len(s.federated) < before
}

// certificate finds the certificate with the thumbprints of a header; all that are there must fit. s.mu is held.
func (s *Server) certificate(a *assertion) *x509.Certificate {
	i := slices.IndexFunc(s.certificates, func(c *x509.Certificate) bool {
		long, short := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
		return (a.header.SHA256 == "" || bytes.Equal(thumbprint(a.header.SHA256), long[:])) &&
			(a.header.SHA1 == "" || bytes.Equal(thumbprint(a.header.SHA1), short[:]))
	})
	if i < 0 {
		return nil
	}
	return s.certificates[i]
}

// publicKey returns nil for keys that are no RSA keys.
func publicKey(c *x509.Certificate) *rsa.PublicKey {
	key, _ := c.PublicKey.(*rsa.PublicKey)
	return key
}
