package azauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

const maxAnswer = 1 << 20

// classify makes an error for the caller of what a credential returned: interaction required, misconfigured, or, unmarked,
// transient. Nothing of err's text gets into it.
func classify(err error) error {
	// azidentity.AuthenticationRequiredError: the credential was made with DisableAutomaticAuthentication.
	if _, ok := field[policy.TokenRequestOptions](err, "TokenRequestOptions"); ok {
		return fmt.Errorf("azauth: the credential could not renew its token without the person (or, as it does not tell "+
			"the two apart, could not reach the sign-in service): %w",
			&auth.InteractionError{Advice: "call the credential's Authenticate method while the person is there"})
	}
	// azidentity.AuthenticationFailedError and azcore.ResponseError.
	resp, failed := field[*http.Response](err, "RawResponse")
	if resp != nil {
		host := ""
		if resp.Request != nil && resp.Request.URL != nil {
			host = resp.Request.URL.Host
		}
		return entra.Application{Adapter: "azauth"}.Classify(entra.Read(host, resp.StatusCode, bodyOf(resp)))
	}
	if strings.Contains(err.Error(), "AdditionallyAllowedTenants") {
		return bad("the credential was not made for that tenant: add it to AdditionallyAllowedTenants in its options")
	}
	if t, ok := toolOf(err); ok {
		return fmt.Errorf("azauth: the tool behind the credential is not signed in%s: %w", aadsts(err),
			&auth.InteractionError{Advice: fmt.Sprintf("run %q", t.login)})
	}
	// What is left of azidentity's errors that are not to be repeated says that something the credential needs is not
	// there: an environment variable, a tool, an identity.
	if _, final := errors.AsType[interface {
		error
		NonRetriable()
	}](err); final && !failed {
		return bad("there is nothing here that the credential could use: run with AZURE_SDK_GO_LOGGING=all to see " +
			"what it has tried")
	}
	return fmt.Errorf("azauth: the credential failed without an answer of the sign-in service (%T%s%s): run with "+
		"AZURE_SDK_GO_LOGGING=all to see more", err, fault(err), aadsts(err))
}

// field returns an exported field of an error in err's chain. azidentity's errors have fields but no methods to tell them
// by, and importing it would bring its dependencies into every program.
func field[T any](err error, name string) (T, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.ValueOf(err)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			continue
		}
		if f, ok := v.Elem().Type().FieldByName(name); ok && len(f.Index) == 1 {
			value, ok := v.Elem().Field(f.Index[0]).Interface().(T)
			return value, ok
		}
	}
	var none T
	return none, false
}

// bodyOf reads the answer that an error carries. It is in memory already, and may have been read before.
func bodyOf(resp *http.Response) []byte {
	if resp.Body == nil {
		return nil
	}
	if s, ok := resp.Body.(io.Seeker); ok {
		s.Seek(0, io.SeekStart)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return body
}

// fault says what was wrong with the network if the text of err tells. azidentity turns network errors into text.
func fault(err error) string {
	text := err.Error()
	for _, known := range []string{
		"no such host", "connection refused", "connection reset", "network is unreachable", "no route to host",
		"i/o timeout", "TLS handshake timeout", "deadline exceeded", "certificate", "proxyconnect", "executable not found",
	} {
		if strings.Contains(text, known) {
			return ": " + known
		}
	}
	return ""
}

var aadstsNumber = regexp.MustCompile(`AADSTS[0-9]{4,9}\b`)

// aadsts is Entra's number for the error if the text of err tells, as that of the command-line tools does.
func aadsts(err error) string {
	if n := aadstsNumber.FindString(err.Error()); n != "" {
		return " (" + n + ")"
	}
	return ""
}
