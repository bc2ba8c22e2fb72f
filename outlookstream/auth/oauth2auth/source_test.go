package oauth2auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

// script is a source that returns one value after the other, the last one for ever, and counts.
type script struct {
	mu     sync.Mutex
	values []string
	calls  int
}

func (s *script) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	value := s.values[0]
	if len(s.values) > 1 {
		s.values = s.values[1:]
	}
	return &oauth2.Token{AccessToken: value, Expiry: time.Now().Add(time.Hour)}, nil
}

// sourceFunc is a source that is a function.
type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

func failing(err error) oauth2.TokenSource {
	return sourceFunc(func() (*oauth2.Token, error) { return nil, err })
}

func TestASourceIsAskedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, claims := range []string{"", "{}"} {
			src := &script{values: []string{"secret-1", "secret-2"}}
			p := oauth2auth.New(src)
			first := token(t, p, auth.Request{})
			if time.Until(first.ExpiresOn) != time.Hour {
				t.Errorf("got %v", first)
			}
			token(t, p, auth.Request{})
			token(t, p, auth.Request{Scopes: []string{"https://outlook.office.com/Mail.Read"}}) // the same for all scopes
			if src.calls != 1 {
				t.Errorf("%d calls for a token that is there", src.calls)
			}
			second := token(t, p, auth.Request{Rejected: first.Value, Claims: claims})
			fails(t, p, auth.Request{Rejected: second.Value, Claims: claims}, auth.ErrRejected, "script) returned the refused token again", "secret-1", "secret-2")
			if src.calls != 3 {
				t.Errorf("claims %q: %d calls, want 3", claims, src.calls)
			}
		}
	})
}

func TestManyRefusalsAreOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{values: []string{"t1", "t2", "t3"}}
		p := oauth2auth.New(sourceFunc(func() (*oauth2.Token, error) {
			time.Sleep(time.Second) // synctest: virtual
			return src.Token()
		}))
		token(t, p, auth.Request{})
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() { token(t, p, auth.Request{Rejected: "t1", Scopes: []string{fmt.Sprint("scope ", i%3)}}) })
		}
		wg.Wait()
		if src.calls != 2 {
			t.Errorf("%d calls, want 2", src.calls)
		}
	})
}

func TestASourceThatHangsHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int32
		p := oauth2auth.New(sourceFunc(func() (*oauth2.Token, error) {
			calls.Add(1)
			<-release
			return &oauth2.Token{AccessToken: "t1"}, nil
		}))
		start := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Token(impatient, auth.Request{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		fails(t, p, auth.Request{}, transient, "no token within 1m")
		if time.Since(start) != time.Minute || calls.Load() != 1 {
			t.Errorf("after %s and %d calls", time.Since(start), calls.Load())
		}
		close(release)
		synctest.Wait()
		token(t, p, auth.Request{})
	})
}

func TestErrorsOfSources(t *testing.T) {
	refused := &oauth2.RetrieveError{
		Response: reply(401, ""), Body: []byte(`{"error":"invalid_client","error_codes":[7000222],"error_description":"secret-1"}`),
		ErrorCode: "invalid_client", ErrorDescription: "secret-1",
	}
	for _, test := range []struct {
		name, want string
		kind       error
		src        oauth2.TokenSource
	}{
		{"nil", "no token source", auth.ErrMisconfigured, nil},
		{"refused", "status 401, invalid_client, AADSTS7000222", auth.ErrMisconfigured, failing(fmt.Errorf("wrapped: %w", refused))},
		{"refused, no response", "sourceFunc) failed", transient, failing(&oauth2.RetrieveError{Body: []byte("secret-1")})},
		{"unreachable", "host.test cannot be reached: no answer in time", transient, failing(&url.Error{Op: "Post", URL: "https://host.test/?secret-1", Err: timeout{}})},
		{"text", "sourceFunc) failed (*errors.errorString)", transient, failing(errors.New("Response: secret-1"))},
		{"its context has ended", "the context that the token source", auth.ErrMisconfigured, failing(fmt.Errorf("secret-1: %w", context.Canceled))},
		{"nothing", "neither a token nor an error", transient, sourceFunc(func() (*oauth2.Token, error) { return nil, nil })},
		{"an empty token", "neither a token nor an error", transient, oauth2.StaticTokenSource(&oauth2.Token{})},
		{"another type", "another type than bearer", auth.ErrMisconfigured, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "secret-1", TokenType: "MAC"})},
		{"a panic", "panicked at", transient, sourceFunc(func() (*oauth2.Token, error) { panic("secret-1") })},
	} {
		t.Run(test.name, func(t *testing.T) {
			fails(t, oauth2auth.New(test.src), auth.Request{}, test.kind, test.want, "secret-1")
		})
	}
	fails(t, oauth2auth.New(&script{values: []string{"secret-1"}}), auth.Request{TenantID: "fabrikam.test"}, auth.ErrMisconfigured, "tenant", "secret-1")
}

func TestBearerIsWrittenInSeveralWays(t *testing.T) {
	for _, name := range []string{"", "Bearer", "bearer", "BEARER"} {
		token(t, oauth2auth.New(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t1", TokenType: name})), auth.Request{})
	}
}

// A source of x/oauth2 that makes a request at each call is as good as FromConfig.
func TestClientCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := signin.New(nil)
		net := &network{server: server}
		cfg := clientcredentials.Config{
			ClientID: server.ClientID(), ClientSecret: server.ClientSecret(), AuthStyle: oauth2.AuthStyleInParams,
			TokenURL: "https://signin.test/" + server.Tenant() + "/oauth2/v2.0/token",
			Scopes:   []string{"https://outlook.office.com/.default"},
		}
		ctx := contextWith(t.Context(), &http.Client{Transport: net})
		p := oauth2auth.New(sourceFunc(func() (*oauth2.Token, error) { return cfg.Token(ctx) }))
		first := token(t, p, auth.Request{})
		second := token(t, p, auth.Request{Rejected: first.Value})
		if _, reason, ok := server.Check(second.Value); !ok || len(net.asked()) != 2 {
			t.Errorf("the second token is not accepted: %s", reason)
		}
		keeps := oauth2auth.New(cfg.TokenSource(ctx))
		first = token(t, keeps, auth.Request{})
		fails(t, keeps, auth.Request{Rejected: first.Value}, auth.ErrRejected, "oauth2auth.FromConfig", server.Secrets()...)
		cfg.ClientSecret = "secret-1"
		fails(t, p, auth.Request{Rejected: second.Value}, auth.ErrMisconfigured, "AADSTS7000215", append(server.Secrets(), "secret-1")...)
	})
}
