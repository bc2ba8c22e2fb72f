package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// BusyShape is a form in which the service says that it is too busy.
type BusyShape string

// The shapes.
const (
	BusyStatus  BusyShape = "503"     // a bare 503, with Retry-After if there is something to say
	BusyFault   BusyShape = "fault"   // 500, a SOAP fault ErrorServerBusy with BackOffMilliseconds
	BusyMessage BusyShape = "message" // 200, a response message ErrorServerBusy with BackOffMilliseconds
	BusyWrapped BusyShape = "wrapped" // 200, a response message ErrorInternalServerError that speaks of ErrorServerBusy
)

var busyShapes = []BusyShape{BusyStatus, BusyFault, BusyMessage, BusyWrapped}

// Busy is throttling to arm: the next call charged to a mailbox is answered with it, and so is every other until BackOff
// is over.
type Busy struct {
	// Mailbox is whom the call is charged to: who is impersonated, or else who asks. "": whoever comes next.
	Mailbox string `json:"mailbox,omitzero"`
	// Operation limits what begins it: "Subscribe". "": every one.
	Operation string    `json:"operation,omitzero"`
	Shape     BusyShape `json:"shape"`
	// BackOff is how long the client is told to stay away; 0 tells nothing.
	BackOff time.Duration `json:"backOff,omitzero"`
	// Times counts how often it begins. 0 means 1; -1 means until the throttling is lifted.
	Times int `json:"times,omitzero"`
}

// Early is a call that came before its client had been told to come back.
type Early struct {
	Time      time.Time     `json:"time"`
	Mailbox   string        `json:"mailbox"`
	Operation string        `json:"operation"`
	By        time.Duration `json:"by"` // how much too early
}

// maxEarly is how many are kept.
const maxEarly = 1000

// throttle is what is armed and in force.
type throttle struct {
	mu    sync.Mutex
	armed []*Busy
	until map[string]busyUntil // by whom calls are charged to
	early []Early
}

type busyUntil struct {
	shape BusyShape
	end   time.Time
}

func newThrottle() *throttle { return &throttle{until: make(map[string]busyUntil)} }

// Throttle arms throttling.
func (s *Server) Throttle(b Busy) error {
	if !slices.Contains(busyShapes, b.Shape) {
		return fmt.Errorf("exchange: no shape %q of throttling; there are %v", b.Shape, busyShapes)
	}
	if b.BackOff < 0 || b.Times < -1 {
		return errors.New("exchange: throttling cannot have a negative time or number, except Times: -1")
	}
	if b.Times == 0 {
		b.Times = 1
	}
	s.throttle.mu.Lock()
	defer s.throttle.mu.Unlock()
	s.throttle.armed = append(s.throttle.armed, &b)
	return nil
}

// LiftThrottling takes back what is armed and ends what is in force.
func (s *Server) LiftThrottling() {
	s.throttle.mu.Lock()
	defer s.throttle.mu.Unlock()
	s.throttle.armed = nil
	clear(s.throttle.until)
}

// Early returns the calls that came too early, oldest first, the latest 1,000. Those of a throttling that told nothing
// are not among them.
func (s *Server) Early() []Early {
	s.throttle.mu.Lock()
	defer s.throttle.mu.Unlock()
	return slices.Clone(s.throttle.early)
}

// take says whether a call is to be turned away, in which form and for how long.
func (t *throttle) take(charged, operation string) (BusyShape, time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if u, ok := t.until[strings.ToLower(charged)]; ok {
		if left := u.end.Sub(now); left > 0 {
			t.early = append(t.early, Early{now, charged, operation, left})
			t.early = t.early[max(0, len(t.early)-maxEarly):]
			return u.shape, left, true
		}
		delete(t.until, strings.ToLower(charged))
	}
	for i, b := range t.armed {
		if b.Mailbox != "" && !strings.EqualFold(b.Mailbox, charged) || b.Operation != "" && b.Operation != operation {
			continue
		}
		if b.Times > 0 {
			if b.Times--; b.Times == 0 {
				t.armed = slices.Delete(t.armed, i, i+1)
			}
		}
		if b.BackOff > 0 {
			t.until[strings.ToLower(charged)] = busyUntil{b.Shape, now.Add(b.BackOff)}
		}
		return b.Shape, b.BackOff, true
	}
	return "", 0, false
}

// busy is the answer.
func busy(shape BusyShape, backOff time.Duration) *failure {
	switch shape {
	case BusyStatus:
		header := http.Header{}
		if backOff > 0 {
			header.Set("Retry-After", strconv.Itoa(int((backOff+time.Second-1)/time.Second)))
		}
		return httpFailure(http.StatusServiceUnavailable, header)
	case BusyFault:
		return faulted(codeServerBusy).backOff(backOff)
	case BusyWrapped:
		return failf("ErrorInternalServerError", "An internal server error occurred. The operation failed. ---> ErrorServerBusy: %s",
			messageTexts[codeServerBusy]).backOff(backOff)
	}
	return fail(codeServerBusy).backOff(backOff)
}
