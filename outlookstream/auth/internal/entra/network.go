package entra

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"unicode"
)

// Describe puts a transport's error into words. Some of net/http's quote what the server sent, so only those known not to are
// quoted themselves, and those that are one of own.
func Describe(err error, own ...error) string {
	if slices.ContainsFunc(own, func(o error) bool { return errors.Is(err, o) }) {
		return err.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return Printable(dns.Error())
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return Printable(op.Error())
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Printable(cert.Error())
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection ended before the answer did"
	}
	return fmt.Sprintf("network error (%T)", err)
}

// Untrusted returns what is wrong with the server's certificate if that is what err is about, or nil. It holds no secret.
func Untrusted(err error) error {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	return nil
}

// Printable takes out what could play tricks on a terminal or in a log, and limits the length.
func Printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 1000 {
		text = string(runes[:1000])
	}
	return strings.TrimSpace(text)
}
