package entra_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// secret is what the request had, and an answer may send back.
const secret = "0.AXEAs3cretRefreshToken_1234567890-x"

// FuzzAnswer reads an answer of a sign-in service and makes an error of it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"error":"invalid_grant","suberror":"bad_token","error_codes":[70008],"error_description":"AADSTS70008: {secret}"}`,
		`{"error":"interaction_required","claims":"{\"access_token\":{\"capolids\":{\"essential\":true}}}"}`,
		`{"error":"{secret}"}`, `{"error":"invalid_client","error_codes":["{secret}"]}`, `{"error":"a","suberror":"{secret}","claims":"{secret}"}`,
		`{"error":"invalid_grant","error_codes":[9223372036854775807]}`, `{"error":"invalid_grant","error_codes":[-1,2]}`, `{"error":{"code":1}}`, `[]`, `null`, ` {} `, `<html>{secret}`,
		`{"claims":"` + strings.Repeat("[", 4000) + `"}`, `{"ERROR":"access_denied","Error":"server_error"}`, ``,
	} {
		f.Add(400, []byte(seed), false)
		f.Add(503, []byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, confidential bool) {
		body = []byte(strings.ReplaceAll(string(body), "{secret}", secret))
		a := entra.Read("signin.test", status, body)
		if a.Status != status || a.Host != "signin.test" || a.Object != (json.Valid(body) && strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{")) {
			t.Errorf("%.500q: %+v", body, a)
		}
		for _, word := range []string{a.Code, a.SubCode} {
			if len(word) > 48 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") != "" {
				t.Errorf("a code: %q", word)
			}
		}
		if a.Claims != "" && (!json.Valid([]byte(a.Claims)) || len(a.Claims) > 8<<10) {
			t.Errorf("claims: %.500q", a.Claims)
		}
		who := app
		who.Confidential = confidential
		err := who.Classify(a)
		for _, text := range []string{err.Error(), a.Details(), fmt.Sprintf("%+v", err)} {
			if len(text) > 1000 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, secret) {
				t.Errorf("%.500q: %q", body, text)
			}
		}
		interaction, misconfigured := errors.Is(err, auth.ErrInteractionRequired), errors.Is(err, auth.ErrMisconfigured)
		switch {
		case interaction && misconfigured, interaction && confidential:
			t.Errorf("%.500q: %v", body, err)
		case (interaction || misconfigured) && (a.Overloaded() || a.Code == ""):
			t.Errorf("%.500q: what may pass is permanent: %v", body, err)
		}
	})
}

// FuzzPrintable gives it what a network's error may quote.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"", "dial tcp: lookup x: no such host", "\x1b[2J\r\n", "\u202e\u200b", "\xff\xfe", strings.Repeat("é", 2000), " a "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := entra.Printable(text)
		if len([]rune(got)) > 1000 || !utf8.ValidString(got) || strings.TrimSpace(got) != got || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: %q", text, got)
		}
		if again := entra.Printable(got); again != got {
			t.Errorf("%q: %q, and then %q", text, got, again)
		}
	})
}
