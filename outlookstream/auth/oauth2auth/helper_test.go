package oauth2auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

const alex = "alex@contoso.test"

var scopes = []string{"https://outlook.office.com/Calendars.Read"}

// transient is the kind of errors after which a client tries again.
var transient error

// network is a transport that ends in a signin.Server of this process.
type network struct {
	server *signin.Server
	mu     sync.Mutex
	forms  []url.Values // posted to the token endpoint
	// answer, if set, answers in place of the server, whose answer it is given.
	answer func(r *http.Request, body string) (*http.Response, error)
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return nil, fmt.Errorf("%d bytes were sent, %d announced: %w", len(body), r.ContentLength, err)
	}
	if again, err := r.GetBody(); err != nil || !sameText(again, body) {
		return nil, fmt.Errorf("what would be sent a second time is not the same: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.forms = append(n.forms, form)
	answer := n.answer
	n.mu.Unlock()
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.Body = r.URL.Host, r.URL.RequestURI(), io.NopCloser(strings.NewReader(string(body)))
	w := httptest.NewRecorder()
	n.server.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if answer != nil {
		return answer(r, w.Body.String())
	}
	return w.Result(), nil
}

func sameText(r io.Reader, want []byte) bool {
	got, err := io.ReadAll(r)
	return err == nil && string(got) == string(want)
}

// asked returns the forms that were posted since the last call.
func (n *network) asked() []url.Values {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.forms = nil }()
	return n.forms
}

func (n *network) set(answer func(*http.Request, string) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = answer
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// always makes an answer for network.set.
func always(status int, body func(string) string) func(*http.Request, string) (*http.Response, error) {
	return func(_ *http.Request, b string) (*http.Response, error) { return reply(status, body(b)), nil }
}

func same(body string) string { return body }

// world is a server, the network to it, and the configuration of a client of it.
type world struct {
	server *signin.Server
	net    *network
	cfg    *oauth2.Config
	first  string // the refresh token of a sign-in
}

// newWorld signs the first account in.
func newWorld(t *testing.T, opts *signin.Options) *world {
	t.Helper()
	w := &world{server: signin.New(opts)}
	w.net = &network{server: w.server}
	base := "https://signin.test/" + w.server.Tenant() + "/oauth2/v2.0/"
	w.cfg = &oauth2.Config{
		ClientID: w.server.ClientID(), Scopes: append([]string{"offline_access"}, scopes...),
		RedirectURL: "http://localhost/callback",
		Endpoint:    oauth2.Endpoint{AuthURL: base + "authorize", TokenURL: base + "token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	page := httptest.NewRecorder()
	w.server.ServeHTTP(page, httptest.NewRequest("GET", w.cfg.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), nil))
	back, err := url.Parse(page.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	client := &http.Client{Transport: w.net}
	token, err := w.cfg.Exchange(contextWith(ctx, client), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil || token.RefreshToken == "" {
		t.Fatal("the sign-in failed")
	}
	w.first = token.RefreshToken
	w.net.asked()
	return w
}

// provider makes a Provider of the sign-in.
func (w *world) provider(opts oauth2auth.Options) auth.Provider {
	opts.HTTPClient = &http.Client{Transport: w.net}
	return oauth2auth.FromConfig(w.cfg, w.first, &opts)
}

// token asks for a token that must come.
func token(t *testing.T, p auth.Provider, r auth.Request) auth.Token {
	t.Helper()
	if r.Scopes == nil {
		r.Scopes = scopes
	}
	token, err := p.Token(t.Context(), r)
	if err != nil || token.Value == "" || token.Value == r.Rejected {
		t.Errorf("asked %v, got %v and the error %v", r, token, err)
	}
	return token
}

// fails asks for a token that must not come, and checks the kind of the error and that its text has what is wanted of it and
// none of the secrets.
func fails(t *testing.T, p auth.Provider, r auth.Request, kind error, want string, secrets ...string) error {
	t.Helper()
	if r.Scopes == nil {
		r.Scopes = scopes
	}
	token, err := p.Token(t.Context(), r)
	if err == nil || token.Value != "" {
		t.Fatalf("asked %v, got %v and the error %v", r, token, err)
	}
	for _, k := range []error{auth.ErrInteractionRequired, auth.ErrMisconfigured, auth.ErrRejected} {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("the error should be %v: %v", kind, err)
		}
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not say %q: %v", want, err)
	}
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
			t.Errorf("a secret is in the error that begins with %.40q", err)
		}
	}
	return err
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
