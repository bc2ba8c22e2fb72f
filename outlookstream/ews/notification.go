package ews

import (
	"encoding/xml"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A Notification is what one envelope of a stream brings.
type Notification struct {
	Events   []*Event  // in the order of the wire; of one subscription or of several
	Status   string    // the ConnectionStatus: "OK", "Closed"; "" if none was sent
	Received time.Time // when its last byte was read; not from the wire
}

// IsHeartbeat reports whether n only says that the connection is alive.
func (n *Notification) IsHeartbeat() bool { return len(n.Events) == 0 && n.Status != statusClosed }

// statusClosed is how the service says that it ends a stream as it should.
const statusClosed = "Closed"

// streamEnvelope is any envelope of a stream.
type streamEnvelope struct {
	XMLName  xml.Name
	Fault    *fault          `xml:"Body>Fault"`
	Messages []streamMessage `xml:"Body>GetStreamingEventsResponse>ResponseMessages>GetStreamingEventsResponseMessage"`
}

type streamMessage struct {
	responseMessage
	Notifications    []notificationElement `xml:"Notifications>Notification"`
	ConnectionStatus string                `xml:"ConnectionStatus"`
}

// notification gathers what the messages of an envelope bring. mailboxes has
// the names of the mailboxes by subscription. A heartbeat may be a status alone
// or a StatusEvent for each subscription; events and status may come in one
// message, though not from Exchange.
func (e *streamEnvelope) notification(mailboxes map[string]string) *Notification {
	n := new(Notification)
	for i := range e.Messages {
		m := &e.Messages[i]
		for j := range m.Notifications {
			element := &m.Notifications[j]
			n.Events = append(n.Events, element.events(mailboxes[element.subscription()])...)
		}
		switch status := strings.TrimSpace(m.ConnectionStatus); {
		case strings.EqualFold(status, statusClosed):
			n.Status = statusClosed
		case status != "" && n.Status != statusClosed:
			n.Status = status
		}
	}
	return n
}

// said returns the first error among the messages that ends a stream or, if
// there is none, the first; nil if there is none at all.
func (e *streamEnvelope) said(r request, present func(string, int) string) (first *Error) {
	for i := range e.Messages {
		said := e.Messages[i].toError(r, present)
		switch {
		case said == nil:
		case !said.passes():
			return said
		case first == nil:
			first = said
		default: // both lost events
			first.Subscriptions = append(first.Subscriptions, said.Subscriptions...)
		}
	}
	return first
}

// passes reports whether a stream goes on after the service has said this in
// it: of some subscriptions events were lost, and that is all.
func (e *Error) passes() bool { return e.Is(outlookstream.ErrMissed) }
