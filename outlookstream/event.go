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
	ID       string    // the item's id; "" for Resync and Ended
	Version  string    // the item's ETag or change key; "" if the source sent none
	Received time.Time // when the last byte of it was read
	Reason   error     // why, for Resync (see ErrStarted and the others) and Ended
	Native   any       // what the source itself said: *Notification, or *ews.Event; nil if it said nothing

	// watch lets Buffer end the watch that yielded this event while that
	// waits for the next one.
	watch *stopper
}

// Stoppable returns a function that marks events as those of a watch that stop
// ends, even while it waits for the next event: [Buffer] calls it when its loop
// is left. stop may be called more than once, and by any goroutine. It is for
// those who write a source, as package ews does.
func Stoppable(stop func()) func(Event) Event {
	s := &stopper{stop}
	return func(e Event) Event {
		e.watch = s
		return e
	}
}

// A stopper ends a watch from outside its loop.
type stopper struct{ stop func() }

// String describes the event in one line, for people.
func (e Event) String() string {
	if e.Kind == Resync || e.Kind == Ended {
		return fmt.Sprintf("%v %s: %v", e.Kind, e.Resource, e.Reason)
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
	// Moved says that an item went from one folder to another, of which one at
	// least is watched. ID is its new id; the old one is in Native. Only
	// Exchange Web Services tell.
	Moved
	// Ended says that one of several resources is no longer watched, since
	// something about it failed that only a person can mend: Reason says what.
	// It is the last event of the resource; the others go on.
	Ended
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
	case Moved:
		return "moved"
	case Ended:
		return "ended"
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
