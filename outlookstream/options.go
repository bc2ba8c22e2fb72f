package outlookstream

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/safeurl"
)

// DefaultEndpoint is where Microsoft served the Outlook REST beta API. It
// answers 410 Gone today ([ErrRetired]): see the README for what still speaks
// this protocol.
const DefaultEndpoint = "https://outlook.office.com/api/beta"

// Options configure a [Client]. A nil *Options and every zero field mean the
// default.
type Options struct {
	// Endpoint is the base URL of the API, DefaultEndpoint by default. It must
	// be https, or http on a loopback address: tokens are sent to it, and to
	// no other scheme or host.
	Endpoint string

	// User is whose subscriptions they are: "me" (the default) for the
	// signed-in user, or an address or id for app-only tokens.
	User string

	// Scopes are the permissions asked of the auth.Provider. Default: the
	// read permissions of the watched resources, such as
	// https://outlook.office.com/calendars.read.
	Scopes []string

	// HTTPClient is a template for how to reach the service. Its Transport,
	// if it is an *http.Transport, is copied, so that dead connections can be
	// left behind; any other RoundTripper is used as it is, and has to get rid
	// of dead HTTP/2 connections itself. Its Timeout bounds connecting only
	// (30 s if zero), up to the response's header; a stream may last for ever.
	// Its CheckRedirect is not used; its Jar is. Without a Transport it gets
	// one of NewTransport, with which to begin if only some of it is to change.
	HTTPClient *http.Client

	// UserAgent names the program to the service. Default: "calwatch".
	UserAgent string

	// AnchorMailbox, if set, is sent as X-AnchorMailbox: the address or id of
	// the mailbox to whose server requests are to be routed.
	AnchorMailbox string

	// KeepAlive is how often the service is asked to send a sign of life, in
	// whole seconds; 15 s by default. It must be shorter than
	// ConnectionTimeout. A connection that is silent for twice
	// this time and five seconds more is taken for dead, and so is one that
	// brings bytes, but no complete element in twice that time (five minutes at least).
	KeepAlive time.Duration

	// ConnectionTimeout is how long one connection is asked to last, in whole
	// minutes; 60 min by default, a year at most. That the service ends it
	// earlier is fine, but the next follows at once only if it lasted for
	// Backoff.ResetAfter.
	ConnectionTimeout time.Duration

	// MaxElement bounds the size of one notification in bytes; 1 MiB by
	// default. A larger one is skipped and announced as a Resync. The time that
	// an element may take grows with it, if it is more than that default.
	MaxElement int

	// Backoff says how attempts to connect are spaced.
	Backoff Backoff

	// ConnectRate bounds the attempts to connect, in attempts per second over
	// all watches of the Client; 100 by default. As many as one second allows
	// go at once, so that a few watches never wait; after that, each attempt
	// gets its turn in the order in which they became due. It is what keeps ten
	// thousand watches from storming a service that has just come back.
	// Subscribe and Open are not bounded.
	ConnectRate int

	// Logger hears of connections and their ordinary ends (Info), of what may
	// have cost a change, of a connection that stays away for more than a
	// minute, once, and of its return, and of each wait longer than that
	// (Warn), and of each keep-alive (Debug).
	// Never of tokens or contents. Default: nobody.
	Logger *slog.Logger

	// Trace has functions to be called at what happens inside. Default: none.
	Trace *Trace
}

// Backoff spaces attempts to connect: the wait is random, up to a ceiling that
// starts at Initial and doubles up to Max with every failure. It starts from
// Initial again only after a connection that brought at least one element and
// lasted for ResetAfter, or for half of ConnectionTimeout if that is less.
type Backoff struct {
	Initial    time.Duration // default 0.5 s
	Max        time.Duration // default 60 s
	ResetAfter time.Duration // default 1 min
}

const (
	defaultKeepAlive         = 15 * time.Second
	defaultConnectionTimeout = time.Hour
	defaultMaxElement        = 1 << 20
	defaultConnectRate       = 100
	defaultUserAgent         = "calwatch"
	maxConnectionTimeout     = 365 * 24 * time.Hour
)

// withDefaults returns a copy of o in which every field has its value.
func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"KeepAlive", int64(out.KeepAlive)},
		{"ConnectionTimeout", int64(out.ConnectionTimeout)},
		{"MaxElement", int64(out.MaxElement)},
		{"Backoff.Initial", int64(out.Backoff.Initial)},
		{"Backoff.Max", int64(out.Backoff.Max)},
		{"Backoff.ResetAfter", int64(out.Backoff.ResetAfter)},
		{"ConnectRate", int64(out.ConnectRate)},
	} {
		if field.value < 0 {
			return Options{}, fmt.Errorf("outlookstream: Options.%s is negative", field.name)
		}
	}
	setDefault(&out.Endpoint, DefaultEndpoint)
	setDefault(&out.User, "me")
	setDefault(&out.UserAgent, defaultUserAgent)
	setDefault(&out.KeepAlive, defaultKeepAlive)
	setDefault(&out.ConnectionTimeout, defaultConnectionTimeout)
	setDefault(&out.MaxElement, defaultMaxElement)
	setDefault(&out.Backoff.Initial, 500*time.Millisecond)
	setDefault(&out.Backoff.Max, time.Minute)
	setDefault(&out.Backoff.ResetAfter, time.Minute)
	setDefault(&out.ConnectRate, defaultConnectRate)
	setDefault(&out.Logger, slog.New(slog.DiscardHandler))
	setDefault(&out.Trace, new(Trace))
	setDefault(&out.HTTPClient, new(http.Client))
	out.Scopes = slices.Clone(out.Scopes)
	out.Backoff.Max = max(out.Backoff.Max, out.Backoff.Initial)
	out.KeepAlive = roundUp(out.KeepAlive, time.Second)
	out.ConnectionTimeout = roundUp(out.ConnectionTimeout, time.Minute)
	if out.KeepAlive >= out.ConnectionTimeout || out.ConnectionTimeout > maxConnectionTimeout {
		return Options{}, fmt.Errorf("outlookstream: Options.KeepAlive (%v) must be shorter than Options.ConnectionTimeout (%v), and that at most %v",
			out.KeepAlive, out.ConnectionTimeout, maxConnectionTimeout)
	}
	// A connection that lasted half as long as it was asked to is good, too:
	// one-minute connections that all end well are no reason to slow down.
	out.Backoff.ResetAfter = min(out.Backoff.ResetAfter, out.ConnectionTimeout/2)
	return out, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// roundUp: the service takes whole units only.
func roundUp(d, unit time.Duration) time.Duration {
	if rest := d % unit; rest > 0 && d <= maxConnectionTimeout {
		d += unit - rest
	}
	return d
}

// idleLimit is how long a connection may be silent: two keep-alives that
// never came, and a little patience for the network.
func (o *Options) idleLimit() time.Duration { return 2*o.KeepAlive + 5*time.Second }

// elementTime is how long the service may take over one element, white space
// and what else is around it included, once somebody waits for it: a byte now
// and then is no sign of life. An honest link that carries 64 kbit/s brings the
// largest element in half of it.
func (o *Options) elementTime() time.Duration {
	atThatRate := time.Duration(min(int64(o.MaxElement), 1<<40)/(8<<10)) * time.Second
	return max(5*time.Minute, 2*o.idleLimit(), 2*atThatRate)
}

// parseEndpoint refuses endpoints to which a token must not be sent.
func parseEndpoint(raw string) (*url.URL, error) {
	endpoint, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("outlookstream: Endpoint: %w", err)
	}
	switch {
	case endpoint.Host == "":
		return nil, fmt.Errorf("outlookstream: Endpoint %q is not an absolute URL, such as %s", raw, DefaultEndpoint)
	case endpoint.User != nil:
		return nil, errors.New("outlookstream: Endpoint must not carry a user name or password")
	case endpoint.RawQuery != "" || endpoint.ForceQuery || endpoint.Fragment != "":
		return nil, fmt.Errorf("outlookstream: Endpoint %q must not have a query or fragment", raw)
	case !safeurl.Is(endpoint):
		return nil, fmt.Errorf("outlookstream: Endpoint %q: tokens are sent over https only (or http on a loopback address)", raw)
	}
	endpoint.Path = strings.TrimRight(endpoint.Path, "/")
	endpoint.RawPath = strings.TrimRight(endpoint.RawPath, "/")
	return endpoint, nil
}
