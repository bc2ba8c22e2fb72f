package outlookstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// fake starts a service for the examples, and returns options and a provider
// for it. A program would use the service's own address.
func fake() (*fakeserver.Server, *outlookstream.Options, auth.Provider) {
	server := fakeserver.New(nil)
	endpoint, err := server.ListenMemory()
	if err != nil {
		log.Fatal(err)
	}
	return server, &outlookstream.Options{Endpoint: endpoint.API(), HTTPClient: endpoint.Client("h2")}, auth.Static(server.Token(user))
}

// meet makes a change to the calendar.
func meet(server *fakeserver.Server, kind, subject string) {
	_, err := server.Change(fakeserver.Change{
		Resource: "me/events", ChangeType: kind, ID: "AAMk", Data: json.RawMessage(`{"Subject":"` + subject + `"}`),
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleClient_Watch() {
	server, options, provider := fake()
	defer server.Close()

	client, err := outlookstream.New(provider, options)
	if err != nil {
		log.Fatal(err)
	}
	calendar := outlookstream.Resource{Path: "me/events", Select: []string{"Subject"}}
	for event, err := range client.Watch(context.Background(), calendar) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Kind == outlookstream.Resync {
			fmt.Println("list the calendar:", event.Reason)
			meet(server, "Created", "Lunch")
			meet(server, "Updated", "Lunch with Ann")
			meet(server, "Deleted", "")
			continue
		}
		item, err := outlookstream.DecodeResource[struct{ Subject string }](event.Native.(*outlookstream.Notification))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Kind, event.ID, item.Subject)
		if event.Kind == outlookstream.Deleted {
			break // ends the watch
		}
	}
	// Output:
	// list the calendar: the watch started
	// created AAMk Lunch
	// updated AAMk Lunch with Ann
	// deleted AAMk
}

func ExampleClient_Watch_errors() {
	server, options, _ := fake()
	defer server.Close()

	// A permission for mail does not let anybody watch a calendar.
	provider := auth.Static(server.Token(user, "https://outlook.office.com/mail.read"))
	client, err := outlookstream.New(provider, options)
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range client.Watch(context.Background(), outlookstream.Resource{Path: "me/events"}) {
		switch failure, ok := errors.AsType[*outlookstream.Error](err); {
		case errors.Is(err, outlookstream.ErrForbidden) && ok:
			fmt.Println("ask an administrator for the permission:", failure.Status, failure.Code)
		case err != nil:
			log.Fatal(err)
		}
	}
	// Output:
	// ask an administrator for the permission: 403 ErrorAccessDenied
}

func ExampleBuffer() {
	server, options, provider := fake()
	defer server.Close()

	client, err := outlookstream.New(provider, options)
	if err != nil {
		log.Fatal(err)
	}
	// Up to 100 events wait for a loop that takes its time, and what the
	// service repeats is dropped.
	events := client.Watch(context.Background(), outlookstream.Resource{Path: "me/events"})
	for event, err := range outlookstream.Buffer(100, outlookstream.Dedup(1000, events)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event)
		if event.Kind == outlookstream.Created {
			break
		}
		meet(server, "Created", "Lunch")
	}
	// Output:
	// resync me/events: the watch started
	// created me/events AAMk
}

func ExampleClient_Open() {
	server, options, provider := fake()
	defer server.Close()

	client, err := outlookstream.New(provider, options)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	subscription, err := client.Subscribe(ctx, outlookstream.Resource{Path: "me/events"})
	if err != nil {
		log.Fatal(err)
	}
	meet(server, "Created", "Lunch") // waits in the subscription
	stream, err := client.Open(ctx, subscription.ID)
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	n, err := stream.Next()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n.SequenceNumber, n.ChangeType)
	// Output:
	// 1 Created
}
