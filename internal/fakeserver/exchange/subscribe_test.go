package exchange_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

func TestAStreamingSubscriptionHasAnIDThatNamesItsServerAndNoWatermark(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a := f.call(streamingRequest(folders("inbox", "calendar") + allTypes))
		m := a.want(t, "NoError")
		if m.at("Watermark") != nil {
			t.Errorf("a streaming subscription has a watermark: %s", a.body)
		}
		b, err := base64.StdEncoding.DecodeString(m.text("SubscriptionId"))
		if err != nil {
			t.Fatal(err)
		}
		n := int(binary.LittleEndian.Uint16(b))
		host := string(b[2 : 2+n])
		if !strings.Contains(host, ".") || host != strings.ToLower(host) {
			t.Errorf("the id names the server %q", host)
		}
		rest := b[2+n:]
		if len(rest) != 4+16+8+4+16 || binary.LittleEndian.Uint32(rest) != 16 || binary.LittleEndian.Uint32(rest[28:]) != 16 {
			t.Fatalf("after the name come %x", rest)
		}
		const ticksAtUnixZero = 621355968000000000
		made := time.Unix(0, (int64(binary.LittleEndian.Uint64(rest[20:]))-ticksAtUnixZero)*100)
		if !made.Equal(time.Now()) {
			t.Errorf("the id says it was made %v", made)
		}
		if a.root.at("Header", "ServerVersionInfo").attrs["Version"] != "V2017_07_11" || !strings.HasPrefix(a.body, "<?xml") {
			t.Errorf("the answer is %s", a.body)
		}
		list := f.s.Exchange().Subscriptions()
		if len(list) != 1 || list[0].Owner != alex || list[0].Mailbox != alex || strings.Join(list[0].Folders, " ") != "calendar inbox" ||
			len(list[0].Events) != 7 || list[0].Kind != "streaming" || list[0].ID != m.text("SubscriptionId") {
			t.Errorf("the server knows of %+v", list)
		}
	})
}

func TestAnOldServersSubscriptionIDIsABareGUID(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{Version: exchange.Version2010}, func(t *testing.T, f *fixture) {
		id := f.do(f.request(t.Context(), envelope("Exchange2010_SP1", "", streamingRequest(folders("inbox")+allTypes)))).
			want(t, "NoError").text("SubscriptionId")
		if len(id) != 36 || strings.Count(id, "-") != 4 {
			t.Errorf("the id is %q", id)
		}
	})
}

func TestSubscribeIsStrict(t *testing.T) {
	pull := func(inside string) string {
		return `<m:Subscribe><m:PullSubscriptionRequest>` + inside + `</m:PullSubscriptionRequest></m:Subscribe>`
	}
	push := func(inside string) string {
		return `<m:Subscribe><m:PushSubscriptionRequest>` + inside + `</m:PushSubscriptionRequest></m:Subscribe>`
	}
	inbox := folders("inbox")
	invalid := []struct{ name, body, text string }{
		{"nothing", `<m:Subscribe/>`, "incomplete content"},
		{"two requests", `<m:Subscribe><m:StreamingSubscriptionRequest>` + inbox + allTypes + `</m:StreamingSubscriptionRequest>` +
			`<m:StreamingSubscriptionRequest>` + inbox + allTypes + `</m:StreamingSubscriptionRequest></m:Subscribe>`, "invalid child element"},
		{"event types first", streamingRequest(allTypes + inbox), "invalid child element 'FolderIds'"},
		{"no event types", streamingRequest(inbox), "'EventTypes'"},
		{"no event type", streamingRequest(inbox + `<t:EventTypes/>`), "'EventType'"},
		{"unknown event type", streamingRequest(inbox + `<t:EventTypes><t:EventType>FreeBusyChanged</t:EventType></t:EventTypes>`), "Enumeration"},
		{"status event", streamingRequest(inbox + `<t:EventTypes><t:EventType>StatusEvent</t:EventType></t:EventTypes>`), "Enumeration"},
		{"no folder", streamingRequest(`<t:FolderIds/>` + allTypes), "incomplete content"},
		{"unknown distinguished folder", streamingRequest(folders("inboxes") + allTypes), "'Id' attribute is invalid"},
		{"a folder without an id", streamingRequest(`<t:FolderIds><t:FolderId/></t:FolderIds>` + allTypes), "required attribute 'Id'"},
		{"folders in the wrong namespace", streamingRequest(strings.ReplaceAll(inbox, "t:FolderIds", "m:FolderIds") + allTypes), "invalid child"},
		{"a watermark", streamingRequest(inbox + allTypes + `<t:Watermark>AAAA</t:Watermark>`), "invalid child element 'Watermark'"},
		{"a timeout", streamingRequest(inbox + allTypes + `<t:Timeout>10</t:Timeout>`), "invalid child element 'Timeout'"},
		{"all, but how", `<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="yes">` + allTypes +
			`</m:StreamingSubscriptionRequest></m:Subscribe>`, "Boolean"},
		{"pull without a timeout", pull(inbox + allTypes), "'Watermark, Timeout'"},
		{"pull for no time", pull(inbox + allTypes + `<t:Timeout>0</t:Timeout>`), "MinInclusive"},
		{"pull for too long", pull(inbox + allTypes + `<t:Timeout>1441</t:Timeout>`), "MaxInclusive"},
		{"push without a URL", push(inbox + allTypes + `<t:StatusFrequency>1</t:StatusFrequency>`), "'URL'"},
		{"push elsewhere", push(inbox + allTypes + `<t:StatusFrequency>1</t:StatusFrequency><t:URL>ftp://x/</t:URL>`), "Pattern"},
		{"text", `<m:Subscribe>now</m:Subscribe>`, "cannot contain text"},
	}
	refused := []struct{ name, body, code string }{
		{"all and folders", `<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true">` + inbox + allTypes +
			`</m:StreamingSubscriptionRequest></m:Subscribe>`, "ErrorInvalidSubscriptionRequest"},
		{"neither all nor folders", streamingRequest(allTypes), "ErrorInvalidSubscriptionRequest"},
		{"two mailboxes", streamingRequest(`<t:FolderIds><t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="inbox"><t:Mailbox>` +
			`<t:EmailAddress>` + room1 + `</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` + allTypes), "ErrorInvalidSubscriptionRequest"},
		{"another's folder", streamingRequest(`<t:FolderIds><t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>` + room1 +
			`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` + allTypes), "ErrorSubscriptionDelegateAccessNotSupported"},
		{"nobody's folder", streamingRequest(`<t:FolderIds><t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>nobody@contoso.test` +
			`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` + allTypes), "ErrorNonExistentMailbox"},
		{"a malformed id", streamingRequest(`<t:FolderIds><t:FolderId Id="%"/></t:FolderIds>` + allTypes), "ErrorInvalidIdMalformed"},
		{"an unknown id", streamingRequest(`<t:FolderIds><t:FolderId Id="AAAA"/></t:FolderIds>` + allTypes), "ErrorFolderNotFound"},
		{"a folder that is not there", streamingRequest(folders("voicemail") + allTypes), "ErrorFolderNotFound"},
		{"a watermark of nothing", pull(inbox + allTypes + `<t:Watermark>AAAA</t:Watermark><t:Timeout>10</t:Timeout>`), "ErrorInvalidWatermark"},
	}
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for _, c := range invalid {
			fault := f.call(c.body).wantFault(t, "ErrorSchemaValidation", c.text)
			values := fault.at("detail", "MessageXml")
			if values == nil || values.space != tNS || values.text("LineNumber") != "1" || values.text("LinePosition") == "" || values.text("Violation") == "" {
				t.Errorf("%s: the fault does not say where", c.name)
			}
		}
		for _, c := range refused {
			t.Log(c.name)
			f.call(c.body).want(t, c.code)
		}
		if n := len(f.s.Exchange().Subscriptions()); n != 0 {
			t.Errorf("there are %d subscriptions", n)
		}
	})
}

func TestARequestIsFirstOfAllOneOfThisService(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		good := streamingRequest(folders("inbox") + allTypes)
		send := func(document string) answer { return f.do(f.request(t.Context(), document)) }
		send("hello").wantFault(t, "ErrorSchemaValidation", "")
		send(`<!DOCTYPE x>`+envelope("Exchange2016", "", good)).wantFault(t, "ErrorSchemaValidation", "")
		send(`<Envelope/>`).wantFault(t, "ErrorInvalidRequest", "SOAP")
		send(envelope("Exchange2016", "", "")).wantFault(t, "ErrorInvalidRequest", "exactly one")
		send(envelope("Exchange2016", "", `<m:FindPeople/>`)).wantFault(t, "ErrorInvalidRequest", "FindPeople")
		send(envelope("Exchange2016", "", strings.ReplaceAll(good, "m:", "t:"))).wantFault(t, "ErrorInvalidRequest", "Subscribe")
		send(envelope("Exchange2031", "", good)).wantFault(t, "ErrorInvalidServerVersion", "")
		send(envelope("Exchange2007_SP1", "", good)).wantFault(t, "ErrorIncorrectSchemaVersion", "Exchange2010_SP1")
		send(envelope("Exchange2016", `<t:ExchangeImpersonation/>`, good)).wantFault(t, "ErrorSchemaValidation", "ConnectingSID")
		send(envelope("Exchange2016", impersonating("nobody@contoso.test"), good)).wantFault(t, "ErrorNonExistentMailbox", "")
		send(strings.Repeat("<a>", 100)).wantFault(t, "ErrorSchemaValidation", "deeper")

		r := f.request(t.Context(), envelope("Exchange2016", "", good))
		r.Header.Set("Content-Type", "application/soap+xml")
		if a := f.do(r); a.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("another media type: status %d", a.StatusCode)
		}
		r = f.request(t.Context(), "")
		r.Method = http.MethodGet
		if a := f.do(r); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET: status %d", a.StatusCode)
		}
		r = f.request(t.Context(), envelope("Exchange2016", "", good))
		r.URL.Path = "/ews/EXCHANGE.asmx"
		f.do(r).want(t, "NoError")
		f.token = "nonsense"
		if a := send(envelope("Exchange2016", "", good)); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("a bad token: status %d", a.StatusCode)
		}
	})
}

func impersonating(address string) string {
	return `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + address + `</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
}

func TestAnOlderServerDoesNotKnowNewerVersions(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{Version: exchange.Version2013}, func(t *testing.T, f *fixture) {
		body := streamingRequest(folders("inbox") + allTypes)
		f.do(f.request(t.Context(), envelope("Exchange2016", "", body))).wantFault(t, "ErrorInvalidServerVersion", "")
		f.do(f.request(t.Context(), envelope("Exchange2013_SP1", "", body))).want(t, "NoError")
	})
}

func TestWhoImpersonatesOwnsTheSubscription(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		body := streamingRequest(folders("calendar") + allTypes)
		id := f.do(f.request(t.Context(), envelope("Exchange2016", impersonating(room1), body))).want(t, "NoError").text("SubscriptionId")
		if list := f.s.Exchange().Subscriptions(); len(list) != 1 || list[0].Owner != alex || list[0].Mailbox != room1 {
			t.Errorf("the server knows of %+v", list)
		}
		// The person whose mailbox it is did not make it.
		f.as(room1).call(unsubscribeRequest(id)).want(t, "ErrorSubscriptionAccessDenied")
		l := f.as(room1).listen(1, id)
		wantShort(t, l.checked(), "ErrorSubscriptionAccessDenied "+id+" Closed")
		l.wantClean()
		f.call(unsubscribeRequest(id)).want(t, "NoError")
		f.call(unsubscribeRequest(id)).want(t, "ErrorSubscriptionNotFound")
	})
}

func TestAnApplicationHasToImpersonate(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.token = f.s.Token("")
		body := streamingRequest(folders("calendar") + allTypes)
		f.call(body).wantFault(t, "ErrorImpersonationRequired", "ExchangeImpersonation")
		f.do(f.request(t.Context(), envelope("Exchange2016", impersonating(room1), body))).want(t, "NoError")
	})
}
