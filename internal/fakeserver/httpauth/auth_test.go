package httpauth

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

var testTime = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestBasicTakesTheFormsOfAName(t *testing.T) {
	s := newSite(t, Options{Accounts: []Account{{User: svc, Password: password}, {User: "kim@contoso.test", Logon: `OTHER\k.long`, Password: "a:b"}}})
	c := s.client()
	for _, name := range []string{svc, "SVC@Contoso.Test", `contoso\svc`, "svc"} {
		s.wantUser(s.ask(c, basic(name, password)), "Basic "+svc)
	}
	s.wantUser(s.ask(c, basic(`other\K.Long`, "a:b")), "Basic kim@contoso.test")
	host := strings.TrimPrefix(s.http.URL, "http://")
	for _, wrong := range []string{basic(svc, "wrong"), basic(svc, ""), basic("nobody", password), "Basic ?", "Digest x", "", basic(`CONTOSO\kim`, "a:b")} {
		s.wantRefused(s.ask(c, wrong), "Negotiate", "NTLM", `Basic realm="`+host+`"`)
	}
}

func TestASchemeThatIsNotOfferedIsNotTaken(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{NTLM}})
	c := s.client()
	s.wantRefused(s.ask(c, basic(svc, password)), "NTLM")
	s.auth.SetSchemes(Basic)
	s.wantUser(s.ask(c, basic(svc, password)), "Basic "+svc)
}

func TestWrongPasswordsLockAnAccountOut(t *testing.T) {
	s := newSite(t, Options{Lockout: 3})
	c := s.client()
	s.ask(c, basic(svc, "wrong"))
	s.ask(c, basic(svc, "wrong"))
	s.wantUser(s.ask(c, basic(svc, password)), "Basic "+svc) // which begins the count anew
	s.ask(c, basic(svc, "wrong"))
	s.wantUser(s.ask(c, basic(svc, password)), "Basic "+svc)
	for range 3 {
		s.ask(c, basic(svc, "wrong"))
	}
	s.wantRefused(s.ask(c, basic(svc, password)))
	if a := s.auth.Accounts()[0]; a.User != svc || a.Logon != `CONTOSO\svc` || a.Attempts != 9 || a.Wrong != 3 || !a.Locked {
		t.Errorf("the account is %+v", a)
	}
	s.auth.SetAccount(Account{User: svc, Password: "new"})
	s.wantRefused(s.ask(c, basic(svc, password)))
	s.wantUser(s.ask(c, basic(svc, "new")), "Basic "+svc)
	s.auth.RemoveAccount(svc)
	s.wantRefused(s.ask(c, basic(svc, "new")))
}

// token is a request with a bearer token.
func (s *site) token(token string) answer {
	s.t.Helper()
	return s.ask(s.client(), "Bearer "+token)
}

func (s *site) wantDiagnostics(a answer, diagnostics, ending string) {
	s.t.Helper()
	s.wantRefused(a)
	if got := a.Header.Get("x-ms-diagnostics"); got != diagnostics {
		s.t.Errorf("x-ms-diagnostics %q, want %q", got, diagnostics)
	}
	got := a.Header.Get("WWW-Authenticate")
	if !strings.HasPrefix(got, `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="`) || !strings.HasSuffix(got, ending) {
		s.t.Errorf("the challenge is %q", got)
	}
}

func TestATokenIsJudged(t *testing.T) {
	in := signin.New(nil)
	s := newSite(t, Options{Schemes: []Scheme{Bearer}, Inspect: in.Inspect})
	const alex = "alex@contoso.test"
	s.wantUser(s.token(in.Issue(alex)), "Bearer "+alex)
	s.wantUser(s.token(in.Issue(alex, "https://outlook.office365.com/EWS.AccessAsUser.All")), "Bearer "+alex)
	s.wantUser(s.token(in.Issue("")), "Bearer ")

	s.wantDiagnostics(s.ask(s.client(), ""), "", `authorization_uri="https://login.windows.net/common/oauth2/authorize"`)
	s.wantDiagnostics(s.token("made.up.token"), `2000001;reason="The token is invalid.";error_category="invalid_token"`, `error="invalid_token"`)
	s.wantDiagnostics(s.token(in.Issue(alex, "Mail.Read")),
		`2000008;reason="The token contains not enough scope to make this call.";error_category="invalid_grant"`, `error="invalid_token"`)
	expired := in.Issue(alex)
	in.ExpireToken(expired)
	s.wantDiagnostics(s.token(expired), `2000002;reason="The token has expired.";error_category="token_expired"`, `error="invalid_token"`)
	in.RequireClaims(alex, `{"access_token":{}}`)
	s.wantDiagnostics(s.token(in.Issue(alex)), `2000001;reason="The token does not have the required claims.";error_category="invalid_token"`,
		`error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(`{"access_token":{}}`))+`"`)
}

func TestGoodTokensAreRefusedOnDemand(t *testing.T) {
	in := signin.New(nil)
	s := newSite(t, Options{Inspect: in.Inspect})
	alex, app := in.Issue("alex@contoso.test"), in.Issue("")
	for code, category := range map[int]string{
		2000000: "invalid_signature", 2000001: "invalid_token", 2000002: "token_expired", 2000003: "invalid_resource",
		2000004: "invalid_tenant", 2000005: "invalid_user", 2000006: "invalid_client", 2000007: "internal_error", 2000008: "invalid_grant",
	} {
		if err := s.auth.Deny(Denial{Code: code, User: "Alex@contoso.test"}); err != nil {
			t.Fatal(err)
		}
		s.wantUser(s.token(app), "Bearer ")
		a := s.token(alex)
		s.wantRefused(a)
		if got := a.Header.Get("x-ms-diagnostics"); !strings.HasPrefix(got, strconv.Itoa(code)+`;reason="`) ||
			!strings.HasSuffix(got, `";error_category="`+category+`"`) {
			t.Errorf("%d: %q", code, got)
		}
		s.wantUser(s.token(alex), "Bearer alex@contoso.test") // once
	}
	if err := s.auth.Deny(Denial{Code: 2000004, Times: -1}); err != nil {
		t.Fatal(err)
	}
	s.wantRefused(s.token(app))
	s.wantRefused(s.token(alex))
	s.auth.LiftDenials()
	s.wantUser(s.token(app), "Bearer ")
	if s.auth.Deny(Denial{Code: 2000009}) == nil || s.auth.Deny(Denial{Code: 2000001, Times: -2}) == nil {
		t.Error("a denial that makes no sense was taken")
	}
}
