package fakeserver

import (
	"context"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// serveSignIn hands over to the sign-in half. Its requests are logged without their bodies, which are secrets.
func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request) {
	entry := s.log.begin(r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { // ends a stalled request when the server is closed
		defer close(ended)
		select {
		case <-s.live.done:
		case <-closing(r):
		case <-stop:
		}
		cancel()
	}()
	defer func() { close(stop); <-ended }()
	recorder := &statusRecorder{ResponseWriter: w, log: s.log, entry: entry}
	s.signIn.ServeHTTP(recorder, r.WithContext(ctx))
	if !recorder.done && ctx.Err() != nil {
		panic(http.ErrAbortHandler) // it gave up; net/http would make an empty success of that
	}
}

// signInFault carries out faults on requests to the sign-in half.
func (s *Server) signInFault(on, user string) (*signin.Response, bool) {
	if account, ok := s.dir.named(user); ok {
		user = account.User
	}
	a, ok := s.armory.take(on, user, nil)
	if !ok {
		return nil, false
	}
	f := a.fault
	answer := &signin.Response{Status: f.Status, Header: http.Header{}}
	switch f.Do {
	case doStall:
		answer.Delay = 1 << 62 // until the client goes or the server closes
	case doReset:
		panic(http.ErrAbortHandler)
	case doSlow:
		answer.Delay = f.Delay
		if answer.Delay == 0 {
			answer.Delay = defaultDelay
		}
		answer.Status = 0
	case doRedirect:
		answer.Status = f.statusOr(http.StatusTemporaryRedirect)
		answer.Location = f.location
	case doHTML:
		answer.Status = f.statusOr(http.StatusOK)
		answer.Header.Set("Content-Type", "text/html; charset=utf-8")
		answer.Body = []byte(gatewayPage)
	default:
		if f.Do == doErrorDocument {
			answer.Status = http.StatusOK
		}
		answer.Header.Set("Content-Type", "application/json; charset=utf-8")
		answer.Body = f.signInError()
	}
	if f.RetryAfter != "" {
		answer.Header.Set("Retry-After", f.RetryAfter)
	}
	for name, value := range f.Headers {
		answer.Header.Set(name, value)
	}
	return answer, true
}

// signInError is an error as the sign-in service words it: Code is its error, Message its description.
func (f Fault) signInError() []byte {
	code, message := f.Code, f.Message
	if code == "" {
		code = "temporarily_unavailable"
	}
	if message == "" {
		message = "AADSTS90033: A transient error has occurred. Please try again."
	}
	number := 90033
	if rest, ok := strings.CutPrefix(message, "AADSTS"); ok {
		number = leadingNumber(rest)
	}
	return marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		TraceID     string `json:"trace_id"`
	}{code, message, []int{number}, newGUID()})
}

func leadingNumber(text string) int {
	number := 0
	for _, r := range text {
		if r < '0' || r > '9' || number > 1<<24 {
			break
		}
		number = number*10 + int(r-'0')
	}
	return number
}
