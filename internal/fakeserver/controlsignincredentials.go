package fakeserver

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// controlCredentials adds, expires or removes a secret or a certificate of the application.
func (s *Server) controlCredentials(body []byte) (any, error) {
	var what struct {
		Do          string `json:"do"`
		Secret      string `json:"secret"`
		Certificate string `json:"certificate"` // PEM
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	if (what.Secret == "") == (what.Certificate == "") {
		return nil, errors.New(`say either "secret" or "certificate"`)
	}
	found := true
	switch {
	case what.Do == "add" && what.Secret != "":
		s.signIn.AddSecret(what.Secret)
	case what.Do == "remove" && what.Secret != "":
		found = s.signIn.RemoveSecret(what.Secret)
	case what.Do == "expire" && what.Secret != "":
		found = s.signIn.ExpireSecret(what.Secret)
	case what.Do == "add" || what.Do == "remove":
		cert, err := controlCertificate(what.Certificate)
		if err != nil {
			return nil, err
		}
		if what.Do == "add" {
			s.signIn.AddCertificate(cert)
		} else {
			found = s.signIn.RemoveCertificate(cert)
		}
	default:
		return nil, errors.New(`do must be "add" or "remove", or "expire" for a secret`)
	}
	if !found {
		return nil, errors.New("the application has no such credential")
	}
	return controlNothing{}, nil
}

func controlCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("certificate must be PEM, and begin with a certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate is malformed: " + err.Error())
	}
	return cert, nil
}
