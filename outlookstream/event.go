package outlookstream

import (
	"errors"
	"fmt"
	"iter"
	"time"
)

// Events is what a watch yields: one event after the other, and an error only
// as the very last pair, never together with an event. Every source of this
// module returns it, so whatever is written against it works with all of them.
type Events = iter.Seq2[Event, error]

// An Event says that something happened to one item of a watched resource, or
// ([Resync]) that something may have happened that will not be told.
type Event struct {
	Kind     Kind
	Resource string    // the Path of the watched Resource, as the caller wrote it
	ID       string    // the item's id; "" for Resync
	Version  string    // the item's ETag; "" if the source sent none
	Received time.Time // when the last byte of it was read
	Reason   error     // why, for Resync: see ErrStarted and the others
	Native   any       // what the source itself said: *Notification; nil if it said nothing

	// watch lets Buffer end the watch that yielded this event while that
	// waits for the next one.
	watch *stopper
}

// String describes the event in one line, for people.
func (e Event) String() string {
	if e.Kind == Resync {
		return fmt.Sprintf("resync %s: %v", e.Resource, e.Reason)
	}
	return fmt.Sprintf("%v %s %s", e.Kind, e.Resource, e.ID)
}

// A Kind says what an Event is about.
type Kind int

const (
	// Resync says that changes of the resource may have been missed: list the
	// resource again. Whatever changes after the event will be delivered.
	Resync Kind = iota + 1
	// Created says that an item was added, or entered the resource's Filter.
	Created
	// Updated says that a property of an item changed. A changed occurrence
	// of a recurring event is reported as a change of its series.
	Updated
	// Deleted says that an item was removed, or left the resource's Filter.
	Deleted
)

// String returns the name of the kind in lower case: "created".
func (k Kind) String() string {
	switch k {
	case Resync:
		return "resync"
	case Created:
		return "created"
	case Updated:
		return "updated"
	case Deleted:
		return "deleted"
	default:
		return fmt.Sprintf("Kind(%d)", int(k))
	}
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// The reasons of a Resync, to be told apart with [errors.Is]; the text of the
// Reason itself may say more.
var (
	// ErrStarted is the first event of each resource: the stream is open,
	// list now, everything later will be delivered.
	ErrStarted = errors.New("the watch started")
	// ErrReconnected says that the connection was lost and opened again. The
	// service does not promise to keep what happened in between.
	ErrReconnected = errors.New("the connection was opened again")
	// ErrResubscribed says that the service had forgotten the subscription,
	// and that there is a new one.
	ErrResubscribed = errors.New("the subscription was gone and made again")
	// ErrMissed says that the service could not deliver notifications that
	// were due, or that it sent something that could not be understood.
	ErrMissed = errors.New("the service missed notifications")
	// ErrSequence says that a sequence number was skipped or went backwards.
	ErrSequence = errors.New("a notification is missing from the sequence")
	// ErrOverflow says that the buffer of Buffer was full.
	ErrOverflow = errors.New("the buffer was full")
	// ErrRemoved says that the service removed the subscription, as it does
	// when the account's password changes, and that there is a new one.
	ErrRemoved = errors.New("the service removed the subscription")
	// ErrTooLarge says that a notification was larger than Options.MaxElement
	// and was skipped.
	ErrTooLarge = errors.New("a notification was too large")
)
