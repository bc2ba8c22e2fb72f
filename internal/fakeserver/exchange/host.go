package exchange

import (
	"net/http"
	"time"
)

// A Host is what a Server is part of: it has the connections, and the faults that tests arm.
type Host interface {
	// Closing is closed when what the request came in through is being closed. It may be nil.
	Closing(r *http.Request) <-chan struct{}
	// Reset kills the connection of a request, as with RST.
	Reset(r *http.Request)
	// StrikeRequest carries out a fault that is armed for such requests of a user. It reports whether the request is
	// answered; if it is not, a fault whose Do is not "" is one that the service itself has to speak.
	StrikeRequest(w http.ResponseWriter, r *http.Request, on, user string) (f Fault, answered bool)
	// StreamFaults are the faults of a stream that is about to be opened.
	StreamFaults(user string) StreamFaults
}

// Fault is a misbehaviour, as the host has it.
type Fault struct {
	Do            string
	Code, Message string
	After, Bytes  int
	Delay         time.Duration
}

// StreamFaults are those that one stream has taken on. Only the stream's own goroutine uses them.
type StreamFaults interface {
	// Claim takes on what is armed by now.
	Claim(opening bool)
	// Shape says whether a fault of form is in effect.
	Shape(do string) (Fault, bool)
	// Strike says whether a fault strikes now, and if so, uses it up.
	Strike(do string) (Fault, bool)
	// Count notes that an envelope has gone out.
	Count()
	// GiveBack returns what did not strike; reached says whether as many bytes as "cutAtByte" wanted were written.
	GiveBack(reached bool)
}

// What a fault can be on.
const (
	OnSubscribe = "ewsSubscribe" // Subscribe
	OnListen    = "ewsListen"    // GetStreamingEvents
	OnStream    = "ewsStream"    // an open stream
	OnCall      = "ewsCall"      // every other operation
)

// alone is the host of a Server that is served by somebody else's http.Server.
type alone struct{}

func (alone) Closing(*http.Request) <-chan struct{} { return nil }
func (alone) Reset(*http.Request)                   { panic(http.ErrAbortHandler) }
func (alone) StreamFaults(string) StreamFaults      { return noFaults{} }
func (alone) StrikeRequest(http.ResponseWriter, *http.Request, string, string) (Fault, bool) {
	return Fault{}, false
}

type noFaults struct{}

func (noFaults) Claim(bool)                  {}
func (noFaults) Shape(string) (Fault, bool)  { return Fault{}, false }
func (noFaults) Strike(string) (Fault, bool) { return Fault{}, false }
func (noFaults) Count()                      {}
func (noFaults) GiveBack(bool)               {}
