package ews

import (
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Trace has functions that are called at what happens inside a Client; those
// that are nil are skipped. They are called on the goroutine that does the
// work, which waits for them, and concurrently.
type Trace struct {
	// Answered is called after each request, whether it was answered or not.
	Answered func(TraceAnswered)
	// Connected is called when the service has accepted to stream. The
	// connection has yet to show that it is alive: see Live.
	Connected func(TraceConnected)
	// Live is called at the first byte of a stream.
	Live func(TraceLive)
	// Heartbeat is called at each envelope of a stream without events.
	Heartbeat func(TraceHeartbeat)
	// Disconnected is called when a stream has ended and was closed.
	Disconnected func(TraceDisconnected)
	// Waiting is called before a group of mailboxes waits for its next attempt.
	Waiting func(TraceWaiting)
	// Pulling is called when a group of mailboxes has found that streaming does
	// not work, and asks again and again from now on.
	Pulling func(TracePulling)
	// NotFound is called when Autodiscover could not say where a mailbox is, and
	// will be asked again. Until that finds it nothing of the mailbox is watched: a
	// Resync of it will come then, its first if it has had none. One that is not
	// to be found at all is told of by an Ended instead.
	NotFound func(TraceNotFound)
}

// TraceNotFound says why it is not known where a mailbox is.
type TraceNotFound struct {
	Mailbox string        // its Address
	Err     error         // what the service said, or what became of all servers that were asked
	Delay   time.Duration // until it is looked for again
}

// TraceWaiting describes a wait between two attempts.
type TraceWaiting struct {
	Err   error         // what ended the attempt before
	Delay time.Duration // until the next; 0 if it follows at once
}

// TracePulling says why a group does not stream.
type TracePulling struct {
	Err   error     // how the last stream ended, or was refused; ErrVersion if the server is too old for streams
	Until time.Time // then it tries whether it is still so
}

// TraceAnswered describes a request that is over, or, for "GetStreamingEvents",
// accepted.
type TraceAnswered struct {
	Op       string        // "Subscribe", ...
	Mailbox  string        // which it was about; "" if it was not about one
	Status   int           // 0: no answer
	Duration time.Duration // with the time for getting credentials
	Err      error         // nil if it did what it was asked
	outlookstream.Diagnostics
}

// TraceConnected describes a new stream.
type TraceConnected struct {
	Subscriptions []string // ids
	Protocol      string   // "HTTP/1.1"
	outlookstream.Diagnostics
}

// TraceLive describes a stream that has shown that it is alive.
type TraceLive struct {
	After time.Duration // since it was accepted
	outlookstream.Diagnostics
}

// TraceHeartbeat describes a heartbeat.
type TraceHeartbeat struct {
	Status string // the ConnectionStatus: "OK"; "" if there was none
	outlookstream.Diagnostics
}

// TraceDisconnected describes the end of a stream.
type TraceDisconnected struct {
	Err       error         // io.EOF if it ended as it should
	Duration  time.Duration // since it was accepted
	Envelopes int           // heartbeats included
	outlookstream.Diagnostics
}

// call spares its callers the question whether anybody listens.
func call[T any](f func(T), value T) {
	if f != nil {
		f(value)
	}
}
