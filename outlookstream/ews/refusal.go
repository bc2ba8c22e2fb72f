package ews

import (
	"cmp"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
)

// failed returns the error that a response is whose status is not 200.
func failed(resp *http.Response, r request, present func(string, int) string, diagnostics outlookstream.Diagnostics, challenge string) error {
	defer resp.Body.Close()
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		return &redirectError{location: func() string { return location }, text: present(location, maxMessage)}
	}
	failure := newError(resp, r, present)
	failure.Diagnostics, failure.challenge = diagnostics, challenge
	return failure
}

// A redirectError is errForeignRedirect to a place. The address is kept where
// fmt does not reach: a peer may have put the secret into it.
type redirectError struct {
	location func() string
	text     string
}

func (e *redirectError) Error() string { return errForeignRedirect.Error() + ": " + e.text }

func (e *redirectError) Unwrap() error { return errForeignRedirect }

// newError reads what the service answered instead.
func newError(resp *http.Response, r request, present func(string, int) string) *Error {
	e := &Error{Op: r.op, Mailbox: r.mailbox}
	if resp.StatusCode >= 200 { // what follows 101 is not a body, and has no end
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // half a message is better than none
		var said faultEnvelope
		if xml.Unmarshal(body, &said); said.Fault != nil {
			e = said.Fault.toError(r, present)
		}
	}
	e.Status = resp.StatusCode
	e.Message = cmp.Or(e.Message, present(resp.Header.Get("X-EWS-Policy-Reason"), maxMessage)) // of Exchange Online's 403
	e.BackOff = cmp.Or(e.BackOff, service.RetryAfter(resp.Header.Get("Retry-After"), time.Now()))
	return e
}

// isError goes by the class, which every message has, and by the code where
// there is none: an error that is not taken for one is a change that is lost.
func (m *responseMessage) isError() bool {
	code := strings.TrimSpace(m.ResponseCode)
	return m.ResponseClass == "Error" || m.ResponseClass == "" && code != "" && code != "NoError"
}

// backOffIn reads how long the service asks to wait, at most an hour.
func backOffIn(values []detail) time.Duration {
	for _, v := range values {
		if v.Name == "BackOffMilliseconds" {
			ms, _ := strconv.ParseInt(strings.TrimSpace(v.Text), 10, 64)
			return time.Duration(max(0, min(ms, int64(service.MaxRetryAfter/time.Millisecond)))) * time.Millisecond
		}
	}
	return 0
}

func (f *fault) toError(r request, present func(string, int) string) *Error {
	_, code, found := strings.Cut(f.FaultCode, ":")
	if !found {
		code = f.FaultCode
	}
	e := &Error{
		Op: r.op, Mailbox: r.mailbox,
		Code:    present(strings.TrimSpace(cmp.Or(f.ResponseCode, f.Detail.ResponseCode, code, f.Code)), maxCode),
		Message: present(strings.TrimSpace(cmp.Or(f.Message, f.Detail.Message, f.FaultString, f.Reason)), maxMessage),
		BackOff: backOffIn(append(f.Values, f.Detail.Values...)),
	}
	// What comes as ErrorInvalidRequest, and is none: the group's server could not be reached.
	if e.Code == "ErrorInvalidRequest" && strings.Contains(e.Message, "could not contact the appropriate CAS server") {
		e.Code = "ErrorProxiedSubscriptionCallFailure"
	}
	// What comes as a matter of the schema, and is one of its version: the header is in the schema, too.
	if e.Code == "ErrorSchemaValidation" && (strings.Contains(e.Message, "RequestServerVersion") || strings.Contains(e.Message, "ExchangeVersionType")) {
		e.Code = "ErrorInvalidServerVersion"
	}
	return e
}

// toError returns nil for a message that is none.
func (m *responseMessage) toError(r request, present func(string, int) string) *Error {
	if !m.isError() {
		return nil
	}
	e := &Error{
		Op: r.op, Mailbox: r.mailbox, Status: http.StatusOK,
		Code:    present(strings.TrimSpace(m.ResponseCode), maxCode),
		Message: present(strings.TrimSpace(m.MessageText), maxMessage),
		BackOff: backOffIn(m.Values),
	}
	// Throttling may come wrapped.
	if e.Code == "ErrorInternalServerError" && (e.BackOff > 0 || strings.Contains(e.Message, "ErrorServerBusy")) {
		e.Code = "ErrorServerBusy"
	}
	for _, id := range m.Subscriptions {
		e.Subscriptions = append(e.Subscriptions, strings.TrimSpace(id.ID))
	}
	return e
}
