package autodiscover

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/service"
)

// serversOf returns the servers that an address leads to. The name that is made
// for the purpose comes first: that of the domain itself is usually a web page's.
func serversOf(address string) ([]*url.URL, error) {
	domain := DomainOf(address)
	switch {
	case domain == "":
		return nil, fmt.Errorf("%q is not an SMTP address", address)
	case isOnline(address):
		return []*url.URL{{Scheme: "https", Host: onlineHost}}, nil
	}
	return []*url.URL{{Scheme: "https", Host: "autodiscover." + domain}, {Scheme: "https", Host: domain}}, nil
}

// DomainOf returns the domain of an address, in lower case; "" if there is none
// that could be a host's.
func DomainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return ""
	}
	domain := strings.ToLower(address[at+1:])
	isOther := func(r rune) bool {
		return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}
	if domain == "" || strings.ContainsFunc(domain, isOther) || strings.HasPrefix(domain, ".") || strings.Contains(domain, "..") {
		return ""
	}
	return strings.TrimSuffix(domain, ".")
}

// isOnline reports whether an address is one that Exchange Online gives out, such
// as a hybrid organization's server names for a mailbox that has been moved there.
func isOnline(address string) bool { return strings.HasSuffix(DomainOf(address), ".onmicrosoft.com") }

// allowed reports whether a server gets the credentials of u: one of Exchange
// Online, one within the domain of the address that was asked about, or one that
// the caller trusts.
func (d *discovery) allowed(u *user, to *url.URL) bool {
	host := strings.ToLower(to.Hostname())
	if slices.Contains(microsoftHosts, host) {
		return true
	}
	if domain := DomainOf(u.asked); domain != "" && (host == domain || strings.HasSuffix(host, "."+domain)) {
		return true
	}
	if slices.ContainsFunc(d.Servers, func(s *url.URL) bool { return s.Host == to.Host }) {
		return true
	}
	return d.Allow != nil && d.Allow(u.asked, to)
}

// ErrNotAllowed says that a redirect leads to who is not trusted.
var ErrNotAllowed = errors.New("it gets no credentials: neither the domain's own nor Exchange Online's, and AllowRedirect does not let it")

func notAllowed(from, to string) error {
	return fmt.Errorf("%s redirects to %q: %w", from, to, ErrNotAllowed)
}

// A triedError says that none of the endpoints knew.
type triedError struct {
	text  string
	cause error // the most hopeful
}

func (e *triedError) Error() string { return e.text }

func (e *triedError) Unwrap() error { return e.cause }

// nobodyKnew returns the error of an address that has run out of endpoints. If one
// of them did not answer, that is the cause: it may have been the right one.
func nobodyKnew(u *user) error {
	var b strings.Builder
	b.WriteString("no Autodiscover server knows")
	rank := 0
	var cause error
	for i, a := range u.tried {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", separator, a.at.url, a.err)
		r := 2
		switch {
		case service.IsCertificateError(a.err):
			r = 1
		case !a.answered:
			r = 3
		}
		if r > rank {
			rank, cause = r, a.err
		}
	}
	return &triedError{b.String(), cause}
}
