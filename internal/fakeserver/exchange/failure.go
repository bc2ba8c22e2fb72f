package exchange

import (
	"fmt"
	"net/http"
	"time"
)

// failure is what a request gets instead of what it asked for. There are three forms of it: a response message of
// class Error in an envelope like any other, with status 200; a SOAP fault, with status 500; and a bare HTTP status.
type failure struct {
	code   string // the ResponseCode
	text   string
	fault  bool // a SOAP fault
	status int  // a bare HTTP status, which no code goes with; 0: one of the other two forms
	header http.Header
	values []value  // MessageXml
	ids    []string // ErrorSubscriptionIds
}

// value is one thing that a MessageXml says.
type value struct {
	name, text string
	named      bool // written as t:Value with a Name, not as an element of that name
}

// fail makes the failure of one thing that was asked for, in the service's own words if it has some.
func fail(code string) *failure { return &failure{code: code, text: messageTexts[code]} }

func failf(code, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

// faulted makes the failure of the request as a whole.
func faulted(code string) *failure {
	return &failure{code: code, text: messageTexts[code], fault: true}
}

func faultf(code, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...), fault: true}
}

// httpFailure is one that the service itself does not get to see.
func httpFailure(status int, header http.Header) *failure {
	return &failure{status: status, header: header}
}

// of says which subscriptions are meant.
func (f *failure) of(ids ...string) *failure {
	f.ids = ids
	return f
}

// backOff says how long to stay away.
func (f *failure) backOff(d time.Duration) *failure {
	if d > 0 {
		f.values = append(f.values, value{"BackOffMilliseconds", fmt.Sprint(d.Milliseconds()), true})
	}
	return f
}
