package ews_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// twoRooms starts an Exchange for the examples that has the mailboxes room1 and
// room2, and returns options and an authenticator for it. A program would use the
// address of its Exchange Server, or of Exchange Online.
func twoRooms() (*fakeserver.Server, *ews.Options, ews.Authenticator) {
	server := fakeserver.New(&fakeserver.Options{Accounts: []signin.Account{{User: "room1@contoso.test"}, {User: "room2@contoso.test"}}})
	endpoint, err := server.ListenMemory()
	if err != nil {
		log.Fatal(err)
	}
	options := &ews.Options{URL: endpoint.EWS(), Impersonate: true, HTTPClient: endpoint.Client("h1")}
	return server, options, ews.Bearer(auth.Static(server.Token("")), "https://outlook.office365.com/.default")
}

// book makes a change to a room's calendar.
func book(server *fakeserver.Server, room, kind string) {
	if _, err := server.Change(fakeserver.Change{User: room, Resource: "me/events", ChangeType: kind}); err != nil {
		log.Fatal(err)
	}
}

func ExampleClient_Watch() {
	server, options, authenticator := twoRooms()
	defer server.Close()

	client, err := ews.New(authenticator, options)
	if err != nil {
		log.Fatal(err)
	}
	var mailboxes []ews.Mailbox
	for _, address := range []string{"room1@contoso.test", "room2@contoso.test", "attic@contoso.test"} {
		mailboxes = append(mailboxes, ews.Mailbox{
			Address: address,
			Folders: ews.Distinguished("calendar"),
			Events:  []ews.EventType{ews.CreatedEvent, ews.ModifiedEvent, ews.MovedEvent, ews.DeletedEvent}, // not who is free when
		})
	}
	for event, err := range client.Watch(context.Background(), mailboxes...) {
		if err != nil {
			log.Fatal(err) // only what a person has to mend
		}
		switch event.Kind {
		case outlookstream.Resync: // at the start, and whenever something may have been missed
			fmt.Println("list", event.Resource, "-", event.Reason)
			book(server, event.Resource, "Created")
			continue
		case outlookstream.Ended: // this mailbox; the others go on
			fmt.Println("without", event.Resource, "-", errors.Is(event.Reason, outlookstream.ErrMailboxUnavailable))
			continue
		}
		native := event.Native.(*ews.Event)
		if native.IsFolder() {
			continue // the calendar itself, which has one item more now
		}
		fmt.Println(event.Kind, event.Resource, native.Type)
		if event.Resource == "room2@contoso.test" {
			break // ends the watch, and its subscriptions
		}
	}
	// Output:
	// without attic@contoso.test - true
	// list room1@contoso.test - the watch started
	// list room2@contoso.test - the watch started
	// created room1@contoso.test CreatedEvent
	// created room2@contoso.test CreatedEvent
}

func ExampleClient_WatchSet() {
	server, options, authenticator := twoRooms()
	defer server.Close()

	client, err := ews.New(authenticator, options)
	if err != nil {
		log.Fatal(err)
	}
	room := func(address string) ews.Mailbox {
		return ews.Mailbox{Address: address, Folders: ews.Distinguished("calendar")}
	}
	set, err := ews.NewSet(room("room1@contoso.test"))
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range client.WatchSet(context.Background(), set) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Kind, event.Resource, "-", event.Reason)
		if errors.Is(event.Reason, outlookstream.ErrReconnected) {
			break // both share a stream, which was opened again for the second
		}
		if event.Resource == "room1@contoso.test" {
			if err := set.Add(room("room2@contoso.test")); err != nil { // any goroutine may do so
				log.Fatal(err)
			}
		}
	}
	// Output:
	// resync room1@contoso.test - the watch started
	// resync room2@contoso.test - the watch started
	// resync room1@contoso.test - the connection was opened again
}
