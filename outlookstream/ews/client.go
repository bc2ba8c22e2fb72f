package ews

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// A Client talks to one service on behalf of one account. It is safe for
// concurrent use, and holds connections only while something is going on.
type Client struct {
	opts     Options
	url      *url.URL
	auth     Authenticator
	template http.Client
	timeout  time.Duration // bounds one call, and the connecting of a stream
	spoken   spoken
	watchdog *reconnect.Watchdog
	busy     busy
	calls    chan struct{} // holds one token for each call that is under way
	allowing chan struct{} // holds one, while AutodiscoverOptions.AllowRedirect is asked
}

const (
	// maxCalls is how many calls a Client makes at a time; others wait. Exchange
	// allows an account 27 (Exchange 2010: 10), of all its programs.
	maxCalls = 20
	// defaultTimeout bounds one call.
	defaultTimeout = time.Minute
	// minEnvelopeTime is how long the service may take over one envelope at least.
	minEnvelopeTime = 5 * time.Minute
)

// idleLimit is two heartbeats that never came, and a little patience.
func (o *Options) idleLimit() time.Duration { return 2*o.Heartbeat + 5*time.Second }

// envelopeTime is how long the service may take over one envelope: the watchdog
// must be able to find silence first.
func (o *Options) envelopeTime() time.Duration { return max(minEnvelopeTime, 2*o.idleLimit()) }

// New returns a Client. opts may be nil. The error says which option is wrong;
// nothing is sent yet. With [NTLM] the Transport of Options.HTTPClient must be an
// *http.Transport without MaxConnsPerHost and DisableKeepAlives; with it and with
// [Negotiate] that is used over HTTP/1.1 alone.
func New(a Authenticator, opts *Options) (*Client, error) {
	if a == nil {
		return nil, errors.New("ews: New needs an Authenticator")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	u, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{opts: o, url: u, auth: a, template: *o.HTTPClient, timeout: defaultTimeout, watchdog: reconnect.NewWatchdog(o.idleLimit(), o.envelopeTime()), calls: make(chan struct{}, maxCalls), allowing: make(chan struct{}, 1)}
	if o.HTTPClient.Timeout > 0 {
		c.timeout = o.HTTPClient.Timeout
	}
	c.template.Timeout = 0 // it would cut streams off
	c.template.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.template.Transport == nil {
		c.template.Transport = NewTransport()
	}
	if err := c.prepareConnections(); err != nil {
		return nil, err
	}
	c.spoken.byURL = make(map[string]*atomic.Pointer[string])
	return c, nil
}

// prepareConnections sees to it that connections can be authenticated, if they
// have to be: by IIS that goes over HTTP/1.1 alone.
func (c *Client) prepareConnections() error {
	if scheme := c.auth.scheme(); scheme != "NTLM" && scheme != "Negotiate" {
		return nil
	}
	if t, ok := c.template.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.ForceAttemptHTTP2 = false
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		if t.TLSClientConfig != nil { // Clone has prepared the original for HTTP/2, and copied that
			t.TLSClientConfig.NextProtos = slices.DeleteFunc(slices.Clone(t.TLSClientConfig.NextProtos), func(p string) bool { return p == "h2" })
		}
		c.template.Transport = t
	}
	if conversation := c.auth.conversation(); conversation != nil {
		if err := reconnect.NewPool(&c.template).Converse(conversation); err != nil {
			return fmt.Errorf("ews: Options.HTTPClient: %w", err)
		}
	}
	return nil
}

// newPool returns connections of their own, with a jar of their own.
func (c *Client) newPool() *reconnect.Pool {
	jar, _ := cookiejar.New(nil) // no options: it cannot fail
	client := c.template
	client.Jar = jar
	pool := reconnect.NewPool(&client)
	pool.KeepIdle(openers)
	if conversation := c.auth.conversation(); conversation != nil {
		_ = pool.Converse(conversation) // it could when the Client was made
	}
	return pool
}

// NewTransport returns a transport as it is used when Options.HTTPClient brings
// none, to be changed before it becomes one's own: certificates to trust, a
// proxy. It is that of [outlookstream.NewTransport], for HTTP/1.1 alone: a
// stream needs a connection of its own where connections are authenticated, and
// Exchange Server has little to gain from another protocol.
func NewTransport() *http.Transport {
	t := outlookstream.NewTransport()
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	return t
}

// Session returns the way to the server that has one group of mailboxes. Its
// requests go to where the mailbox anchor is, if that is not "", and carry what
// the service told the requests before them to say of where that was (cookies),
// whatever becomes of tokens meanwhile. So a subscription must be listened to
// through the Session that it was made with. Exchange Online wants an anchor
// (X-AnchorMailbox) from who impersonates with an application's token.
func (c *Client) Session(anchor string) *Session {
	return c.sessionAt(c.url, anchor)
}

func (c *Client) sessionAt(u *url.URL, anchor string) *Session {
	return &Session{client: c, url: u, anchor: anchor, pool: c.newPool(), version: c.versionAt(u)}
}

// anchoredAt returns the same way for another mailbox: the cookies, which say
// where the subscriptions are, stay.
func (s *Session) anchoredAt(anchor string) *Session {
	return &Session{client: s.client, url: s.url, anchor: anchor, pool: s.pool, version: s.version}
}

// keep has connections outlive the calls that are made over them until release
// is called. Otherwise they are closed when no call is under way, and the next
// has to dial, and with NTLM to authenticate, anew.
func (s *Session) keep() (release func()) { return s.pool.Acquire().Release }

// A Session is the way to one group of mailboxes: see [Client.Session]. Each
// call is one request, without retries, and takes a minute at most (or
// HTTPClient.Timeout). It fails with an [*Error], the service's own words, or an
// *outlookstream.ConnectionError. A Session is safe for concurrent use, holds
// connections only while a call or a Stream is going on, and need not be closed.
type Session struct {
	client  *Client
	url     *url.URL
	anchor  string
	pool    *reconnect.Pool
	version *atomic.Pointer[string] // RequestServerVersion: see Client.versionAt

	statistics atomic.Pointer[string] // X-ClientStatistics of the last call
}
