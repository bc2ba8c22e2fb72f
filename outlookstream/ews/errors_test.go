package ews

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// What the service says comes in many forms.
func TestEveryFormOfAnErrorIsRead(t *testing.T) {
	busy := func(ns, ms string) string {
		return "<" + ns + `:MessageXml xmlns:` + ns + `="x"><` + ns + `:Value Name="BackOffMilliseconds">` + ms + `</` + ns + `:Value></` + ns + `:MessageXml>`
	}
	for name, tt := range map[string]struct {
		status  int
		body    string
		header  []string
		code    string
		message string
		backOff time.Duration
		is      error
	}{
		"a message":                        {200, aRefusal("ErrorExceededSubscriptionCount", ""), nil, "ErrorExceededSubscriptionCount", "What the service says.", 0, ErrLimit},
		"a message that says how long":     {200, aRefusal("ErrorServerBusy", busy("m", "1000")), nil, "ErrorServerBusy", "What the service says.", time.Second, outlookstream.ErrThrottled},
		"a message that wraps throttling":  {200, aRefusal("ErrorInternalServerError", busy("m", "2000")), nil, "ErrorServerBusy", "What the service says.", 2 * time.Second, outlookstream.ErrThrottled},
		"one that says so in words":        {200, strings.Replace(aRefusal("ErrorInternalServerError", ""), "What the service says.", "An internal server error occurred: ErrorServerBusy.", 1), nil, "ErrorServerBusy", "An internal server error occurred: ErrorServerBusy.", 0, outlookstream.ErrThrottled},
		"a message without a class":        {200, strings.Replace(aRefusal("ErrorAccessDenied", ""), ` ResponseClass="Error"`, "", 1), nil, "ErrorAccessDenied", "What the service says.", 0, outlookstream.ErrForbidden},
		"a fault":                          {500, aFault, nil, "ErrorServerBusy", "What the service says.", 297749 * time.Millisecond, outlookstream.ErrThrottled},
		"a fault with status 200":          {200, aFault, nil, "ErrorServerBusy", "What the service says.", 297749 * time.Millisecond, outlookstream.ErrThrottled},
		"a fault of SOAP 1.2":              {500, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>In words.</s:Text></s:Reason><s:Detail><e:ResponseCode xmlns:e="e"> ErrorAccessDenied ` + "\n" + `</e:ResponseCode><e:Message xmlns:e="e">More words.</e:Message>` + busy("t", "1") + `</s:Detail></s:Fault></s:Body></s:Envelope>`, nil, "ErrorAccessDenied", "More words.", time.Millisecond, outlookstream.ErrForbidden},
		"a fault of SOAP 1.2 in short":     {500, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>In words.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`, nil, "s:Sender", "In words.", 0, nil},
		"a fault without detail":           {500, `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>a:ErrorSchemaValidation</faultcode><faultstring>In words.</faultstring></s:Fault></s:Body></s:Envelope>`, nil, "ErrorSchemaValidation", "In words.", 0, nil},
		"a fault code without a prefix":    {500, `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>ErrorInvalidServerVersion</faultcode></s:Fault></s:Body></s:Envelope>`, nil, "ErrorInvalidServerVersion", "", 0, ErrVersion},
		"a fault after a byte order mark":  {500, "\xef\xbb\xbf" + aFault, nil, "ErrorServerBusy", "What the service says.", 297749 * time.Millisecond, outlookstream.ErrThrottled},
		"a fault that breaks off":          {500, aFault[:len(aFault)-20], nil, "ErrorServerBusy", "What the service says.", 297749 * time.Millisecond, outlookstream.ErrThrottled},
		"the group's server is not there":  {500, strings.ReplaceAll(faulty("s", "ErrorInvalidRequest", ""), "What the service says.", "Request failed because EWS could not contact the appropriate CAS server for this request."), nil, "ErrorProxiedSubscriptionCallFailure", "Request failed because EWS could not contact the appropriate CAS server for this request.", 0, ErrAffinityLost},
		"a request that is wrong":          {500, faulty("s", "ErrorInvalidRequest", ""), nil, "ErrorInvalidRequest", "What the service says.", 0, nil},
		"a queue that is full":             {503, "Service Unavailable", []string{"Retry-After", "30"}, "", "", 30 * time.Second, nil},
		"the header, where both say":       {500, aFault, []string{"Retry-After", "1"}, "ErrorServerBusy", "What the service says.", 297749 * time.Millisecond, outlookstream.ErrThrottled},
		"too many requests":                {429, "", nil, "", "", 0, outlookstream.ErrThrottled},
		"a mailbox that is not":            {200, aRefusal("ErrorNonExistentMailbox", ""), nil, "ErrorNonExistentMailbox", "What the service says.", 0, outlookstream.ErrMailboxUnavailable},
		"a right that is missing":          {500, faulty("soap", "ErrorImpersonateUserDenied", ""), nil, "ErrorImpersonateUserDenied", "What the service says.", 0, outlookstream.ErrForbidden},
		"a page with status 403":           {403, "<html><br>", nil, "", "", 0, outlookstream.ErrForbidden},
		"why nobody is let in":             {403, "", []string{"X-EWS-Policy-Reason", "EWS is disabled for the organization."}, "", "EWS is disabled for the organization.", 0, outlookstream.ErrForbidden},
		"an empty 401":                     {401, "", nil, "", "", 0, outlookstream.ErrUnauthorized},
		"a redirect to nowhere":            {302, "", nil, "", "", 0, nil},
		"a success of another kind":        {202, "", nil, "", "", 0, nil},
		"a subscription that is too old":   {200, aRefusal(" ErrorExpiredSubscription\n", ""), nil, "ErrorExpiredSubscription", "What the service says.", 0, outlookstream.ErrSubscriptionGone},
		"a mailbox that moves":             {500, faulty("s", "ErrorMailboxMoveInProgress", ""), nil, "ErrorMailboxMoveInProgress", "What the service says.", 0, ErrMailboxMoved},
		"a state that is of no use":        {200, aRefusal("ErrorInvalidSyncStateData", ""), nil, "ErrorInvalidSyncStateData", "What the service says.", 0, ErrInvalidState},
		"lost events":                      {200, aRefusal("ErrorMissedNotificationEvents", ""), nil, "ErrorMissedNotificationEvents", "What the service says.", 0, outlookstream.ErrMissed},
		"a warning, which is no error: ok": {200, strings.Replace(aSubscription, "Success", "Warning", 1), nil, "", "", 0, nil},
	} {
		_, err := subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
			return answered(r, tt.status, tt.body, append([]string{"request-id", "7"}, tt.header...)...), nil
		})
		if strings.HasSuffix(name, ": ok") {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		said, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said.Status != tt.status || said.Code != tt.code || said.Message != tt.message || said.BackOff != tt.backOff || said.Op != "Subscribe" || said.Mailbox != "me" || said.RequestID != "7" || said.ClientRequestID == "" {
			t.Errorf("%s: %+v", name, said)
		}
		for _, class := range classes {
			if got, want := errors.Is(err, class), class == tt.is; got != want {
				t.Errorf("%s: is it %v? %v", name, class, got)
			}
		}
	}
}

var classes = []error{
	outlookstream.ErrUnauthorized, outlookstream.ErrForbidden, outlookstream.ErrThrottled, outlookstream.ErrSubscriptionGone, outlookstream.ErrMailboxUnavailable,
	outlookstream.ErrMissed, outlookstream.ErrMalformed, outlookstream.ErrIdle, ErrMailboxMoved, ErrAffinityLost, ErrTakenOver, ErrLimit, ErrVersion, ErrInvalidState,
}

func TestHowLongToWaitIsBounded(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1": time.Millisecond, " 297749\n": 297749 * time.Millisecond, "3600000": time.Hour, "3600001": time.Hour, "99999999999999999999": time.Hour,
		"-1": 0, "-99999999999999999999": 0, "": 0, "soon": 0, "1.5": 0,
	} {
		if got := backOffIn([]detail{{"Other", "7"}, {"BackOffMilliseconds", text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := backOffIn([]detail{{"Other", "7"}}); got != 0 {
		t.Errorf("none: %v", got)
	}
}

func TestAnErrorSaysWhatAPersonCanActOn(t *testing.T) {
	_, err := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return answered(r, 401, "", "request-id", "7", "x-ms-diagnostics", `2000002;reason="The token has expired.";error_category="invalid_lifetime"`), nil
	}).Session("").Subscribe(t.Context(), Mailbox{Address: "room1@contoso.test", Folders: Distinguished("calendar")})
	said, _ := errors.AsType[*Error](err)
	want := "ews: Subscribe for room1@contoso.test: 401 Unauthorized (request-id 7, client-request-id " + said.ClientRequestID + "): 2000002 token_expired: The token has expired."
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	_, err = subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return answered(r, 200, aRefusal("ErrorServerBusy", "")), nil
	})
	said, _ = errors.AsType[*Error](err)
	if want := "ews: Subscribe for me (request-id -, client-request-id " + said.ClientRequestID + "): ErrorServerBusy: What the service says."; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestARefusedTokenIsNotSentAgain(t *testing.T) {
	requests := 0
	s := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		requests++
		return answered(r, 401, "", "WWW-Authenticate", `Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="`), nil
	}).Session("")
	_, first := s.Subscribe(t.Context(), Mailbox{})
	_, second := s.Subscribe(t.Context(), Mailbox{})
	if said, ok := errors.AsType[*Error](first); !ok || said.challenge != `{"a":1}` || requests != 1 || !errors.Is(second, auth.ErrRejected) {
		t.Errorf("%v\n%v\n%d requests", first, second, requests)
	}
}

func TestAnErrorSaysWhatToDoWhereTheServiceDoesNot(t *testing.T) {
	for _, tt := range []struct {
		err  Error
		says string // "": nothing
	}{
		{Error{Op: "Subscribe", Status: 404}, "Options.URL"},
		{Error{Op: "Subscribe", Status: 405}, "Options.URL"},
		{Error{Op: "Subscribe", Status: 404, Code: "ErrorX"}, ""},
		{Error{Op: "Autodiscover", Status: 404}, ""},
		{Error{Op: "Subscribe", Status: 500, Code: "ErrorImpersonationRequired"}, "set Options.Impersonate"},
		{Error{Op: "Subscribe", Status: 200, Code: "ErrorImpersonateUserDenied"}, "no right to act"},
		{Error{Op: "Subscribe", Status: 200, Code: "ErrorAccessDenied"}, "Full Access"},
		{Error{Op: "Subscribe", Status: 200, Code: "ErrorSubscriptionDelegateAccessNotSupported"}, "Full Access"},
		{Error{Op: "Subscribe", Status: 200, Code: "ErrorServerBusy"}, ""},
	} {
		if advice := tt.err.advice(); (advice == "") != (tt.says == "") || !strings.HasSuffix(tt.err.Error(), advice) || !strings.Contains(advice, tt.says) {
			t.Errorf("%v", &tt.err)
		}
	}
}
