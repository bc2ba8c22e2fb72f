package ews_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// One connection, without retries: Client.Watch does all this, and what is to
// be done when it ends.
func ExampleSession_Open() {
	session, stop := anExchange(
		message("Subscribe", `<m:SubscriptionId>abc</m:SubscriptionId>`),
		message("GetStreamingEvents", `<m:ConnectionStatus>OK</m:ConnectionStatus>`)+
			message("GetStreamingEvents", `<m:Notifications><m:Notification><t:SubscriptionId>abc</t:SubscriptionId>`+
				`<t:CreatedEvent><t:TimeStamp>2026-11-27T01:02:03Z</t:TimeStamp><t:ItemId Id="AAMk" ChangeKey="CQ=="/></t:CreatedEvent></m:Notification></m:Notifications>`)+
			message("GetStreamingEvents", `<m:ConnectionStatus>Closed</m:ConnectionStatus>`))
	defer stop()

	ctx := context.Background()
	sub, err := session.Subscribe(ctx, ews.Mailbox{Folders: ews.Distinguished("calendar")})
	if err != nil {
		log.Fatal(err)
	}
	stream, err := session.Open(ctx, sub)
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	// Read the calendar here, after subscribing: what changes from now on is told.
	for {
		n, err := stream.Next()
		if _, skipped := errors.AsType[*outlookstream.SkippedError](err); skipped || errors.Is(err, outlookstream.ErrMissed) {
			continue // after the calendar has been read again: something was not told
		}
		if err == io.EOF {
			break // open the next one, with the same subscription
		}
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range n.Events {
			fmt.Println(event.Type, event.ItemID.ID)
		}
	}
	// Output: CreatedEvent AAMk
}
