package fakeserver

import "net/http"

// What the service says with a status, and with codes that are known.
var (
	statusCodes = map[int]string{
		http.StatusBadRequest:          "ErrorInvalidIdMalformed",
		http.StatusForbidden:           codeAccessDenied,
		http.StatusNotFound:            codeNoItem,
		http.StatusGone:                "Gone",
		http.StatusTooManyRequests:     codeThrottled,
		http.StatusInternalServerError: "ErrorInternalServerError",
		http.StatusServiceUnavailable:  "ErrorServerBusy",
		http.StatusGatewayTimeout:      "ErrorTimeoutExpired",
	}
	codeMessages = map[string]string{
		"ErrorInvalidIdMalformed":           "Id is malformed.",
		codeAccessDenied:                    accessDenied,
		"ErrorQuotaExceeded":                "The mailbox quota has been exceeded.",
		codeNoItem:                          "The specified object was not found in the store.",
		"MailboxNotEnabledForRESTAPI":       "REST API is not yet supported for this mailbox.",
		"MailboxNotSupportedForRESTAPI":     "REST API is not yet supported for this mailbox.",
		"Gone":                              "This API has been retired. Use Microsoft Graph instead.",
		codeThrottled:                       "Application is over its MailboxConcurrency limit.",
		"ErrorTooManyObjectsOpened":         "Too many concurrent connections opened.",
		"ErrorInternalServerError":          "An internal server error occurred. The operation failed.",
		"ErrorServerBusy":                   "The server cannot service this request right now. Try again later.",
		"ErrorTimeoutExpired":               "The operation timed out.",
		"MailboxInfoStale":                  "The routing information of this mailbox is stale.",
		codeRoutingHint:                     "The X-AnchorMailbox header does not name a mailbox of this organization.",
		"ErrorInternalServerTransientError": "A temporary error occurred. Try again later.",
	}
)

func (f Fault) texts() (code, message string) {
	code, message = f.Code, f.Message
	if code == "" {
		code = statusCodes[f.Status]
	}
	if code == "" {
		code = "ErrorInternalServerTransientError"
	}
	if message == "" {
		message = codeMessages[code]
	}
	if message == "" {
		message = "The request failed."
	}
	return code, message
}
