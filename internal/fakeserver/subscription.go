package fakeserver

import (
	"encoding/base64"
	"strings"
	"time"
)

// unheard is how long a subscription lives that nobody listens to. There is no renewal but listening.
const unheard = 30 * time.Minute

// Subscription is what the server knows of a subscription.
type Subscription struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`       // address of the mailbox it was made through
	Mailbox    string    `json:"mailbox"`    // address of the mailbox it watches
	Resource   string    `json:"resource"`   // as the client wrote it
	ChangeType string    `json:"changeType"` // as it was echoed
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"`   // in effect; while somebody listens it moves on
	Listening  bool      `json:"listening"` // a GetNotifications call has it
	Queued     int       `json:"queued"`    // notifications not yet sent
	Sequence   int64     `json:"sequence"`  // the last SequenceNumber given out
}

// subscription is guarded by its store.
type subscription struct {
	id       string
	user     string // address
	target   target
	resource string
	changes  changeSet
	created  time.Time
	expires  time.Time // looked at only while nobody listens
	told     time.Time // the expiry that the last notification carried
	failed   bool      // the last notification was not delivered
	sequence int64
	skipped  int64 // how far the fault skipSequence has moved the numbers
	queue    []*notification
	listener *listener // nil: nobody listens
	flying   int       // notifications taken out of the queue, neither delivered nor put back yet
	flier    *listener // who took them
	gone     bool      // expired, deleted or removed: what is still queued for its listener is the last of it
}

// newSubscriptionID is base64 of two GUIDs joined by an underscore, and so ends in "==".
func newSubscriptionID() string {
	return base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(newGUID() + "_" + newGUID())))
}

func (s *subscription) expired(now time.Time) bool {
	return s.listener == nil && !now.Before(s.expires)
}

// landed notes that one of the notifications taken out of the queue is accounted for.
func (s *subscription) landed() {
	s.flying--
	if s.flying == 0 && s.listener != nil {
		s.listener.poke()
	}
}

// listener is a GetNotifications call as the store sees it. It is guarded by the store, except for wake.
type listener struct {
	wake chan struct{} // has room for one
	subs map[string]*subscription
	over bool // the stream has no reason to go on
}

func (l *listener) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// notification is one element to be sent. It is never changed once it is queued.
type notification struct {
	order    int64 // over all subscriptions
	sub      *subscription
	kind     changeKind
	sequence int64
	itemID   string
	version  string
	data     properties // after the change; what $select takes from
}
