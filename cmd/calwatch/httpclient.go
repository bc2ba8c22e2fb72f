package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// httpClientFor returns a client that trusts the certificates in a PEM file,
// too. Without a file it returns nil: the packages have their own defaults.
func httpClientFor(caFile string) (*http.Client, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, usage(fmt.Errorf("--ca-file: %w", err))
	}
	client, err := httpClientTrusting(pem)
	if err != nil {
		return nil, usage(fmt.Errorf("--ca-file %s: %w", caFile, err))
	}
	return client, nil
}

func httpClientTrusting(pem []byte) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without certificates
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in PEM form in it")
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		// Everything below is as in outlookstream's own transport: streams are
		// not to be compressed, and dead connections are to be noticed.
		DisableCompression:     true,
		TLSHandshakeTimeout:    15 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}}, nil
}
