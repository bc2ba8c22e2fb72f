package outlookstream

import "time"

// Trace has functions that are called at what happens inside a Client; those
// that are nil are skipped. They are called on the goroutine that does the
// work, which waits for them, and, if the Client is used concurrently,
// concurrently.
type Trace struct {
	// Answered is called after each request, whether it was answered or not.
	Answered func(TraceAnswered)
	// Connected is called when the service has accepted to stream. The
	// connection has yet to show that it is alive: see Live.
	Connected func(TraceConnected)
	// Live is called at the first byte of a stream.
	Live func(TraceLive)
	// KeepAlive is called at each keep-alive.
	KeepAlive func(TraceKeepAlive)
	// Ignored is called at an element that concerns nobody: an
	// acknowledgment, or a type that is not known and names no subscription.
	Ignored func(TraceIgnored)
	// Disconnected is called when a connection has ended and was closed.
	Disconnected func(TraceDisconnected)
	// Waiting is called before a watch waits for its next attempt.
	Waiting func(TraceWaiting)
}

// TraceAnswered describes a request that is over, or, for "listen", accepted.
type TraceAnswered struct {
	Op       string // "subscribe", "listen", "unsubscribe"
	Resource string // what was subscribed to
	Status   int    // 0: no answer
	Duration time.Duration
	Err      error // nil if it did what it was asked
	Diagnostics
}

// TraceConnected describes a new connection.
type TraceConnected struct {
	Subscriptions []string // ids
	Protocol      string   // "HTTP/2.0"
	Diagnostics
}

// TraceLive describes a connection that has shown that it is alive.
type TraceLive struct {
	After time.Duration // since it was accepted
	Diagnostics
}

// TraceKeepAlive describes a keep-alive.
type TraceKeepAlive struct {
	Status string // "Ok"
	Diagnostics
}

// TraceIgnored describes an element that led to no event.
type TraceIgnored struct {
	Notification *Notification
	Diagnostics
}

// TraceDisconnected describes the end of a connection.
type TraceDisconnected struct {
	Err      error         // io.EOF if it ended as it should
	Duration time.Duration // since it was accepted
	Elements int           // keep-alives included
	Diagnostics
}

// TraceWaiting describes a wait.
type TraceWaiting struct {
	Err   error // what the last attempt ended with
	Delay time.Duration
	Diagnostics
}

// call spares its callers the question whether anybody listens.
func call[T any](listener func(T), what T) {
	if listener != nil {
		listener(what)
	}
}
