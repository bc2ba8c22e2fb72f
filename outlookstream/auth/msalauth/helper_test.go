package msalauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

const host = "signin.test"

var mail = []string{"https://outlook.office.com/Mail.Read"}

// network is a transport that ends in a Server of this process.
type network struct {
	server  *signin.Server
	mu      sync.Mutex
	asked   []string // "POST host/path"
	foreign []string // asked hosts other than the authority's
	// change, if set, may answer in place of the server, or change its answer, which is nil before the server was asked.
	change func(*http.Request, *http.Response) (*http.Response, error)
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.Method+" "+r.URL.Host+r.URL.Path)
	if r.URL.Scheme != "https" || r.URL.Host != host {
		n.foreign = append(n.foreign, r.URL.Scheme+"://"+r.URL.Host)
	}
	change := n.change
	n.mu.Unlock()
	if change != nil {
		if resp, err := change(r, nil); resp != nil || err != nil {
			return resp, err
		}
	}
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	w := httptest.NewRecorder()
	n.server.ServeHTTP(w, in)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	resp := w.Result()
	resp.Request = r
	if change != nil {
		return change(r, resp)
	}
	return resp, nil
}

func (n *network) set(change func(*http.Request, *http.Response) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change = change
}

// posts counts the requests to the token endpoint since the last call.
func (n *network) posts() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.asked {
		if strings.HasPrefix(r, "POST") && strings.HasSuffix(r, "/token") {
			count++
		}
	}
	n.asked = nil
	return count
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// answerToken lets every request to the token endpoint be answered with that.
func answerToken(status int, body string) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && strings.HasSuffix(r.URL.Path, "/token") {
			return reply(status, body), nil
		}
		return resp, nil
	}
}

var errDown = errors.New("the network is down")

func down(*http.Request, *http.Response) (*http.Response, error) { return nil, errDown }

// world is a Client, the server it signs in to, and the network between them.
type world struct {
	*msalauth.Client
	auth.Provider // of the only account
	t             *testing.T
	server        *signin.Server
	net           *network
	mu            sync.Mutex
	texts         []string // of all errors seen
}

func newWorld(t *testing.T, opts *signin.Options) *world {
	t.Helper()
	w := &world{t: t, server: signin.New(opts)}
	w.net = &network{server: w.server}
	w.Client = w.client(nil)
	w.Provider = w.Client.Provider("")
	t.Cleanup(func() {
		if len(w.net.foreign) > 0 {
			t.Errorf("requests were sent to %q", w.net.foreign)
		}
		w.checkSecrets()
	})
	return w
}

// client makes another Client of the same application on the same network.
func (w *world) client(store *tokencache.Store) *msalauth.Client {
	w.t.Helper()
	c, err := msalauth.New(msalauth.Options{
		ClientID: w.server.ClientID(), Authority: "https://" + host + "/common", HTTPClient: &http.Client{Transport: w.net}, Store: store,
		OnStoreError: func(err error) { w.saw(err) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// only returns the only account, or a zero one.
func (w *world) only() msalauth.Account {
	w.t.Helper()
	accounts, err := w.Accounts(w.t.Context())
	if err != nil || len(accounts) > 1 {
		w.t.Fatalf("%d accounts, %v", len(accounts), w.saw(err))
	}
	if len(accounts) == 0 {
		return msalauth.Account{}
	}
	return accounts[0]
}

// saw keeps an error's text for checkSecrets.
func (w *world) saw(err error) error {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.texts = append(w.texts, err.Error())
	}
	return err
}

// checkSecrets looks for every secret that the server issued in every error that was seen.
func (w *world) checkSecrets() {
	for _, text := range w.texts {
		for _, secret := range w.server.Secrets() {
			if strings.Contains(text, secret) || strings.Contains(text, secret[:40]) || strings.Contains(text, secret[len(secret)-40:]) {
				w.t.Errorf("an error contains a secret; it begins with %.60q", text)
			}
		}
	}
}

// approve is a prompt that signs the first account in.
func (w *world) approve(_ context.Context, c msalauth.DeviceCode) error {
	return w.server.Approve(c.UserCode, "")
}

// signIn signs the first account in.
func (w *world) signIn(scopes ...string) {
	w.t.Helper()
	if len(scopes) == 0 {
		scopes = mail
	}
	_, err := w.SignInDeviceCode(w.t.Context(), scopes, func(_ context.Context, c msalauth.DeviceCode) error {
		return w.server.Approve(c.UserCode, "")
	})
	if err != nil {
		w.t.Fatal(w.saw(err))
	}
	w.net.posts()
}

// token asks for a token that must come.
func (w *world) token(r auth.Request) auth.Token {
	w.t.Helper()
	if len(r.Scopes) == 0 {
		r.Scopes = mail
	}
	token, err := w.Token(w.t.Context(), r)
	if err != nil {
		w.t.Errorf("no token: %v", w.saw(err))
	}
	return token
}

// fails asks for a token that must not come.
func (w *world) fails(r auth.Request) error {
	w.t.Helper()
	if len(r.Scopes) == 0 {
		r.Scopes = mail
	}
	token, err := w.Token(w.t.Context(), r)
	if err == nil || token.Value != "" {
		w.t.Errorf("got a token, and the error %v", w.saw(err))
	}
	return w.saw(err)
}

// accepted says whether the server accepts a token.
func (w *world) accepted(token auth.Token) bool {
	_, _, ok := w.server.Check(token.Value)
	return ok
}

// isTransient says whether a client would try again.
func isTransient(err error) bool {
	return err != nil && !errors.Is(err, auth.ErrInteractionRequired) && !errors.Is(err, auth.ErrMisconfigured) && !errors.Is(err, auth.ErrRejected) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
