package fakeserver

import (
	"fmt"
	"net/http"
)

// apiError is an answer with a status and an OData error.
type apiError struct {
	status  int
	code    string
	message string
	header  http.Header // further headers, or nil
}

func failf(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// Error codes of the service. Which of them goes with which mistake in a request is our choice; that there is a
// {"error":{"code","message"}} is not.
const (
	codeParseURI     = "RequestBroker--ParseUri"
	codeBadBody      = "RequestBodyRead"
	codeBadValue     = "ErrorInvalidArgument"
	codeMissing      = "ErrorInvalidRequest"
	codeBadFilter    = "ErrorInvalidUrlQueryFilter"
	codeBadQuery     = "ErrorInvalidUrlQuery"
	codeNoUser       = "ErrorInvalidUser"
	codeNoItem       = "ErrorItemNotFound"
	codeAccessDenied = "ErrorAccessDenied"
	codeMethod       = "ErrorInvalidMethod"
	codeMediaType    = "ErrorUnsupportedMediaType"
	codeTooLarge     = "ErrorRequestTooLarge"
	codeRoutingHint  = "ErrorIncorrectRoutingHint"
	codeThrottled    = "ApplicationThrottled"
)

const accessDenied = "Access is denied. Check credentials and try again."
