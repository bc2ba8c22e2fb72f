package ews_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// anExchange starts a service for the examples, which gives these answers, one
// after the other, and returns a session with it. A program would use the
// address of its Exchange Server, or of Exchange Online.
func anExchange(answers ...string) (*ews.Session, func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[0]
		answers = answers[1:]
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, answer)
	}))
	client, err := ews.New(ews.Bearer(auth.Static("token")), &ews.Options{URL: server.URL + "/EWS/Exchange.asmx"})
	if err != nil {
		log.Fatal(err)
	}
	return client.Session(""), server.Close
}

// message is a response message in its envelope.
func message(op, content string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
		`<m:` + op + `Response xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:` + op + `ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` + content +
		`</m:` + op + `ResponseMessage></m:ResponseMessages></m:` + op + `Response></s:Body></s:Envelope>`
}

func ExampleSession_GetEvents() {
	session, stop := anExchange(
		message("Subscribe", `<m:SubscriptionId>abc</m:SubscriptionId><m:Watermark>w0</m:Watermark>`),
		message("GetEvents", `<m:Notification><t:SubscriptionId>abc</t:SubscriptionId><t:MoreEvents>false</t:MoreEvents>`+
			`<t:CreatedEvent><t:Watermark>w1</t:Watermark><t:ItemId Id="AAMk" ChangeKey="CQ=="/></t:CreatedEvent></m:Notification>`),
		message("Unsubscribe", ``))
	defer stop()

	ctx := context.Background()
	sub, err := session.SubscribePull(ctx, ews.Mailbox{Folders: ews.Distinguished("calendar")}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Read the calendar here, after subscribing: what changes from now on is told.
	watermark := ""
	for range 1 { // a program goes on for as long as it runs, and waits in between
		result, err := session.GetEvents(ctx, sub, watermark)
		if err != nil {
			log.Fatal(err) // if it is outlookstream.ErrSubscriptionGone: subscribe again, and read again
		}
		for _, event := range result.Events {
			fmt.Println(event.Type, event.ItemID.ID)
		}
		watermark = result.Watermark
	}
	if err := session.Unsubscribe(ctx, sub); err != nil {
		log.Fatal(err)
	}
	// Output: CreatedEvent AAMk
}

func ExampleSession_SyncAllItems() {
	page := func(state, last, changes string) string {
		return message("SyncFolderItems", `<m:SyncState>`+state+`</m:SyncState><m:IncludesLastItemInRange>`+last+`</m:IncludesLastItemInRange><m:Changes>`+changes+`</m:Changes>`)
	}
	session, stop := anExchange(
		page("s1", "false", `<t:Create><t:Message><t:ItemId Id="A"/></t:Message></t:Create><t:Create><t:MeetingRequest><t:ItemId Id="B"/></t:MeetingRequest></t:Create>`),
		page("s2", "true", `<t:ReadFlagChange><t:ItemId Id="A"/><t:IsRead>true</t:IsRead></t:ReadFlagChange><t:Delete><t:ItemId Id="B"/></t:Delete>`))
	defer stop()

	inbox := ews.Folder{Distinguished: "inbox"}
	state := "" // or that of the last run
	for page, err := range session.SyncAllItems(context.Background(), "", inbox, state, nil) {
		if errors.Is(err, ews.ErrInvalidState) {
			log.Fatal("begin again with an empty state")
		}
		if err != nil {
			log.Fatal(err) // go on later, from state
		}
		for _, change := range page.Changes {
			fmt.Println(change.Kind, change.ID.ID)
		}
		state = page.State // only now: what came before is dealt with
	}
	fmt.Println("go on from", state)
	// Output:
	// Create A
	// Create B
	// ReadFlagChange A
	// Delete B
	// go on from s2
}

func ExampleSession_SyncFolderHierarchy() {
	session, stop := anExchange(message("SyncFolderHierarchy", `<m:SyncState>s1</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange><m:Changes>`+
		`<t:Create><t:CalendarFolder><t:FolderId Id="AQ"/><t:DisplayName>Calendar</t:DisplayName></t:CalendarFolder></t:Create></m:Changes>`))
	defer stop()

	page, err := session.SyncFolderHierarchy(context.Background(), "", ews.Folder{}, "", ews.ShapeDefault)
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range page.Changes {
		fmt.Println(change.Kind, change.Class, change.Name)
	}
	// Output: Create CalendarFolder Calendar
}

func ExamplePushHandler() {
	session, stop := anExchange(message("Subscribe", `<m:SubscriptionId>abc</m:SubscriptionId><m:Watermark>w0</m:Watermark>`))
	defer stop()

	handler := ews.NewPushHandler(func(_ context.Context, p *ews.Push) error {
		for _, event := range p.Events {
			fmt.Println(event.Mailbox, event.Type, event.ItemID.ID)
		}
		return nil // with an error, the service would send the same again
	})
	server := httptest.NewServer(handler) // a program: http.Server, with TLS and its time-outs
	defer server.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ann := ews.Mailbox{Address: "ann@contoso.com", Folders: ews.Distinguished("calendar")}
	for {
		subscription, err := handler.Subscribe(ctx, session, ann, &ews.PushOptions{URL: server.URL + "/9f86d081884c7d65", StatusFrequency: time.Minute})
		if err != nil {
			log.Fatal(err)
		}
		// Read the calendar here, after subscribing.
		notify(server.URL, cancel)
		if err := subscription.Wait(ctx); ctx.Err() != nil {
			fmt.Println(err)
			return
		}
		// The service was silent for too long, or has given up: again.
	}
	// Output:
	// ann@contoso.com CreatedEvent AAMk
	// OK
	// context canceled
}

func ExamplePushSubscription_Wait() {
	session, stop := anExchange(message("Subscribe", `<m:SubscriptionId>abc</m:SubscriptionId><m:Watermark>w0</m:Watermark>`))
	defer stop()

	handler := ews.NewPushHandler(func(context.Context, *ews.Push) error { return nil })
	subscription, err := handler.Subscribe(context.Background(), session, ews.Mailbox{}, &ews.PushOptions{URL: "https://calendar.contoso.com/push/9f86d081884c7d65"})
	if err != nil {
		log.Fatal(err)
	}
	go subscription.End() // the program has seen enough

	switch err := subscription.Wait(context.Background()); {
	case errors.Is(err, outlookstream.ErrIdle):
		fmt.Println("subscribe again, and read again")
	case errors.Is(err, outlookstream.ErrSubscriptionGone):
		fmt.Println("over")
	}
	// Output: over
}

// notify does what Exchange does when an appointment is made, and then ends
// the example.
func notify(url string, done func()) {
	defer done()
	notification := strings.ReplaceAll(message("SendNotification", `<m:Notification><t:SubscriptionId>abc</t:SubscriptionId><t:PreviousWatermark>w0</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents>`+
		`<t:CreatedEvent><t:Watermark>w1</t:Watermark><t:ItemId Id="AAMk" ChangeKey="CQ=="/></t:CreatedEvent></m:Notification>`), "m:SendNotificationResponse ", "m:SendNotification ")
	notification = strings.ReplaceAll(notification, "</m:SendNotificationResponse>", "</m:SendNotification>")
	resp, err := http.Post(url, "text/xml; charset=utf-8", strings.NewReader(notification))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	if bytes.Contains(answer, []byte("<SubscriptionStatus>OK<")) {
		fmt.Println("OK")
	}
}
