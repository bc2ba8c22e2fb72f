package outlookstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A Client talks to one service on behalf of one user. It is safe for
// concurrent use. It holds connections only while something is going on, so
// there is nothing to close.
type Client struct {
	opts     Options
	endpoint *url.URL
	user     string // path segments of the user: "me", "users/room1@contoso.com"
	tokens   *service.Tokens
	pool     *reconnect.Pool
	timeout  time.Duration       // bounds connecting
	watchdog *reconnect.Watchdog // of all streams
	rate     *reconnect.Rate     // of the attempts of all watches

	elementTime time.Duration // bounds the reading of one element

	mu     sync.Mutex
	scopes []string // what has been subscribed to with this client
}

// defaultTimeout bounds connecting, up to the response's header.
const defaultTimeout = 30 * time.Second

// New returns a Client that asks provider for a token whenever it connects.
// opts may be nil. The error says which option is wrong; nothing is sent yet.
func New(provider auth.Provider, opts *Options) (*Client, error) {
	if provider == nil {
		return nil, errNoProvider
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	endpoint, err := parseEndpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	c := &Client{
		opts:     o,
		endpoint: endpoint,
		user:     "me",
		tokens:   &service.Tokens{Provider: provider},
		timeout:  defaultTimeout,
		rate:     reconnect.NewRate(o.ConnectRate),

		elementTime: o.elementTime(),
	}
	c.watchdog = reconnect.NewWatchdog(o.idleLimit(), c.elementTime)
	if !strings.EqualFold(o.User, "me") {
		c.user = "users/" + url.PathEscape(o.User)
	}
	reaching := template(o.HTTPClient)
	if o.HTTPClient.Timeout > 0 {
		c.timeout = o.HTTPClient.Timeout
	}
	reaching.CheckRedirect = c.checkRedirect
	c.pool = reconnect.NewPool(&reaching)
	return c, nil
}

// template returns how to reach the service.
func template(caller *http.Client) http.Client {
	t := *caller
	t.Timeout = 0 // it would cut streams off
	if t.Transport == nil {
		t.Transport = NewTransport()
	}
	return t
}

// remember adds to the permissions that Open and Unsubscribe ask for, who know
// ids only.
func (c *Client) remember(scopes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, scope := range scopes {
		if !slices.Contains(c.scopes, scope) {
			c.scopes = append(c.scopes, scope)
		}
	}
}

func (c *Client) rememberedScopes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.opts.Scopes) > 0 {
		return slices.Clone(c.opts.Scopes)
	}
	return slices.Sorted(slices.Values(c.scopes))
}

// checkRedirect follows the service to another path, but not to another host:
// the token is for this one. A redirect that turns a POST into a GET is not
// followed either; it becomes an Error with its status.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	if next.URL.Scheme != c.endpoint.Scheme || next.URL.Host != c.endpoint.Host {
		return fmt.Errorf("%w: %s://%s", errForeignRedirect, next.URL.Scheme, next.URL.Host)
	}
	if next.Method != via[0].Method || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	reconnect.NewTries(next)
	return nil
}

const maxRedirects = 5

var errNoProvider = errors.New("outlookstream: New needs an auth.Provider")
