package msalauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// An authority that answers with whatever it likes.
type anyAuthority struct {
	t               *testing.T
	document, token string
	status          int
	asked           int
}

func (a *anyAuthority) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked++
	if r.URL.Scheme != "https" || !strings.EqualFold(r.URL.Host, host) {
		a.t.Errorf("a request to %s", r.URL)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if r.Method == http.MethodGet {
		return reply(200, a.document), nil
	}
	return reply(a.status, a.token), nil
}

const fuzzedSecret = "s3cret~of-the_application.1234567890"

// FuzzAuthority gives MSAL and what is around it an OpenID document and the answer
// to a request for a token. {secret} in them is what was sent.
func FuzzAuthority(f *testing.F) {
	const document = `{"issuer":"https://signin.test/t/v2.0","authorization_endpoint":"https://signin.test/t/oauth2/v2.0/authorize","token_endpoint":"https://signin.test/t/oauth2/v2.0/token"}`
	for _, seed := range []struct {
		document, token string
		status          int
	}{
		{document, `{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"eyJ.x.y"}`, 200},
		{document, `{"token_type":"Bearer","expires_in":"3600","access_token":"a","refresh_in":"1800"}`, 200},
		{document, `{"token_type":"Bearer","expires_in":-1,"access_token":"a"}`, 200},
		{document, `{"token_type":"Bearer","expires_in":9223372036854775807,"access_token":"{secret}\r\n"}`, 200},
		{document, `{"access_token":""}`, 200}, {document, `{"error":"invalid_client","error_description":"AADSTS7000215: {secret}","error_codes":[7000215]}`, 401},
		{document, `{"error":"{secret}"}`, 400}, {document, `<html>{secret}</html>`, 503}, {document, `{secret}`, 200}, {document, ``, 204}, {document, `{"error":"temporarily_unavailable"}`, 302},
		{`{}`, ``, 200}, {`{secret}`, ``, 200}, {`<html>`, ``, 200}, {strings.ReplaceAll(document, "https://signin.test/t/oauth2/v2.0/token", "https://evil.test/"), ``, 200},
		{strings.ReplaceAll(document, "https://signin.test/t/v2.0", "https://evil.test/"), ``, 200}, {strings.ReplaceAll(document, "https://signin.test/t/oauth2/v2.0/token", "http://signin.test/x"), ``, 200},
		{strings.ReplaceAll(document, "signin.test/t/oauth2/v2.0/token", "login.microsoftonline.com/common"), ``, 200}, {`{"token_endpoint":7,"issuer":null}`, ``, 200},
		{`{"token_endpoint":"://","issuer":"{secret}","authorization_endpoint":"\u0000"}`, ``, 200},
	} {
		f.Add(seed.document, seed.token, seed.status)
	}
	f.Fuzz(func(t *testing.T, document, token string, status int) {
		if status < 200 || status > 999 {
			return // net/http lets no others through
		}
		sent := func(text string) string { return strings.ReplaceAll(text, "{secret}", fuzzedSecret) }
		authority := &anyAuthority{t: t, document: sent(document), token: sent(token), status: status}
		app, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{
			ClientID: "client", Authority: "https://" + host + "/t", HTTPClient: &http.Client{Transport: authority}, Credential: msalauth.Secret(fuzzedSecret),
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := app.Token(context.Background(), auth.Request{Scopes: mail})
		if authority.asked > 6 {
			t.Errorf("%d requests for one token", authority.asked)
		}
		if err == nil {
			if got.Value == "" || !strings.Contains(authority.token, "access_token") || status/100 != 2 {
				t.Errorf("%q, %d: a token out of nothing: %q", authority.token, status, got.Value)
			}
			return
		}
		if got.Value != "" || errors.Is(err, auth.ErrInteractionRequired) {
			t.Errorf("%v, with a token: %v", err, got.Value != "")
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := e.Error(); len(text) > 2000 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, fuzzedSecret) {
				t.Errorf("%q", text)
			}
		}
		if status/100 == 5 && authority.asked > 1 && errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("what may pass is permanent: %v", err)
		}
	})
}
