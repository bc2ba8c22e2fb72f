package autodiscover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/calwatch/calwatch/internal/safeurl"
)

// onlineHost is where Exchange Online answers those whose tokens are for
// Exchange Web Services.
const onlineHost = "outlook.office365.com"

// microsoftHosts are those of Exchange Online that its servers, and on-premises
// ones of hybrid organizations, redirect to.
var microsoftHosts = []string{onlineHost, "autodiscover-s.outlook.com", "autodiscover.outlook.com"}

// A kind is one form of the service.
type kind int

const (
	soapKind kind = iota
	poxKind
	jsonKind
)

// batch is how many mailboxes one request asks about.
func (k kind) batch() int {
	if k == soapKind {
		return maxBatch
	}
	return 1
}

// parse reads the body of an answer about n mailboxes.
func (k kind) parse(body []byte, n int, present func(string, int) string) ([]response, error) {
	switch k {
	case soapKind:
		return parseSOAP(body, n, present)
	case poxKind:
		return parsePOX(body, present)
	default:
		return parseJSON(body, present)
	}
}

// A response is what an answer says about one mailbox: one of its fields.
type response struct {
	settings        Settings
	redirectAddress string
	redirectURL     string
	failure         *Failure // without Address
}

// An endpoint is one form of the service on one server.
type endpoint struct {
	kind    kind
	url     string
	guessed bool // from a domain, or where a guess redirects to: nobody has said that it is one
}

// paths of the forms, in the order in which they are asked: what tells most first.
var paths = [...]string{soapKind: "/autodiscover/autodiscover.svc", poxKind: "/autodiscover/autodiscover.xml", jsonKind: "/autodiscover/autodiscover.json"}

func endpointsOf(server *url.URL, guessed bool) []endpoint {
	var all []endpoint
	for k, path := range paths {
		all = append(all, endpoint{kind(k), server.Scheme + "://" + server.Host + path, guessed})
	}
	return all
}

// redirected returns whom to ask after a redirect to u.
func redirected(u *url.URL, from endpoint) []endpoint {
	at := endpoint{kind: from.kind, url: u.String(), guessed: from.guessed}
	switch path := strings.ToLower(u.Path); {
	case strings.HasSuffix(path, ".svc"):
		at.kind = soapKind
	case strings.HasSuffix(path, ".xml"):
		at.kind = poxKind
	}
	if from.kind == jsonKind {
		return []endpoint{at} // it has the address in it
	}
	queue := []endpoint{at}
	for _, other := range endpointsOf(u, from.guessed) {
		if other.kind > at.kind {
			queue = append(queue, other)
		}
	}
	return queue
}

// host returns the endpoint's host, with its port if it has one.
func (e endpoint) host() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// resolve returns the address that a redirect of e leads to.
func (e endpoint) resolve(location string) (*url.URL, error) {
	base, err := url.Parse(e.url)
	if err != nil {
		return nil, err
	}
	to, err := base.Parse(location)
	if err != nil {
		return nil, errors.New("to what is no address")
	}
	return parseSafe(to.String())
}

// parseSafe refuses addresses to which credentials must not be sent.
func parseSafe(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("it is no address")
	case u.User != nil:
		return nil, errors.New("it has a user name in it")
	case !safeurl.Is(u):
		return nil, fmt.Errorf("credentials are sent over https only, not to %q", u.Scheme+"://"+u.Host)
	}
	return u, nil
}

// request makes the request about addresses.
func (e endpoint) request(ctx context.Context, addresses []string) (*http.Request, error) {
	if e.kind == jsonKind {
		to := e.url
		if strings.HasSuffix(to, paths[jsonKind]) { // not a redirect's
			to += "/v1.0/" + url.PathEscape(addresses[0]) + "?Protocol=EWS"
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	}
	body, err := encodePOX(addresses[0])
	if e.kind == soapKind {
		body, err = encodeSOAP(e.url, addresses)
	}
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
}
