package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
)

// A Subscription is the service's promise to collect events of a mailbox. A
// streaming one that nobody listens to expires within minutes.
type Subscription struct {
	ID        string // opaque; it names the server that has it
	Watermark string // of pull and push: where it begins; "" for streaming
	Mailbox   string // the Address of the Mailbox; "me" if it had none
	outlookstream.Diagnostics
}

type subscribeRequest struct {
	XMLName   xml.Name         `xml:"m:Subscribe"`
	Pull      *pullTarget      `xml:"m:PullSubscriptionRequest"`
	Push      *pushTarget      `xml:"m:PushSubscriptionRequest"`
	Streaming *streamingTarget `xml:"m:StreamingSubscriptionRequest"`
}

// A target is what a subscription of any kind is about.
type target struct {
	All     bool       `xml:"SubscribeToAllFolders,attr,omitempty"`
	Folders *folderIDs `xml:"t:FolderIds"`
	Events  eventNames `xml:"t:EventTypes"`
}

type streamingTarget struct{ target }

type folderIDs struct {
	IDs []any // folderID, distinguishedFolderID: in the order of the caller
}

type folderID struct {
	XMLName   xml.Name `xml:"t:FolderId"`
	ID        string   `xml:"Id,attr"`
	ChangeKey string   `xml:"ChangeKey,attr,omitempty"`
}

type distinguishedFolderID struct {
	XMLName xml.Name      `xml:"t:DistinguishedFolderId"`
	ID      string        `xml:"Id,attr"`
	Mailbox *emailAddress `xml:"t:Mailbox"`
}

type emailAddress struct {
	Address string `xml:"t:EmailAddress"`
}

type eventNames struct {
	Names []EventType `xml:"t:EventType"`
}

type subscribeReply struct {
	Messages []struct {
		responseMessage
		SubscriptionID string `xml:"SubscriptionId"`
		Watermark      string `xml:"Watermark"`
	} `xml:"Body>SubscribeResponse>ResponseMessages>SubscribeResponseMessage"`
}

// target says what of m a subscription is about, as far as a version knows it.
func (s *Session) target(m Mailbox, version string) target {
	t := target{All: len(m.Folders) == 0, Events: eventNames{m.Events}}
	if len(m.Events) == 0 {
		t.Events.Names = eventTypesIn(version)
	}
	if !t.All {
		t.Folders = new(folderIDs)
		for _, f := range m.Folders {
			t.Folders.IDs = append(t.Folders.IDs, s.folderElement(f, m.Address))
		}
	}
	return t
}

// folderElement names one folder. Without impersonation, another person's
// needs to be named with its mailbox.
func (s *Session) folderElement(f Folder, address string) any {
	if f.Distinguished == "" {
		return folderID{ID: f.ID, ChangeKey: f.ChangeKey}
	}
	id := distinguishedFolderID{ID: f.Distinguished}
	if address != "" && !s.client.opts.Impersonate {
		id.Mailbox = &emailAddress{address}
	}
	return id
}

// Subscribe makes a streaming subscription to m. Nothing is delivered until it
// is listened to; what happens meanwhile waits for that. Before Exchange 2010 SP1
// there are none: that is [ErrVersion], and [Session.SubscribePull] is left.
func (s *Session) Subscribe(ctx context.Context, m Mailbox) (*Subscription, error) {
	if err := m.validate(s.client.opts.Impersonate); err != nil {
		return nil, err
	}
	version, err := s.since(streamsSince, streams)
	if err != nil {
		return nil, fmt.Errorf("ews: Subscribe for %s: %w: use SubscribePull", m.name(), err)
	}
	sub, err := s.subscribe(ctx, m, version, func(t target) subscribeRequest {
		return subscribeRequest{Streaming: &streamingTarget{t}}
	})
	if errors.Is(err, ErrVersion) && !isUnspeakable(err) && *version == streamsSince {
		err = fmt.Errorf("%w (%s came with %s: use SubscribePull)", err, streams, streamsSince)
	}
	return sub, err
}

// subscribe makes a subscription of a kind that version has.
func (s *Session) subscribe(ctx context.Context, m Mailbox, version *string, kind func(target) subscribeRequest) (*Subscription, error) {
	since, what, instead := m.wants()
	wanted, err := s.since(since, what)
	if err != nil {
		return nil, fmt.Errorf("ews: Subscribe for %s: %w: %s", m.name(), err, instead)
	}
	lacks := s.client.lacks(*s.version.Load(), since, what)
	if isBefore(*version, since) {
		version = wanted
	}
	sub, err := s.subscribeAs(ctx, m, version, kind(s.target(m, *version)))
	switch {
	case err == nil:
		s.upgraded(version)
	case lacks != nil && errors.Is(err, ErrVersion):
		err = fmt.Errorf("%w: %w: %s", err, lacks, instead)
	}
	return sub, err
}

func (s *Session) subscribeAs(ctx context.Context, m Mailbox, version *string, operation subscribeRequest) (*Subscription, error) {
	var reply subscribeReply
	r := request{op: "Subscribe", mailbox: m.name(), impersonate: m.Address, operation: operation, version: version}
	diagnostics, err := s.do(ctx, r, &reply, func() (all []responseMessage) {
		for _, m := range reply.Messages {
			all = append(all, m.responseMessage)
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	made := reply.Messages[0]
	id, watermark := strings.TrimSpace(made.SubscriptionID), strings.TrimSpace(made.Watermark)
	if id == "" {
		return nil, malformed(r, diagnostics, "a subscription without an id")
	}
	return &Subscription{ID: id, Watermark: watermark, Mailbox: m.name(), Diagnostics: diagnostics}, nil
}

// request is a call about the subscription, as who made it.
func (sub *Subscription) request(op string, operation any) request {
	r := request{op: op, mailbox: sub.Mailbox, operation: operation}
	if sub.Mailbox != ownMailbox {
		r.impersonate = sub.Mailbox
	}
	return r
}

type unsubscribeRequest struct {
	XMLName        xml.Name `xml:"m:Unsubscribe"`
	SubscriptionID string   `xml:"m:SubscriptionId"`
}

type unsubscribeReply struct {
	Messages []responseMessage `xml:"Body>UnsubscribeResponse>ResponseMessages>UnsubscribeResponseMessage"`
}

// Unsubscribe ends a streaming or pull subscription. The service allows some 20
// for each mailbox, of all programs together: one that is not ended counts
// until it expires.
func (s *Session) Unsubscribe(ctx context.Context, sub *Subscription) error {
	var reply unsubscribeReply
	r := sub.request("Unsubscribe", unsubscribeRequest{SubscriptionID: sub.ID})
	_, err := s.do(ctx, r, &reply, func() []responseMessage { return reply.Messages })
	return err
}
