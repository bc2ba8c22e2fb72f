package outlookstream

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// echoed stands in a fuzzed answer for the token that the service was sent.
const echoed = "{token}"

func withToken(text string) string { return strings.ReplaceAll(text, echoed, testToken) }

// checkText fails the test if an error's text, or what else is shown, has no
// bounds, is not printable, or tells the token.
func checkText(t *testing.T, text string, limit int) {
	t.Helper()
	if len(text) > limit {
		t.Errorf("%d bytes, more than %d: %.200q", len(text), limit, text)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("not printable: %.500q", text)
	}
	if strings.Contains(text, testToken) {
		t.Errorf("the token is told: %.500q", text)
	}
}

// maxShown is what an Error's text may have: its code, message and reason with
// their dots, two ids, and words of ours.
const maxShown = maxCode + maxMessage + 2*service.MaxDiagnostic + 1<<10

// FuzzErrorBody gives newError the body of an error.
func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"error":{"code":"ErrorAccessDenied","message":"Access is denied."}}`, "\xef\xbb\xbf" + `{"error":{"code":"A"}}`,
		`{"error":{"code":"{token}","message":"Bearer {token}\r\n\u001b[2J"}}`, `{"error":"x"}`, `<html>`, `{"error":{"code":7}}`, `{"error":{"message":"\u202e\ud800"}}`,
		`{"ERROR":{"CODE":"A","code":"B"}}`, `{"error":{"code":"A","innerError":{"code":"B"}}}`, strings.Repeat(`{"error":`, 1000), `[`, ``,
	} {
		f.Add(503, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		body = []byte(withToken(string(body)))
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
		err := newError(resp, request{op: opListen}, func(text string, limit int) string { return service.Presentable(text, testToken, limit) })
		checkText(t, err.Error(), maxShown+len(retiredAdvice))
		if err.Status != status || err.Op != opListen || err.RetryAfter != 0 {
			t.Errorf("%+v", err)
		}
		// The standard library's opinion, where there can be no two.
		var said struct {
			Error struct {
				Code, Message string
			}
		}
		plain := stdjson.Valid(body) && len(body) <= maxErrorBody && utf8.Valid(body) && !bytes.ContainsAny(body, "\\") && bytes.Count(bytes.ToLower(body), []byte("error")) == 1 &&
			bytes.Count(bytes.ToLower(body), []byte("code")) <= 1 && bytes.Count(bytes.ToLower(body), []byte("message")) <= 1 && status >= 200
		if plain && stdjson.Unmarshal(body, &said) == nil {
			if want := service.Presentable(said.Error.Code, testToken, maxCode); err.Code != want {
				t.Errorf("%q: the code is %q, want %q", body, err.Code, want)
			}
			if want := service.Presentable(said.Error.Message, testToken, maxMessage); err.Message != want {
				t.Errorf("%q: the message is %q, want %q", body, err.Message, want)
			}
		}
	})
}

// FuzzErrorResponse gives a Client a whole answer that is no success.
func FuzzErrorResponse(f *testing.F) {
	for _, seed := range []struct {
		status  int
		headers string
	}{
		{401, "WWW-Authenticate: Bearer claims=\"eyJhIjoxfQ==\"\nx-ms-diagnostics: 2000003;reason=\"{token}\";error_category=\"invalid_resource\""},
		{429, "Retry-After: 99999999999999999999\nrequest-id: {token}"}, {503, "Retry-After: Sun, 01 Mar 2099 12:01:00 GMT\nX-BEServer: \x1b[2J"},
		{404, "X-FEServer: x\nX-DiagInfo: \u202e"}, {410, ""}, {307, "Location: https://{token}.evil.test/"}, {307, "Location: http://[::1"}, {302, "Location: /x"},
		{308, "Location: //evil.test"}, {101, "Upgrade: x"}, {421, ""}, {999, "Content-Type: text/html; a=\"{token}"}, {200, "Content-Type: {token}/x\nContent-Encoding: gzip"}, {204, ""},
	} {
		f.Add(seed.status, seed.headers, []byte(`{"error":{"code":"{token}","message":"m"}}`))
	}
	f.Fuzz(func(t *testing.T, status int, headers string, body []byte) {
		if status < 100 || status > 999 {
			return // net/http lets no others through
		}
		sent := 0
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
			sent++
			resp := response(r, status, withToken(string(body)))
			for line := range strings.SplitSeq(withToken(headers), "\n") {
				name, value, _ := strings.Cut(line, ":")
				resp.Header.Add(name, strings.TrimSpace(value))
			}
			return resp, nil
		})
		var asked []auth.Request
		c.tokens.Provider = recording{&asked}
		for _, call := range []func() error{
			func() error { _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); return err },
			func() error {
				s, err := c.Open(t.Context(), "x")
				if err == nil {
					_ = s.Close()
				}
				return err
			},
			func() error { return c.Unsubscribe(t.Context(), "x") },
		} {
			err := call()
			if err == nil {
				if status/100 != 2 {
					t.Errorf("%d is a success", status)
				}
				continue
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				checkText(t, e.Error(), service.MaxErrorText+maxShown+len(retiredAdvice))
			}
			_ = classify(err)
			if failure, ok := errors.AsType[*Error](err); ok {
				if failure.RetryAfter < 0 || failure.RetryAfter > service.MaxRetryAfter || failure.Status != status {
					t.Errorf("%+v", failure)
				}
				if failure.challenge != "" && (!stdjson.Valid([]byte(failure.challenge)) || len(failure.challenge) > service.MaxClaims || status != 401) {
					t.Errorf("claims: %.200q", failure.challenge)
				}
			}
			d := diagnosticsIn(err)
			for _, value := range []string{d.RequestID, d.FEServer, d.BEServer, d.BEStatus, d.DiagInfo, d.Auth.Reason, d.Auth.Category} {
				checkText(t, value, service.MaxDiagnostic+3)
			}
		}
		if sent > 3*(maxRedirects+1) {
			t.Errorf("%d requests for three calls", sent)
		}
		// A provider must be able to use the claims, or it would end the watch.
		for _, r := range asked {
			if r.Claims != "" && (!stdjson.Valid([]byte(r.Claims)) || r.Claims[0] != '{') {
				t.Errorf("claims: %.200q", r.Claims)
			}
		}
		if status == 401 && sent != 1 || status != 401 && slices.ContainsFunc(asked, func(r auth.Request) bool { return r.Rejected != "" }) {
			t.Errorf("%d, %d requests, asked for %+v", status, sent, asked)
		}
	})
}

// A recording provider has one token, and remembers what it was asked for.
type recording struct{ asked *[]auth.Request }

func (p recording) Token(_ context.Context, r auth.Request) (auth.Token, error) {
	*p.asked = append(*p.asked, r)
	return auth.Static(testToken).Token(context.Background(), r)
}
