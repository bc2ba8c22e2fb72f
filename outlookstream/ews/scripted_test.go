package ews

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A scripted service gives the answers it was told to, one after the other, and
// keeps the bodies of what it was sent.
type scripted struct {
	mu      sync.Mutex
	answers []string
	sent    []string
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, string(body))
	if len(s.answers) == 0 {
		return nil, fmt.Errorf("nobody expected a request number %d", len(s.sent))
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	status := http.StatusOK
	if strings.Contains(answer, "Fault>") {
		status = http.StatusInternalServerError
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

// A scriptedTransport is a function as a http.RoundTripper.
type scriptedTransport func(*http.Request) (*http.Response, error)

func (f scriptedTransport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// last is the operation that was sent last: what is in the Body.
func (s *scripted) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, operation, _ := strings.Cut(s.sent[len(s.sent)-1], "<soap:Body>")
	operation, _, _ = strings.Cut(operation, "</soap:Body>")
	return operation
}

// script returns a session with a service that gives these answers.
func script(t testing.TB, o Options, answers ...string) (*Session, *scripted) {
	t.Helper()
	service := &scripted{answers: answers}
	o.URL, o.HTTPClient = "https://mail.contoso.test/EWS/Exchange.asmx", &http.Client{Transport: service}
	c, err := New(Bearer(auth.Static("s3cret")), &o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(""), service
}

// answering is a service's answer, all went well.
func answering(op, content string) string {
	return inEnvelope(op, `ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`+content)
}

// refusing is a service's answer, it did not.
func refusing(op, code string) string {
	return inEnvelope(op, `ResponseClass="Error"><m:MessageText>That did not work.</m:MessageText><m:ResponseCode>`+code+
		`</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`)
}

func inEnvelope(op, message string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>` +
		`<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="4" Version="V2017_07_11" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header>` +
		`<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
		`<m:` + op + `Response xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:` + op + `ResponseMessage ` + message + `</m:` + op + `ResponseMessage></m:ResponseMessages></m:` + op + `Response></s:Body></s:Envelope>`
}
