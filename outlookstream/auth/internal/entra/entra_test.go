package entra_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

var app = entra.Application{Adapter: "test", ClientID: "client id", Host: "signin.test", Tenant: "common"}

func TestEveryRejectionOfTheAuthorityHasAdvice(t *testing.T) {
	for _, code := range signin.RejectionCodes() {
		a := entra.Read("signin.test", 400, fmt.Appendf(nil, `{"error":"invalid_grant","error_codes":[%d]}`, code))
		err := app.Classify(a)
		ie, ok := errors.AsType[*auth.InteractionError](err)
		if !ok || ie.Advice == "" || !strings.Contains(err.Error(), fmt.Sprintf("AADSTS%d", code)) {
			t.Errorf("%d: %v", code, err)
		}
		if ok && (strings.HasSuffix(ie.Advice, ".") || strings.Contains(ie.Advice, ". ")) {
			t.Errorf("%d: not one sentence without a full stop: %s", code, ie.Advice)
		}
	}
}

func TestConsentNamesThePage(t *testing.T) {
	for tenant, want := range map[string]string{
		"common":    "https://signin.test/organizations/adminconsent?client_id=client+id",
		"consumers": "https://signin.test/organizations/adminconsent?client_id=client+id",
		"6a1f":      "https://signin.test/6a1f/adminconsent?client_id=client+id",
		"a/b":       "https://signin.test/a%2Fb/adminconsent?client_id=client+id",
	} {
		app := app
		app.Tenant = tenant
		for _, a := range []entra.Answer{{Status: 400, Code: "invalid_grant", AADSTS: 65001}, {Status: 400, Code: "invalid_grant", SubCode: "consent_required"}} {
			if err := app.Classify(a); !strings.HasSuffix(err.Error(), " at "+want) {
				t.Errorf("%s: %v", tenant, err)
			}
		}
	}
	err := entra.Application{Adapter: "test"}.Classify(entra.Answer{Status: 400, Code: "consent_required", AADSTS: 65001})
	if !strings.HasSuffix(err.Error(), "agree for everybody") {
		t.Errorf("of an unknown application: %v", err)
	}
}

func TestClasses(t *testing.T) {
	for _, test := range []struct {
		status       int
		code         string
		confidential bool
		want         error
	}{
		{400, "invalid_grant", false, auth.ErrInteractionRequired},
		{400, "access_denied", false, auth.ErrInteractionRequired},
		{400, "expired_token", false, auth.ErrInteractionRequired},
		{400, "invalid_grant", true, auth.ErrMisconfigured},
		{401, "invalid_client", true, auth.ErrMisconfigured},
		{400, "something_new", false, auth.ErrMisconfigured},
		{400, "slow_down", false, nil},
		{503, "invalid_grant", false, nil},
		{429, "", false, nil},
		{408, "", false, nil},
		{200, "", false, nil},
	} {
		app := app
		app.Confidential = test.confidential
		err := app.Classify(entra.Answer{Host: "signin.test", Status: test.status, Code: test.code})
		for _, class := range []error{auth.ErrInteractionRequired, auth.ErrMisconfigured, auth.ErrRejected} {
			if errors.Is(err, class) != (class == test.want) {
				t.Errorf("%d %s: %v", test.status, test.code, err)
			}
		}
	}
	public, confidential := app, app
	confidential.Confidential = true
	missing := entra.Answer{Status: 401, Code: "invalid_client", AADSTS: 7000218}
	if a, b := public.Classify(missing).Error(), confidential.Classify(missing).Error(); !strings.Contains(a, "public client flows") || !strings.Contains(b, "a secret or a certificate") {
		t.Errorf("%s; %s", a, b)
	}
}

func TestReadKeepsNothingThatCouldBeASecret(t *testing.T) {
	const secret = "eyJ0eXAiOiJKV1QifQ"
	for _, body := range []string{
		`{"error":"` + secret + `"}`, `{"error":"invalid_grant","suberror":"` + secret + `"}`, `{"error":"invalid_grant","claims":"` + secret + `"}`,
		`{"error":["` + secret + `"]}`, `{"error":"invalid_grant","error_codes":["` + secret + `"]}`, secret, `["` + secret + `"]`,
		`{"error":"` + strings.Repeat("a", 49) + `"}`,
	} {
		a := entra.Read("signin.test", 400, []byte(body))
		if text := fmt.Sprintf("%+v %v", a, app.Classify(a)); strings.Contains(text, secret) || strings.Contains(text, "aaaa") {
			t.Errorf("%s: %s", body, text)
		}
		if a.Object != strings.HasPrefix(body, "{") {
			t.Errorf("%s: object %v", body, a.Object)
		}
	}
	a := entra.Read("h", 400, []byte(`{"error":"invalid_grant","suberror":"basic_action","error_codes":[50076,1],"claims":"{\"a\":1}"}`))
	if want := (entra.Answer{Host: "h", Status: 400, Code: "invalid_grant", SubCode: "basic_action", AADSTS: 50076, Claims: `{"a":1}`, Object: true}); a != want {
		t.Errorf("%+v", a)
	}
	if a.Details() != "status 400, invalid_grant, basic_action, AADSTS50076" {
		t.Error(a.Details())
	}
}

func TestDescribeQuotesOnlyWhatHoldsNoAnswer(t *testing.T) {
	own := errors.New("too large")
	for want, err := range map[string]error{
		"too large":              own,
		"lookup x: no such host": &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true},
		"read tcp: reset":        &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")},
		"no answer in time":      context.DeadlineExceeded,
		"the connection ended before the answer did": io.ErrUnexpectedEOF,
		"network error (*errors.errorString)":        errors.New(`malformed HTTP response "secret"`),
		"tls: failed to verify certificate: bad":     &tls.CertificateVerificationError{Err: errors.New("bad")},
	} {
		if got := entra.Describe(err, own); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := entra.Describe(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}); !strings.Contains(got, "unknown authority") {
		t.Error(got)
	}
	if got := entra.Printable("a\x1b[2J\u202e\n" + strings.Repeat("b", 2000)); len(got) > 1000 || strings.ContainsAny(got, "\x1b\u202e\n") {
		t.Errorf("%q", got)
	}
}

func TestDefaultScope(t *testing.T) {
	for want, scopes := range map[string][]string{
		"https://outlook.office.com/.default":    {"openid", "https://outlook.office.com/Mail.Read", "https://OUTLOOK.office.com/.default"},
		"https://management.azure.com//.default": {"https://management.azure.com//.default"},
		"api://app/.default":                     {"api://app/Read"},
	} {
		if got, err := entra.DefaultScope(scopes); got != want || err != nil {
			t.Errorf("%q: %q, %v", scopes, got, err)
		}
	}
	for _, scopes := range [][]string{nil, {"openid"}, {"Mail.Read"}, {"https://Mail.Read"}, {"https://a.test/x", "https://b.test/x"}} {
		if got, err := entra.DefaultScope(scopes); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%q: %q, %v", scopes, got, err)
		}
	}
}
