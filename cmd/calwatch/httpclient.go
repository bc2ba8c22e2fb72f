package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/calwatch/calwatch/outlookstream"
)

const maxCAFile = 1 << 20

// httpClientFor returns a client that trusts the certificates in a PEM file,
// too, for a service. Without a file it returns nil: the packages have their own
// defaults.
func httpClientFor(api, caFile string) (*http.Client, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, _, err := readRegular(caFile, maxCAFile)
	if err != nil {
		return nil, usage(fmt.Errorf("--ca-file: %w", err))
	}
	client, err := httpClientTrusting(api, pem)
	if err != nil {
		return nil, usage(fmt.Errorf("--ca-file %s: %w", caFile, err))
	}
	return client, nil
}

func httpClientTrusting(api string, pem []byte) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without certificates
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in PEM form in it")
	}
	transport := outlookstream.NewTransport()
	if api == apiEWS { // as that package has it: a stream needs a connection of its own
		transport.ForceAttemptHTTP2 = false
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

// withTrustAdvice adds to an error what to do about it, if it is a certificate
// of an unknown authority. The name or the time in a certificate is beyond what
// a user of this program can mend.
func withTrustAdvice(err error) error {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return fmt.Errorf("%w: if its authority is to be trusted, name that one's certificate with --ca-file", err)
	}
	return err
}
