package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const secretValue = "eyJ0eXAi.SECRET-value-0123456789.sig"

// showsSecret looks for the secret as it is and as %x and %X would write it.
func showsSecret(text string) bool {
	hex := fmt.Sprintf("%x", secretValue)
	for _, form := range []string{secretValue, "SECRET", hex, strings.ToUpper(hex), fmt.Sprintf("% x", secretValue), fmt.Sprint([]byte(secretValue))} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestNothingPrintsASecret(t *testing.T) {
	token := auth.Token{Value: secretValue, ExpiresOn: time.Unix(1e9, 0), RefreshOn: time.Unix(1e9, 0)}
	request := auth.Request{Scopes: []string{"Calendars.Read"}, TenantID: "contoso", Claims: "{}", Rejected: secretValue}
	values := map[string]any{
		"token": token, "*token": &token, "token in a struct": struct{ T auth.Token }{token}, "tokens": []auth.Token{token},
		"token in a map": map[string]auth.Token{"a": token}, "token as a key": map[auth.Token]int{token: 1},
		"request": request, "*request": &request, "requests": []any{request},
		"static": auth.Static(secretValue), "cached": auth.Cached(auth.Static(secretValue)),
	}
	for name, v := range values {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "% x", "%U", "%b", "%t"} {
			if text := fmt.Sprintf(format, v); showsSecret(text) {
				t.Errorf("%s of the %s shows the secret", format, name)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v)
		if showsSecret(log.String()) {
			t.Errorf("slog of the %s shows the secret", name)
		}
		if encoded, err := json.Marshal(v); err == nil && showsSecret(string(encoded)) {
			t.Errorf("JSON of the %s shows the secret", name)
		}
	}
}

func TestPrintingSaysWhatIsKnown(t *testing.T) {
	token := auth.Token{Value: secretValue, ExpiresOn: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if got, want := fmt.Sprintf("%#v", token), "auth.Token{Value: REDACTED, ExpiresOn: 2026-01-02T03:04:05Z}"; got != want {
		t.Errorf("%%#v is %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(auth.Token{}), "auth.Token{Value: none}"; got != want {
		t.Errorf("the zero token is %q, want %q", got, want)
	}
	request := auth.Request{Scopes: []string{"a", "b"}, TenantID: "t", Claims: "{}", Rejected: secretValue}
	if got, want := request.String(), `auth.Request{Scopes: [a b], TenantID: "t", Claims: "{}", Rejected: REDACTED}`; got != want {
		t.Errorf("the request is %q, want %q", got, want)
	}
	encoded, err := json.Marshal(request)
	if want := `{"scopes":["a","b"],"tenantID":"t","claims":"{}","rejected":"REDACTED"}`; err != nil || string(encoded) != want {
		t.Errorf("the request's JSON is %s (%v), want %s", encoded, err, want)
	}
}

func TestStatic(t *testing.T) {
	for _, test := range []struct {
		name, value string
		r           auth.Request
		want        error
	}{
		{"a token", secretValue, auth.Request{}, nil},
		{"another was refused", secretValue, auth.Request{Rejected: "other"}, nil},
		{"refused", secretValue, auth.Request{Rejected: secretValue}, auth.ErrRejected},
		{"claims", secretValue, auth.Request{Claims: "{}"}, auth.ErrRejected},
		{"empty", "", auth.Request{}, auth.ErrMisconfigured},
		{"line end", secretValue + "\n", auth.Request{}, auth.ErrMisconfigured},
		{"not ASCII", "tökén", auth.Request{}, auth.ErrMisconfigured},
	} {
		token, err := auth.Static(test.value).Token(t.Context(), test.r)
		if !errors.Is(err, test.want) || (test.want == nil) != (err == nil) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.want)
		}
		if err == nil && token.Value != test.value {
			t.Errorf("%s: another value", test.name)
		}
		if err != nil && (showsSecret(err.Error()) || token.Value != "") {
			t.Errorf("%s: a refusal came with the token", test.name)
		}
	}
}

func TestInteractionError(t *testing.T) {
	for want, e := range map[string]*auth.InteractionError{
		"auth: sign-in needed: sign in again":                            {},
		"auth: sign-in needed (invalid_grant): sign in again":            {Code: "invalid_grant"},
		"auth: sign-in needed (bad_token): sign in again":                {SubCode: "bad_token"},
		"auth: sign-in needed (invalid_grant, bad_token): sign in again": {Code: "invalid_grant", SubCode: "bad_token", Claims: "{}"},
		"auth: sign-in needed for alex@contoso.test: sign in again":      {Account: "alex@contoso.test"},
		"auth: sign-in needed: run az login":                             {Advice: "run az login"},
		"auth: sign-in needed for alex@contoso.test (invalid_grant, consent_required): ask an administrator for consent": {
			Account: "alex@contoso.test", Code: "invalid_grant", SubCode: "consent_required", Advice: "ask an administrator for consent",
		},
	} {
		if e.Error() != want {
			t.Errorf("got %q, want %q", e.Error(), want)
		}
		if err := fmt.Errorf("watch: %w", e); !errors.Is(err, auth.ErrInteractionRequired) || errors.Is(err, auth.ErrRejected) {
			t.Errorf("%v is not exactly ErrInteractionRequired", err)
		}
	}
}

func TestNilProvidersAreAConfigurationMistake(t *testing.T) {
	for name, p := range map[string]auth.Provider{"Func": auth.Func(nil), "Cached": auth.Cached(nil)} {
		if _, err := p.Token(t.Context(), auth.Request{}); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("nil %s: %v", name, err)
		}
	}
}
