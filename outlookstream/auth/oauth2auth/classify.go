package oauth2auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// classify makes an error for the caller of what x/oauth2, or a token source, returned: interaction required, misconfigured,
// or, unmarked, transient. Nothing of err's text gets into it that could come from the server; otherwise is what to say if
// nothing better is known.
func classify(err error, otherwise string) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		a := answerOf(refused.Response, refused.Body)
		a.Code = cmp.Or(a.Code, entra.CodeWord(refused.ErrorCode)) // the body may be a form
		return entra.Application{Adapter: "oauth2auth"}.Classify(a)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		host := "unknown host"
		if u, err := url.Parse(failed.URL); err == nil {
			host = u.Host
		}
		if untrusted := entra.Untrusted(failed.Err); untrusted != nil {
			return fmt.Errorf("%w: the sign-in service %s cannot be trusted: %w", auth.ErrMisconfigured, host, untrusted)
		}
		return fmt.Errorf("oauth2auth: the sign-in service %s cannot be reached: %s", host, entra.Describe(failed.Err, errLarge))
	}
	return errors.New("oauth2auth: " + otherwise)
}

func answerOf(resp *http.Response, body []byte) entra.Answer {
	host := ""
	if resp.Request != nil && resp.Request.URL != nil {
		host = resp.Request.URL.Host
	}
	return entra.Read(host, resp.StatusCode, body)
}
