package fakeserver

import (
	"slices"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// Fault is one misbehaviour to arm. Which Do there are for which On, and which of the fields below each looks at, is
// in the table in faulttable.go; [Server.Arm] refuses everything else.
//
// A fault on subscribe, listen, token, devicecode, configuration (the OpenID configuration) or authorize strikes at the next such
// request. A fault on stream strikes on an
// open stream, else on the next one, once After elements (keep-alives included) have gone out on it, counted from when
// the fault was armed or the stream was opened, whichever was later. Faults are tried in the order in which they were
// armed; a stream takes on at most one that ends it, and any number of others as long as they differ.
type Fault struct {
	// On is subscribe, listen, stream, token, devicecode, configuration, authorize; and of Exchange Web Services ewsSubscribe,
	// ewsListen (GetStreamingEvents), ewsStream (one that is open) and ewsCall (everything else).
	On string `json:"on"`
	Do string `json:"do"`
	// Times counts strikes. 0 means 1; -1 means until disarmed.
	Times int `json:"times,omitzero"`
	// User limits it to one mailbox. "" means everyone's, "me" the first account's. On authorize that is who login_hint names;
	// a request for the configuration is nobody's.
	User string `json:"user,omitzero"`
	// Status is the HTTP status. For "status" it is required; its other fields have defaults that go with it.
	Status int `json:"status,omitzero"`
	// Code and Message are the error's. For "inStreamError" the Code "withoutComma" leaves the comma out.
	// "dropSubscription" has a Code only, and "soapFault" and "errorMessage" have both.
	Code    string `json:"code,omitzero"`
	Message string `json:"message,omitzero"`
	// RetryAfter is the Retry-After header, as it is to be sent; "" sends none.
	RetryAfter string `json:"retryAfter,omitzero"`
	// Headers are set on the answer, in the place of its own where they have the same name.
	Headers map[string]string `json:"headers,omitzero"`
	// After is how many elements are let through before a stream fault strikes. For "coalesce" it is how many
	// elements are held back and written together; 0 means 2.
	After int `json:"after,omitzero"`
	// Bytes is the offset in the body for "cutAtByte" (0: before the first byte), and the size of the element for
	// "hugeElement" (0: 2 MiB). Over Exchange Web Services it is also the size of the pieces for "byteByByte" (0: 1).
	Bytes int `json:"bytes,omitzero"`
	// Delay is how long "slow" waits: before the answer, or before each element of a stream. 0 means 1 s. For "soapFault" and
	// "errorMessage" it is what BackOffMilliseconds says; 0: nothing. The control API takes
	// it as text, "1.5s".
	Delay time.Duration `json:"delay,omitzero"`
	// Location is where "redirect" points. "": the same path on another host name that leads to the same server.
	Location string `json:"location,omitzero"`
}

// armed is a fault with what is left of it.
type armed struct {
	fault    Fault
	user     string // address, "" for everyone
	left     int    // strikes not yet taken; -1 for without end
	claimed  int    // strikes that streams have taken and not carried out
	disarmed bool
}

// armory holds the armed faults.
type armory struct {
	mu     sync.Mutex
	faults []*armed
}

// Arm arms a fault. An error says which combinations of On and Do there are.
func (s *Server) Arm(f Fault) error {
	user, err := s.checkFault(f)
	if err != nil {
		return err
	}
	left := f.Times
	if left == 0 {
		left = 1
	}
	s.armory.add(&armed{fault: f, user: user, left: left})
	switch f.On {
	case onStream:
		for _, st := range s.openStreams() {
			st.poke()
		}
	case exchange.OnStream:
		s.exchange.Poke()
	}
	return nil
}

// Disarm takes back every fault that has not struck yet. What a fault has done to the form of an open stream stays.
func (s *Server) Disarm() { s.armory.clear() }

func (a *armory) add(f *armed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, f)
}

func (a *armory) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
		f.disarmed = true
	}
	a.faults = nil
}

// take finds a fault for this user that is wanted, and takes one strike of it.
func (a *armory) take(on, user string, wanted func(do string) bool) (*armed, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range a.faults {
		if f.fault.On != on || (f.user != "" && f.user != user) || f.left == 0 {
			continue
		}
		if wanted != nil && !wanted(f.fault.Do) {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		if onAnyStream(on) {
			f.claimed++
		} else if f.left == 0 {
			a.faults = slices.Delete(a.faults, i, i+1)
		}
		return f, true
	}
	return nil, false
}

// strike notes that a fault that was taken for a stream has struck. It is false if the fault was disarmed meanwhile.
func (a *armory) strike(f *armed) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.claimed = max(0, f.claimed-1)
	if f.left == 0 && f.claimed == 0 { // else another stream has it, and it may still be disarmed
		a.faults = slices.DeleteFunc(a.faults, func(x *armed) bool { return x == f })
	}
	return !f.disarmed
}

// giveBack returns a strike that was taken and did not come about, because the stream ended before.
func (a *armory) giveBack(f *armed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.claimed = max(0, f.claimed-1)
	if f.left < 0 || f.disarmed {
		return
	}
	f.left++
	if !slices.Contains(a.faults, f) {
		a.faults = append(a.faults, f)
	}
}
