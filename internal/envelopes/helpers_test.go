package envelopes_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/envelopes"
)

// A result is all that an input gave.
type result struct {
	documents []string
	offsets   []int64 // after each document
	err       error   // that ended it
	tooLarge  int     // documents over the limit
	end       int64   // InputOffset after the end
}

// readAll reads from r until the error that is final.
func readAll(r io.Reader, opts *envelopes.Options) (got result) {
	reader := envelopes.NewReader(r, opts)
	for {
		switch document, err := reader.Next(); {
		case err == nil:
			got.documents = append(got.documents, string(document))
			got.offsets = append(got.offsets, reader.InputOffset())
		case errors.Is(err, envelopes.ErrTooLarge):
			got.tooLarge++
		default:
			got.err, got.end = err, reader.InputOffset()
			return got
		}
	}
}

// equal reports whether two runs gave the same, errors by what they are: the
// text may show how much had been read.
func equal(a, b result) bool {
	return slices.Equal(a.documents, b.documents) && slices.Equal(a.offsets, b.offsets) && kind(a.err) == kind(b.err) && a.tooLarge == b.tooLarge && a.end == b.end
}

func kind(err error) string {
	if syntax, ok := errors.AsType[*envelopes.SyntaxError](err); ok {
		return syntax.Msg
	}
	return err.Error()
}

// drain calls Next until the end and fails the test if that is not a good one.
func drain(t *testing.T, r *envelopes.Reader) (documents []string) {
	t.Helper()
	for {
		document, err := r.Next()
		if err == io.EOF {
			return documents
		}
		if err != nil {
			t.Fatalf("after %d documents: %v", len(documents), err)
		}
		documents = append(documents, string(document))
	}
}

// chunks is a reader that delivers one chunk a call, then the error.
type chunks struct {
	data []string
	err  error
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, c.err
	}
	n := copy(p, c.data[0])
	if c.data[0] = c.data[0][n:]; c.data[0] == "" {
		c.data = c.data[1:]
	}
	return n, nil
}

// readerFunc is a Read method.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A piece is a part of an input.
type piece struct {
	text     string
	document bool // it is one
	space    bool // the input may end in it
	declares bool // it is an XML declaration
}

// pieces are everything that can lie in the way.
var pieces = []piece{
	{text: "\xef\xbb\xbf"},
	{text: `<?xml version="1.0" encoding="utf-8"?>`, declares: true},
	{text: "\r\n \t", space: true},
	{text: heartbeat, document: true},
	{text: events, document: true}, // with nothing in between
	{text: "\n", space: true},
	{text: `<!-- <a> </a> -- ]]> ?> -->`},
	{text: `<?a target with > and <b> and ? ?>`},
	{text: `<x/>`, document: true},
	{text: `<x-1.y:z a="/>" b='"' />`, document: true},
	{text: "\xef\xbb\xbf"},
	{text: "<?xml version='1.0'?>", declares: true},
	{text: "<!---->"},
	{text: `<s:Envelope xmlns:s="x"><s:Envelope a=">" b='/s:Envelope>'>Grüße 😀 ></s:Envelope ><!--</s:Envelope>--><?p </s:Envelope>?><![CDATA[</s:Envelope>]] >]]]></s:Envelope` + "\n>", document: true},
	{text: `<htm></htm>`, document: true},
	{text: `<xhtml:html></xhtml:html>`, document: true},
	{text: `<html5/>`, document: true},
	{text: `<é_é>` + "\xf0\x9f\x98\x80" + `</é_é>`, document: true},
	{text: " ", space: true},
}

// heartbeat and events are as Exchange writes them.
const (
	heartbeat = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">` +
		`<ServerVersionInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11" xmlns="http://schemas.microsoft.com/exchange/services/2006/types"/></soap11:Header>` +
		`<soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"><m:GetStreamingEventsResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:ConnectionStatus>OK</m:ConnectionStatus></m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>`
	event  = `<t:CreatedEvent><t:TimeStamp>2026-11-27T01:02:03Z</t:TimeStamp><t:ItemId Id="AAMkAGI5MWY5ZmYyLTI0ZDMtNDk4Yi1iY2Y5LTE1MDYwMmRkZDAyYwBGAAAAAAB/AAAA=" ChangeKey="CQAAAA=="/><t:ParentFolderId Id="AAMkAGI5MWY5ZmYyLTI0ZDMtNDk4Yi1iY2Y5LTE1MDYwMmRkZDAyYwAuAAAAAAB/AAAA=" ChangeKey="AQAAAA=="/></t:CreatedEvent>`
	before = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"><m:GetStreamingEventsResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Notifications><m:Notification><t:SubscriptionId>JwBkYjd</t:SubscriptionId>`
	after  = `</m:Notification></m:Notifications></m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>`
	events = before + event + event + after
)

// realistic is all the pieces, and realisticDocuments the documents in it.
func realistic() (input string, documents []string) {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.text)
		if p.document {
			documents = append(documents, p.text)
		}
	}
	return b.String(), documents
}
