package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// errUntrusted takes the place of an error about a certificate whose own text
// cannot be shown: what a certificate says is its owner's choice.
var errUntrusted = errors.New("the server's certificate cannot be trusted")

// IsCertificateError reports whether the server could not prove who it is. No
// retry changes that, and a program that goes on trying hides it. An alert of
// the server's is something else: servers in the middle of being renewed send
// them, too.
func IsCertificateError(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return unverified || unknown || hostname || invalid || errors.Is(err, errUntrusted)
}

// WithCertificateAdvice adds what to do to an error about a certificate.
func WithCertificateAdvice(err error) error {
	if !IsCertificateError(err) {
		return err
	}
	advice := "find out who answers in the service's place"
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isHostname := errors.AsType[x509.HostnameError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		advice = "if this machine's clock is right, whoever runs the server has to renew its certificate"
	case isInvalid && invalid.Reason == x509.IncompatibleUsage:
		advice = "whoever runs the server has to give it a certificate that is for servers"
	case isHostname:
		advice = "the Endpoint has to name the server as its certificate does; or find out who answers in its place"
	case isUnknown:
		advice = "if its authority is to be trusted, add it to the RootCAs of Options.HTTPClient; or find out who answers in the service's place"
	}
	return fmt.Errorf("%w (%s)", err, advice)
}
