package azauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

// script is a credential that returns one value after the other, the last one for ever, and remembers what it was asked.
type script struct {
	mu     sync.Mutex
	values []string
	asked  []tokenRequest
}

func (s *script) GetToken(_ context.Context, r tokenRequest) (azcore.AccessToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	value := s.values[0]
	if len(s.values) > 1 {
		s.values = s.values[1:]
	}
	return azcore.AccessToken{Token: value, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestARefusedTokenIsForcedOutOnlyIfItComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name   string
			values []string
			claims []string // of each call
		}{
			{"there is another by now", []string{"t1", "t2"}, []string{"", ""}},
			{"the cache returns it again", []string{"t1", "t1", "t2"}, []string{"", "", `{"access_token":{"nbf":{"essential":true,"value":"946684800"}}}`}},
		} {
			cred := &script{values: test.values}
			p := azauth.New(cred, nil)
			first := token(t, p, auth.Request{})
			if got := token(t, p, auth.Request{Rejected: first.Value}); got.Value != "t2" {
				t.Errorf("%s: got another token than t2", test.name)
			}
			var claims []string
			for _, r := range cred.asked {
				claims = append(claims, r.Claims)
				if !r.EnableCAE || !slices.Equal(r.Scopes, []string{"https://outlook.office.com/.default"}) {
					t.Errorf("%s: asked %+v", test.name, r)
				}
			}
			if !slices.Equal(claims, test.claims) {
				t.Errorf("%s: the claims were %q, want %q", test.name, claims, test.claims)
			}
		}
	})
}

func TestACredentialWithNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cred := &script{values: []string{"secret-1"}}
		p := azauth.New(cred, nil)
		token(t, p, auth.Request{})
		fails(t, p, auth.Request{Rejected: "secret-1"}, auth.ErrRejected, "script", "secret-1")
		if len(cred.asked) != 3 {
			t.Errorf("asked %d times, want 3", len(cred.asked))
		}
		fails(t, p, auth.Request{Rejected: "secret-1", Claims: "{}"}, auth.ErrRejected, "script", "secret-1")
		if last := cred.asked[len(cred.asked)-1]; len(cred.asked) != 4 || last.Claims != "{}" {
			t.Errorf("with claims of the server's own: asked %d times, at last %+v", len(cred.asked), last)
		}
	})
}

func TestAnEmptyTokenIsNotTakenForTheRefusedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cred := &script{values: []string{""}}
		fails(t, azauth.New(cred, nil), auth.Request{}, transient, "neither a token nor an error")
		if len(cred.asked) != 1 {
			t.Errorf("asked %d times, want once", len(cred.asked))
		}
	})
}

func TestTenantAndClaimsAreAskedFor(t *testing.T) {
	cred := &script{values: []string{"t1"}}
	token(t, azauth.New(cred, nil), auth.Request{TenantID: "fabrikam.test", Claims: `{"a":1}`})
	if r := cred.asked[0]; r.TenantID != "fabrikam.test" || r.Claims != `{"a":1}` {
		t.Errorf("asked %+v", r)
	}
}

func TestScopes(t *testing.T) {
	const outlook = "https://outlook.office.com"
	for _, test := range []struct {
		scopes []string
		want   string // "" is ErrMisconfigured, with says in it
		says   string
	}{
		{[]string{outlook + "/Calendars.Read"}, outlook + "/.default", ""},
		{[]string{outlook + "/Calendars.Read", "https://Outlook.Office.com/Mail.Read", "offline_access", "openid"}, outlook + "/.default", ""},
		{[]string{outlook + "/.default"}, outlook + "/.default", ""},
		{[]string{"api://6d1a/Events.Read"}, "api://6d1a/.default", ""},
		{[]string{"00000002-0000-0ff1-ce00-000000000000/full_access_as_app"}, "00000002-0000-0ff1-ce00-000000000000/.default", ""},
		{[]string{"https://management.azure.com//.default"}, "https://management.azure.com//.default", ""},
		{nil, "", "no scope"},
		{[]string{"openid"}, "", "no scope"},
		{[]string{"Calendars.Read"}, "", `"Calendars.Read" does not name its resource`},
		{[]string{outlook}, "", "does not name its resource"},
		{[]string{"api://6d1a"}, "", "does not name its resource"},
		{[]string{outlook + "/Calendars.Read", "https://graph.microsoft.com/Mail.Read"}, "", "more than one resource"},
	} {
		cred := &script{values: []string{"t1"}}
		r := auth.Request{Scopes: append([]string{}, test.scopes...)}
		if test.want == "" {
			fails(t, azauth.New(cred, nil), r, auth.ErrMisconfigured, test.says)
			continue
		}
		token(t, azauth.New(cred, &azauth.Options{}), r)
		if got := cred.asked[0].Scopes; !slices.Equal(got, []string{test.want}) {
			t.Errorf("%q: asked for %q, want %q", test.scopes, got, test.want)
		}
		cred = &script{values: []string{"t1"}}
		token(t, azauth.New(cred, &azauth.Options{Delegated: true}), r)
		if got := cred.asked[0].Scopes; !slices.Equal(got, test.scopes) {
			t.Errorf("Delegated: %q: asked for %q", test.scopes, got)
		}
	}
}

func TestEachWaiterHasItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := azauth.New(fake(func(ctx context.Context, _ tokenRequest) (azcore.AccessToken, error) {
			<-ctx.Done() // as azcore does between its attempts
			return azcore.AccessToken{}, fmt.Errorf("retrying with secret-1: %w", ctx.Err())
		}), nil)
		start := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Token(impatient, auth.Request{Scopes: scopes}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		err := fails(t, p, auth.Request{}, transient, "no token within 1m", "secret-1")
		if errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestNilCredential(t *testing.T) {
	fails(t, azauth.New(nil, nil), auth.Request{}, auth.ErrMisconfigured, "no credential")
}

func TestNothingPrintsASecret(t *testing.T) {
	cred := &script{values: []string{"secret-1", "secret-1", "secret-2"}}
	p := azauth.New(cred, nil)
	token(t, p, auth.Request{})
	token(t, p, auth.Request{Rejected: "secret-1"})
	type holder struct{ inside any }
	for _, v := range []any{p, azauth.Credential(p), azauth.Credential(auth.Static("secret-3"))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, held := range []any{v, &v, holder{v}, &holder{v}} {
				text := fmt.Sprintf(verb, held)
				if strings.Contains(text, "secret") || strings.Contains(text, fmt.Sprintf("%x", "secret")) {
					t.Errorf("%s of %T shows a secret", verb, v)
				}
			}
		}
	}
}
