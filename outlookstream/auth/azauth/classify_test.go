package azauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

func failing(err error) azcore.TokenCredential {
	return fake(func(context.Context, tokenRequest) (azcore.AccessToken, error) { return azcore.AccessToken{}, err })
}

// Credentials of one's own may fail in ways that azidentity's do not.
func TestErrorsOfOtherCredentials(t *testing.T) {
	responseError := func(status int, body string) error {
		return fmt.Errorf("wrapped: %w", azruntime.NewResponseError(reply(status, body)))
	}
	var nothing *azcore.ResponseError
	read := reply(400, `{"error":"invalid_grant","error_description":"secret-1"}`)
	io.Copy(io.Discard, read.Body) // by somebody before
	for _, test := range []struct {
		name, want string
		kind       error
		err        error
	}{
		{"a response", "AADSTS50173: auth: sign-in needed (invalid_grant): the sign-in was revoked", auth.ErrInteractionRequired, responseError(400, `{"error":"invalid_grant","error_codes":[50173],"error_description":"secret-1"}`)},
		{"a service's own error", "status 403", transient, responseError(403, `{"error":{"code":"AuthorizationFailed","message":"secret-1"}}`)},
		{"a secret as code", "status 400)", transient, responseError(400, `{"error":"secret-1","suberror":"secret-2"}`)},
		{"a failure", "status 500", transient, responseError(500, `{"error":"invalid_grant","d":"secret-1"}`)},
		{"claims that are no JSON", "invalid_grant", auth.ErrInteractionRequired, responseError(400, `{"error":"invalid_grant","claims":"secret-1"}`)},
		{"a body that is gone", "status 400", transient, &azcore.ResponseError{StatusCode: 400, RawResponse: read}},
		{"no body", "status 400", transient, &azcore.ResponseError{RawResponse: &http.Response{StatusCode: 400}}},
		{"no response", "without an answer", transient, &azcore.ResponseError{}},
		{"nothing", "without an answer", transient, fmt.Errorf("secret-1 %w", errNil{nothing})},
		{"text", "without an answer", transient, errors.New("secret-1")},
		{"several", "without an answer", transient, errors.Join(errors.New("secret-1"), errors.New("secret-2"))},
		{"not signed in", `(AADSTS700082): auth: sign-in needed: run "az login"`, auth.ErrInteractionRequired, errors.New("ERROR: AADSTS700082: secret-1. Please run: az login")},
		{"executable not found", "executable not found", transient, errors.New("executable not found secret-1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := fails(t, azauth.New(failing(test.err), nil), auth.Request{}, test.kind, test.want, "secret-1", "secret-2")
			if errors.Is(err, test.err) {
				t.Error("the credential's error is wrapped")
			}
			if e, ok := asInteraction(err); ok && strings.Contains(e.Claims, "secret") {
				t.Error("what is no JSON came through as claims")
			}
		})
	}
}

// errNil holds a pointer that is nil, as careless code does.
type errNil struct{ err *azcore.ResponseError }

func (errNil) Error() string   { return "secret-1" }
func (e errNil) Unwrap() error { return e.err }
