package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// rewrite lets a function spoil the body of every answer of the token endpoint, which contains tokens.
func rewrite(status int, spoil func(body string) string) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil || !strings.HasSuffix(r.URL.Path, "/token") || resp.StatusCode != 200 {
			return resp, nil
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		return reply(status, spoil(string(body))), nil
	}
}

func same(body string) string { return body }

// kinds of errors, for tables
const (
	transient     = "transient"
	interaction   = "interaction"
	misconfigured = "misconfigured"
)

func kindOf(err error) string {
	switch {
	case errors.Is(err, auth.ErrInteractionRequired):
		return interaction
	case errors.Is(err, auth.ErrMisconfigured):
		return misconfigured
	case isTransient(err):
		return transient
	}
	return fmt.Sprint("other: ", err)
}

func TestErrorsAreSortedAndHaveNoSecrets(t *testing.T) {
	type change = func(*http.Request, *http.Response) (*http.Response, error)
	quote := func(field string) change { // an error that quotes a whole answer
		return rewrite(400, func(body string) string { return fmt.Sprintf(`{"error":"invalid_grant",%q:%q}`, field, body) })
	}
	oauth := func(status int, code string) change {
		return answerToken(status, fmt.Sprintf(`{"error":%q,"error_description":"AADSTS1: x","error_codes":[1]}`, code))
	}
	for _, test := range []struct {
		name, want string
		change     change
	}{
		{"truncated", transient, rewrite(200, func(b string) string { return b[:len(b)-20] })},
		{"not JSON", transient, rewrite(200, func(b string) string { return "x" + b })},
		{"wrong types", transient, rewrite(200, func(b string) string { return strings.Replace(b, `"expires_in":3600`, `"expires_in":3600.5`, 1) })},
		{"no access token", transient, rewrite(200, func(b string) string { return strings.Replace(b, `"access_token"`, `"access"`, 1) })},
		{"bad id token", transient, rewrite(200, func(b string) string { return strings.Replace(b, `"id_token":"`, `"id_token":"a.!`, 1) })},
		{"declined scopes", interaction, rewrite(200, func(b string) string { return strings.Replace(b, mail[0], "openid", 1) })},
		{"status 299", transient, rewrite(299, same)},
		{"status 302", transient, rewrite(302, same)},
		{"status 400 with tokens", transient, rewrite(400, same)},
		{"status 500 with tokens", transient, rewrite(500, same)},
		{"quoted in error", transient, rewrite(400, func(b string) string { return fmt.Sprintf(`{"error":%q}`, b) })},
		{"quoted in error_description", interaction, quote("error_description")},
		{"quoted in suberror", interaction, quote("suberror")},
		{"quoted in correlation_id", interaction, quote("correlation_id")},
		{"too large", transient, rewrite(200, func(b string) string { return b + strings.Repeat(" ", 1<<20) })},
		{"HTML", transient, answerToken(502, "<html>")},
		{"empty", transient, answerToken(200, "")},
		{"invalid_grant", interaction, oauth(400, "invalid_grant")},
		{"interaction_required", interaction, oauth(400, "interaction_required")},
		{"login_required", interaction, oauth(400, "login_required")},
		{"consent_required", interaction, oauth(400, "consent_required")},
		{"error in a good answer", interaction, oauth(200, "invalid_grant")},
		{"invalid_client", misconfigured, oauth(401, "invalid_client")},
		{"unauthorized_client", misconfigured, oauth(400, "unauthorized_client")},
		{"invalid_scope", misconfigured, oauth(400, "invalid_scope")},
		{"temporarily_unavailable", transient, oauth(503, "temporarily_unavailable")},
		{"server_error", transient, oauth(400, "server_error")},
		{"429", transient, oauth(429, "invalid_request")},
		{"down", transient, down},
		{"reset", transient, func(*http.Request, *http.Response) (*http.Response, error) {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
		}},
		{"cut off", transient, func(*http.Request, *http.Response) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }},
		{"quoting transport", transient, func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil {
				return nil, nil
			}
			body, _ := io.ReadAll(resp.Body)
			return nil, fmt.Errorf("malformed HTTP response %q", body) // as net/http's does
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &signin.Options{AutoApprove: true})
				w.signIn()
				old := w.token(auth.Request{})
				w.net.set(test.change)
				if err := w.fails(auth.Request{Rejected: old.Value}); kindOf(err) != test.want {
					t.Errorf("got a %s error, want %s: %v", kindOf(err), test.want, err)
				}
				w.net.set(nil)
				w.server.Revoke("alex@contoso.test") // whatever the client has by now
				w.signIn()
				w.net.set(test.change)
				_, err := w.attempt(t.Context(), func(msalauth.DeviceCode) {}) // the same in the middle of a sign-in
				if err == nil {
					t.Error("signed in")
				}
				w.net.set(nil)
				if !w.accepted(w.token(auth.Request{})) {
					t.Error("the account is lost")
				}
			})
		})
	}
}

func TestHungAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := false
		w := newWorld(t, &signin.Options{Fault: func(string, string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Hour}, hang
		}})
		w.signIn()
		old := w.token(auth.Request{})
		hang = true
		start := time.Now()
		err := w.fails(auth.Request{Rejected: old.Value})
		if !isTransient(err) || time.Since(start) != 30*time.Second || !strings.Contains(err.Error(), "no answer within 30s") {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestRequestsGoNowhereElse(t *testing.T) {
	for _, elsewhere := range []string{"https://evil.test/token", "http://signin.test/common/oauth2/v2.0/token", "https://signin.test:8443/token"} {
		w := newWorld(t, nil)
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp != nil && strings.HasSuffix(r.URL.Path, "/openid-configuration") {
				return reply(200, `{"issuer":"https://signin.test/x","authorization_endpoint":"https://signin.test/a","token_endpoint":"`+elsewhere+`"}`), nil
			}
			return resp, nil
		})
		_, err := w.attempt(t.Context(), func(msalauth.DeviceCode) {})
		if !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%s: %v", elsewhere, err)
		}
		if len(w.net.asked) != 1 {
			t.Errorf("%s: asked %q", elsewhere, w.net.asked)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil {
			resp = reply(307, "")
			resp.Header.Set("Location", "https://signin.test/elsewhere")
		}
		return resp, nil
	})
	if _, err := w.attempt(t.Context(), func(msalauth.DeviceCode) {}); !isTransient(err) || len(w.net.asked) != 1 {
		t.Errorf("%v after %q", err, w.net.asked)
	}
}

func TestConfigurationMistakes(t *testing.T) {
	w := newWorld(t, nil)
	for name, opts := range map[string]msalauth.Options{
		"application": {ClientID: "5e0a6c8e-0000-4000-8000-000000000000", Authority: "https://" + host + "/common"},
		"tenant":      {ClientID: w.server.ClientID(), Authority: "https://" + host + "/common", TenantID: "fabrikam.test"},
		"trusts":      {ClientID: w.server.ClientID(), Authority: "https://other.test/common"},
	} {
		net := &network{server: w.server}
		opts.HTTPClient = &http.Client{Transport: net}
		if name == "trusts" {
			net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
				return reply(200, `{"issuer":"https://elsewhere.test/x","authorization_endpoint":"https://other.test/a","token_endpoint":"https://other.test/t"}`), nil
			})
		}
		p, err := msalauth.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.SignInDeviceCode(t.Context(), mail, func(context.Context, msalauth.DeviceCode) error { return nil })
		if !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, w.saw(err))
		}
	}
	w.signIn()
	if _, err := w.Token(t.Context(), auth.Request{}); !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("no scopes: %v", w.saw(err))
	}
	if err := w.fails(auth.Request{TenantID: "organizations"}); !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), "tenant") {
		t.Errorf("general tenant: %v", err)
	}
	if err := w.fails(auth.Request{Scopes: []string{"https://outlook.office.com/Calenders.Read"}}); !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), "scopes") {
		t.Errorf("unknown scope: %v", err)
	}
}

func TestTokenInTheAuthoritysName(t *testing.T) {
	p, err := msalauth.New(msalauth.Options{ClientID: signin.DefaultClientID, Authority: "https://" + host + "/mytoken.test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.SignInDeviceCode(t.Context(), mail, nil); !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("got %v", err)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	const id = signin.DefaultClientID
	for _, opts := range []msalauth.Options{
		{}, {ClientID: "a b"}, {ClientID: id + "\n"},
		{ClientID: id, Authority: "http://127.0.0.1/common"}, {ClientID: id, Authority: "signin.test/common"}, {ClientID: id, Authority: "https://"},
		{ClientID: id, Authority: "https://signin.test"}, {ClientID: id, Authority: "https://signin.test/"}, {ClientID: id, Authority: "https://a:b@signin.test/common"},
		{ClientID: id, Authority: "https://signin.test/common?x=1"}, {ClientID: id, Authority: "https://signin.test/a/b"}, {ClientID: id, TenantID: "a/b"},
	} {
		if _, err := msalauth.New(opts); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	for _, opts := range []msalauth.Options{{ClientID: id}, {ClientID: id, TenantID: "contoso.com"}, {ClientID: id, Authority: "https://Signin.test:8443/common/"}} {
		if _, err := msalauth.New(opts); err != nil {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}
