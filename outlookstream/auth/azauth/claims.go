package azauth

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// tool is a command-line tool that keeps a person's sign-in, and to which a credential of azidentity leaves the work.
type tool struct {
	mark  string // what azidentity's errors contain if this tool wants the person
	login string // the command that signs in
	// claims is what that command takes for a claims challenge, with %s for the base64; "" if it knows by itself.
	claims string
}

var tools = []tool{
	{"az login", "az login", " --claims-challenge %s"},
	{"Connect-AzAccount", "Connect-AzAccount", " -ClaimsChallenge '%s'"},
	{"azd auth", "azd auth login", ""},
}

// toolOf returns the tool that err wants to be signed in to. There is nothing but the text to tell it by.
func toolOf(err error) (tool, bool) {
	text := err.Error()
	for _, t := range tools {
		if strings.Contains(text, t.mark) {
			return t, true
		}
	}
	return tool{}, false
}

// refusesClaims says whether err is what azidentity's command-line credentials answer to claims: they make no attempt, and
// ask for the person instead. There is nothing but the text to tell it by.
func refusesClaims(err error) bool { return strings.Contains(err.Error(), "additional claims") }

// claimsRefused makes the error for a credential that refuses claims. They come from the server (r.Claims), or else are
// only the means to get past a token that it has refused.
func claimsRefused(err error, r auth.Request) error {
	t, known := toolOf(err)
	if r.Claims == "" {
		advice := "sign in to it again"
		if known {
			advice = fmt.Sprintf("run %q", t.login)
		}
		return fmt.Errorf("%w: the tool behind the credential keeps its tokens and cannot be made to get a new one: %s",
			auth.ErrRejected, advice)
	}
	advice := "sign in again, to the tool behind the credential, with the claims that the server wants"
	if known {
		command := t.login
		if r.TenantID != "" && t.login == "az login" {
			command += " --tenant " + r.TenantID
		}
		if t.claims != "" {
			command += fmt.Sprintf(t.claims, base64.StdEncoding.EncodeToString([]byte(r.Claims)))
		}
		advice = "run: " + command
	}
	return fmt.Errorf("azauth: the server wants more than the credential can get by itself: %w",
		&auth.InteractionError{Code: "insufficient_claims", Claims: r.Claims, Advice: advice})
}
