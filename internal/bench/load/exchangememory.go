package load

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// Ids are about as long as the service's.
var (
	subscriptionInMemory = strings.Repeat("JgBhbTBwcjAxbWIw", 8)
	itemInMemory         = strings.Repeat("AAMkADFmYzNhZTU0", 9)
	folderInMemory       = strings.Repeat("AAMkADFmYzNhZTU0", 7)
)

// envelopeOf is one of a stream, with so many events of one subscription, in the
// form that Exchange gives it.
func envelopeOf(events int) string {
	var b strings.Builder
	b.WriteString(`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">` +
		`<ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="2562" MinorBuildNumber="17" Version="V2017_07_11" xmlns="http://schemas.microsoft.com/exchange/services/2006/types"/>` +
		`</soap11:Header><soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">` +
		`<m:GetStreamingEventsResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` +
		`<m:Notifications><m:Notification><t:SubscriptionId>` + subscriptionInMemory + `</t:SubscriptionId>`)
	for i := range events {
		kind := []string{"CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"}[i%3]
		fmt.Fprintf(&b, `<t:%[1]s><t:TimeStamp>2026-03-02T09:15:%02[2]dZ</t:TimeStamp><t:ItemId Id="%[3]s%04[2]d" ChangeKey="CQAAAA=="/>`+
			`<t:ParentFolderId Id="%[4]s" ChangeKey="AQAAAA=="/></t:%[1]s>`, kind, i, itemInMemory, folderInMemory)
	}
	b.WriteString(`</m:Notification></m:Notifications></m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>`)
	return b.String()
}

// envelopeXML has the fields that the library decodes.
type envelopeXML struct {
	Messages []struct {
		Class         string `xml:"ResponseClass,attr"`
		Code          string `xml:"ResponseCode"`
		Notifications []struct {
			SubscriptionID string     `xml:"SubscriptionId"`
			Events         []eventXML `xml:",any"`
		} `xml:"Notifications>Notification"`
		Status string `xml:"ConnectionStatus"`
	} `xml:"Body>GetStreamingEventsResponse>ResponseMessages>GetStreamingEventsResponseMessage"`
}

type eventXML struct {
	XMLName           xml.Name
	Watermark         string `xml:"Watermark"`
	TimeStamp         string `xml:"TimeStamp"`
	ItemID            *idXML `xml:"ItemId"`
	FolderID          *idXML `xml:"FolderId"`
	ParentFolderID    *idXML `xml:"ParentFolderId"`
	OldItemID         *idXML `xml:"OldItemId"`
	OldFolderID       *idXML `xml:"OldFolderId"`
	OldParentFolderID *idXML `xml:"OldParentFolderId"`
	UnreadCount       string `xml:"UnreadCount"`
}

type idXML struct {
	ID        string `xml:"Id,attr"`
	ChangeKey string `xml:"ChangeKey,attr"`
}

// endless is a text over and over.
type endless struct {
	text string
	at   int
}

// Read implements io.Reader; a read is what a TLS record brings at most.
func (e *endless) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 16<<10)], e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// answering is a service that answers every request with a text over and over.
type answering struct{ text string }

// RoundTrip implements http.RoundTripper.
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, Body: io.NopCloser(&endless{text: a.text}),
	}, nil
}

// streamOf is a Stream that brings a document over and over.
func streamOf(ctx context.Context, document string) (*ews.Stream, error) {
	client, err := ews.New(ews.Bearer(auth.Cached(&tokens{values: []string{goodToken}})), &ews.Options{
		URL:        "https://127.0.0.1/EWS/Exchange.asmx",
		HTTPClient: &http.Client{Transport: answering{document}},
	})
	if err != nil {
		return nil, err
	}
	return client.Session("").Open(ctx, &ews.Subscription{ID: subscriptionInMemory, Mailbox: mailbox(0)})
}
