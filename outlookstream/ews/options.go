package ews

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/calwatch/calwatch/internal/safeurl"
	"github.com/calwatch/calwatch/outlookstream"
)

// OnlineURL is where Exchange Online serves Exchange Web Services.
const OnlineURL = "https://outlook.office365.com/EWS/Exchange.asmx"

// Options configure a [Client]. A nil *Options and every zero field mean the
// default.
type Options struct {
	// URL is the service's address, such as
	// https://mail.contoso.com/EWS/Exchange.asmx; OnlineURL by default. It must
	// be https, or http on a loopback address: credentials are sent to it.
	URL string

	// Impersonate acts as each mailbox, with the right of
	// ApplicationImpersonation or, for app-only tokens, full_access_as_app.
	Impersonate bool

	// Version is the RequestServerVersion. Default: Exchange2013_SP1, or an
	// earlier one, down to Exchange2007_SP1, from when the server says that it does
	// not know that. Before Exchange2010_SP1 there are no streams: a watch asks again
	// and again instead.
	Version string

	// HTTPClient is a template for how to reach the service, as in
	// outlookstream.Options. Its Jar is not used: each Session has one. Its Timeout
	// bounds each call, and the time until a stream answers; 1 min by default.
	// Without a Transport it gets one of [NewTransport].
	HTTPClient *http.Client

	// UserAgent names the program to the service, which may be set to let only
	// some in: it goes by how this begins. Default: "calwatch".
	UserAgent string

	// ConnectionTimeout is how long one stream is asked to last, in whole
	// minutes from 1 to 30; 29 min by default.
	ConnectionTimeout time.Duration

	// MaxStreams is how many streams a watch opens at a time where all are
	// charged to one account, that is without Impersonate; 10 by default, which
	// is what Exchange allows. Exchange 2013 allows 3. Mailboxes for which no
	// stream is left end with ErrLimit.
	MaxStreams int

	// Heartbeat is how often the service is expected to say something on a
	// stream: twice that and 5 s without a byte end it. 45 s by default, the
	// number of Microsoft's own clients; the service does not tell.
	Heartbeat time.Duration

	// PullInterval is how often a watch asks about a mailbox where streaming does
	// not work; 30 s by default.
	PullInterval time.Duration

	// MaxEnvelope bounds one envelope of a stream, and any other answer, in bytes;
	// 4 MiB by default. A larger envelope is skipped, and announced by a watch; a
	// larger answer is ErrMalformed.
	MaxEnvelope int

	// Statistics sends X-ClientStatistics: how long the call before took.
	Statistics bool

	// Discover has a watch ask Autodiscover where each mailbox is and which can
	// share a stream, instead of taking them all for mailboxes at URL that can.
	Discover bool

	// Autodiscover says whom [Client.Autodiscover] asks, and whom it believes. Only
	// with Discover does a watch do so.
	Autodiscover AutodiscoverOptions

	// Backoff says how attempts to connect are spaced, and those to subscribe to a
	// mailbox and to find one. Defaults: from 0.5 s doubling to 1 min, and from the
	// start again once a connection was good for 1 min.
	Backoff outlookstream.Backoff

	// Logger hears of connections and subscriptions, of each Resync and its reason,
	// and of mailboxes that were given up, have moved or were not found. A warning
	// is what may have cost a change, or what has lasted. Default: nobody.
	Logger *slog.Logger

	// Trace has functions to be called at what happens inside. Default: none.
	Trace *Trace
}

const (
	defaultConnectionTimeout = 29 * time.Minute
	maxConnectionTimeout     = 30 * time.Minute // the schema's
	defaultHeartbeat         = 45 * time.Second
	defaultMaxEnvelope       = 4 << 20
	defaultMaxStreams        = 10
	defaultPullInterval      = 30 * time.Second
	defaultVersion           = "Exchange2013_SP1"
	defaultUserAgent         = "calwatch"
)

// withDefaults returns a copy of o in which every field has its value.
func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	setDefault(&out.URL, OnlineURL)
	setDefault(&out.Version, defaultVersion)
	setDefault(&out.UserAgent, defaultUserAgent)
	setDefault(&out.ConnectionTimeout, defaultConnectionTimeout)
	setDefault(&out.Heartbeat, defaultHeartbeat)
	setDefault(&out.MaxEnvelope, defaultMaxEnvelope)
	setDefault(&out.MaxStreams, defaultMaxStreams)
	setDefault(&out.PullInterval, defaultPullInterval)
	setDefault(&out.Backoff.Initial, 500*time.Millisecond)
	setDefault(&out.Backoff.Max, time.Minute)
	setDefault(&out.Backoff.ResetAfter, time.Minute)
	setDefault(&out.HTTPClient, new(http.Client))
	setDefault(&out.Logger, slog.New(slog.DiscardHandler))
	setDefault(&out.Trace, new(Trace))
	if out.ConnectionTimeout < time.Minute || out.ConnectionTimeout > maxConnectionTimeout || out.ConnectionTimeout%time.Minute != 0 {
		return Options{}, fmt.Errorf("ews: Options.ConnectionTimeout must be whole minutes from 1 to 30, not %v", out.ConnectionTimeout)
	}
	if out.MaxEnvelope < 0 || out.Heartbeat < 0 || out.PullInterval < 0 || out.MaxStreams < 0 || out.Backoff.Initial < 0 || out.Backoff.Max < 0 || out.Backoff.ResetAfter < 0 {
		return Options{}, errors.New("ews: a number in Options is negative")
	}
	if strings.ContainsFunc(out.UserAgent, unicode.IsControl) {
		return Options{}, errors.New("ews: Options.UserAgent has a control character in it, which cannot be sent")
	}
	out.Backoff.Max = max(out.Backoff.Max, out.Backoff.Initial)
	out.Backoff.ResetAfter = min(out.Backoff.ResetAfter, out.ConnectionTimeout/2)
	return out, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// parseURL refuses addresses to which credentials must not be sent.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("ews: URL: %w", err)
	}
	switch {
	case u.Host == "":
		return nil, fmt.Errorf("ews: URL %q is not an absolute URL, such as %s", raw, OnlineURL)
	case u.User != nil:
		return nil, errors.New("ews: the URL must not carry a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("ews: URL %q must not have a query or fragment", raw)
	case !safeurl.Is(u):
		return nil, fmt.Errorf("ews: URL %q: credentials are sent over https only (or http on a loopback address)", raw)
	}
	return u, nil
}
