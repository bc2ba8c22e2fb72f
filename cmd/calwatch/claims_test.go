package main

import (
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// What a policy wants a sign-in to ask for is known to the watch that it ended,
// and has to reach another process: the sign-in.
func TestTheClaimsOfAPolicyReachTheSignIn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	f.SignIn().ExpireTokens()
	if err := f.SignIn().Reject(signin.Rejection{Code: 50076, On: "refresh_token"}); err != nil {
		t.Fatal(err)
	}
	watch := f.call(t, environ)
	watch.end(t, exitSignIn)
	_, claims, _ := strings.Cut(watch.stderr.wait(t, "has to sign in again (AADSTS50076"), " --claims '")
	claims = strings.TrimSuffix(claims, "'")
	if !strings.HasPrefix(claims, "{") {
		t.Fatalf("no claims are in the message: %s", watch.stderr)
	}
	f.login(t, environ, "", "--claims", claims)
	requests := f.SignIn().Requests()
	last := requests[len(requests)-1]
	if word := strings.Trim(claims[strings.LastIndex(claims, `["`):], `[]{}"`); last.GrantType != "device_code" || !strings.Contains(last.Claims, word) {
		t.Errorf("%s was asked for with the claims %s, want %s in them", last.GrantType, last.Claims, word)
	}

	c := call(t, environ, append([]string{"login", "--device-code", "--claims", "eyJ9"}, f.application()...)...)
	c.end(t, exitUsage)
	c.stderr.wait(t, "the claims are not a JSON object")
}
