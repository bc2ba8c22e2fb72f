package azauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

const calendars = "https://outlook.office.com/Calendars.Read"

var scopes = []string{calendars}

// fake is a credential that is a function.
type fake func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (f fake) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return f(ctx, o)
}

// authority is a policy.Transporter that ends in a signin.Server of this process.
type authority struct {
	server *signin.Server
	mu     sync.Mutex
	forms  []string // posted to the token endpoint
	answer func(r *http.Request, body string) *http.Response
}

func (a *authority) Do(r *http.Request) (*http.Response, error) {
	var form []byte
	if r.Body != nil {
		form, _ = io.ReadAll(r.Body)
	}
	a.mu.Lock()
	if strings.HasSuffix(r.URL.Path, "/token") {
		a.forms = append(a.forms, string(form))
	}
	answer := a.answer
	a.mu.Unlock()
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.Body = r.URL.Host, r.URL.RequestURI(), io.NopCloser(strings.NewReader(string(form)))
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, in)
	resp := w.Result()
	if answer != nil && strings.HasSuffix(r.URL.Path, "/token") {
		resp = answer(r, w.Body.String())
		if resp == nil {
			return nil, errors.New("dial tcp: lookup signin.test: no such host, while sending " + string(form))
		}
	}
	resp.Request = r
	return resp, nil
}

// asked returns the forms posted to the token endpoint since the last call.
func (a *authority) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.forms = nil }()
	return a.forms
}

func (a *authority) set(answer func(*http.Request, string) *http.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func newAuthority() *authority {
	return &authority{server: signin.New(&signin.Options{AutoApprove: true})}
}

// options lead azidentity to the authority, without its own repetitions.
func (a *authority) options() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: "https://signin.test/"},
		Transport: a, Retry: policy.RetryOptions{MaxRetries: -1},
	}
}

// clientSecret returns azidentity's own credential for the authority.
func (a *authority) clientSecret(t *testing.T) azcore.TokenCredential {
	t.Helper()
	cred, err := azidentity.NewClientSecretCredential(a.server.Tenant(), a.server.ClientID(), a.server.ClientSecret(),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: a.options(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return cred
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

// transient is the kind of errors after which a client tries again.
var transient error

type tokenRequest = policy.TokenRequestOptions

func asInteraction(err error) (*auth.InteractionError, bool) {
	return errors.AsType[*auth.InteractionError](err)
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
