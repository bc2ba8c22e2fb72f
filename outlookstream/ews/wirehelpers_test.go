package ews

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	wireToken = "header.s3cret-payload.signature"
	wireURL   = "https://mail.contoso.test/EWS/Exchange.asmx"
)

// A byHand is a service written by hand.
type byHand func(*http.Request) (*http.Response, error)

func (f byHand) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// servedBy returns a Client of a service.
func servedBy(t testing.TB, o Options, f byHand) *Client {
	t.Helper()
	o.URL, o.HTTPClient = wireURL, &http.Client{Transport: f}
	c, err := New(Bearer(auth.Static(wireToken)), &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answered is an answer of text/xml, with other headers.
func answered(r *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, Proto: "HTTP/1.1",
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r,
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

// streamed is an answer whose body is what is written into the pipe, until the
// request's context ends.
func streamed(r *http.Request, body *io.PipeReader) *http.Response {
	resp := answered(r, 200, "", "request-id", "stream-1")
	resp.Body = body
	context.AfterFunc(r.Context(), func() { _ = body.CloseWithError(r.Context().Err()) })
	return resp
}

// opened is a stream of the subscriptions "one" (of a@contoso.test) and "two"
// (of b@contoso.test) that brings a body.
func opened(t testing.TB, o Options, body string) *Stream {
	t.Helper()
	st, err := open(t, o, func(r *http.Request) (*http.Response, error) {
		return answered(r, 200, body, "request-id", "stream-1"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func open(t testing.TB, o Options, f byHand) (*Stream, error) {
	t.Helper()
	return servedBy(t, o, f).Session("").Open(t.Context(), twoSubscriptions()...)
}

func twoSubscriptions() []*Subscription {
	return []*Subscription{{ID: "one", Mailbox: "a@contoso.test"}, {ID: "two", Mailbox: "b@contoso.test"}}
}

// What a stream brings, as Exchange writes it.

// anEnvelope is one of a stream, around what is in its response message.
func anEnvelope(class, inner string) string {
	return `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">` +
		`<ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11" xmlns="http://schemas.microsoft.com/exchange/services/2006/types"/></soap11:Header>` +
		`<soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"><m:GetStreamingEventsResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><m:ResponseMessages>` +
		`<m:GetStreamingEventsResponseMessage ResponseClass="` + class + `">` + inner + `</m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>`
}

func anErrorEnvelope(code, rest string) string {
	return anEnvelope("Error", `<m:MessageText>Something is wrong.</m:MessageText><m:ResponseCode>`+code+`</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`+rest)
}

// notifications is an envelope with one Notification for each subscription.
func notifications(each ...string) string {
	return anEnvelope("Success", `<m:ResponseCode>NoError</m:ResponseCode><m:Notifications>`+strings.Join(each, "")+`</m:Notifications>`)
}

func notificationFor(subscription string, events ...string) string {
	return `<m:Notification><t:SubscriptionId>` + subscription + `</t:SubscriptionId>` + strings.Join(events, "") + `</m:Notification>`
}

func anItemEvent(name, id string) string {
	return `<t:` + name + `><t:TimeStamp>2026-11-27T01:02:03Z</t:TimeStamp><t:ItemId Id="` + id + `" ChangeKey="CQAAAA=="/><t:ParentFolderId Id="F" ChangeKey="AQAAAA=="/></t:` + name + `>`
}

const (
	aStatusEvent = `<t:StatusEvent/>`
	aClosed      = `<m:ConnectionStatus>Closed</m:ConnectionStatus>`
)

var (
	anOK      = anEnvelope("Success", `<m:ResponseCode>NoError</m:ResponseCode><m:ConnectionStatus>OK</m:ConnectionStatus>`)
	aGoodbye  = anEnvelope("Success", `<m:ResponseCode>NoError</m:ResponseCode>`+aClosed)
	aFault    = faulty("s", "ErrorServerBusy", `<t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml>`)
	aCreation = notifications(notificationFor("one", anItemEvent("CreatedEvent", "I")))
)

// faulty is a SOAP fault as Exchange writes it.
func faulty(prefix, code, rest string) string {
	return strings.NewReplacer("PREFIX", prefix, "CODE", code, "REST", rest).Replace(`<?xml version="1.0" encoding="utf-8"?><PREFIX:Envelope xmlns:PREFIX="http://schemas.xmlsoap.org/soap/envelope/"><PREFIX:Body><PREFIX:Fault>` +
		`<faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:CODE</faultcode><faultstring xml:lang="en-US">What the service says.</faultstring>` +
		`<detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">CODE</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">What the service says.</e:Message>REST</detail>` +
		`</PREFIX:Fault></PREFIX:Body></PREFIX:Envelope>`)
}

// nextIs has the stream's next envelope be a notification.
func nextIs(t *testing.T, st *Stream) *Notification {
	t.Helper()
	n, err := st.Next()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
