package outlookstream

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// removedError ends a connection on which the service removed a subscription.
type removedError struct {
	subscription string // "": it did not say which
	code         string // why; may be empty
}

func (e *removedError) Error() string {
	if e.code == "" {
		return ErrRemoved.Error()
	}
	return fmt.Sprintf("%v: %s", ErrRemoved, e.code)
}

func (e *removedError) Unwrap() error { return ErrRemoved }

// handle yields what a notification means. The error ends the connection.
func (w *watch) handle(stream *Stream, n *Notification) error {
	if n.IsKeepAlive() {
		w.logKeepAlive(stream, n.Status)
		return nil
	}
	if concernsNobody(n) {
		call(w.client.opts.Trace.Ignored, TraceIgnored{Notification: n, Diagnostics: stream.diagnostics})
		return nil
	}
	known := false
	for _, r := range w.resources {
		// A service may give one id to two subscriptions that ask for the same.
		if r.subscription == n.SubscriptionID || n.SubscriptionID == "" && len(w.resources) == 1 {
			known = true
			if err := w.handleFor(r, stream, n); err != nil {
				return err
			}
		}
	}
	if known {
		return nil
	}
	if is(n, "SubscriptionRemoved") {
		return removed(stream, n, "")
	}
	// It is a change of something. Whose is not clear, so it may be anybody's.
	return w.announceAll(fmt.Errorf("%w: a notification for a subscription that this connection does not have", ErrMissed), n)
}

// concernsNobody reports whether n is of a type that is not known yet and has
// nothing in it of what makes a notification.
func concernsNobody(n *Notification) bool {
	return n.ChangeType == "" && n.SubscriptionID == "" && n.SequenceNumber == 0 && n.Resource == "" && len(n.ResourceData) == 0 &&
		!strings.EqualFold(n.ODataType, notificationType)
}

func removed(stream *Stream, n *Notification, subscription string) error {
	e := &removedError{subscription: subscription}
	if n.Error != nil {
		e.code = stream.present(n.Error.Code, maxCode)
	}
	return e
}

// handleFor yields what a notification means to one resource.
func (w *watch) handleFor(r *watched, stream *Stream, n *Notification) error {
	if !r.sequence.accept(n.SequenceNumber) && !is(n, "Missed") {
		if err := w.announce(r, ErrSequence, n); err != nil {
			return err
		}
	}
	switch {
	case is(n, "Created"):
		return w.change(r, Created, n)
	case is(n, "Updated"):
		return w.change(r, Updated, n)
	case is(n, "Deleted"):
		return w.change(r, Deleted, n)
	case is(n, "Missed"):
		return w.announce(r, ErrMissed, n)
	case is(n, "Acknowledgment"):
		// Obsolete; said once that a subscription was in force.
		call(w.client.opts.Trace.Ignored, TraceIgnored{Notification: n, Diagnostics: stream.diagnostics})
		return nil
	case is(n, "SubscriptionRemoved"):
		return removed(stream, n, r.subscription)
	default:
		return w.announce(r, fmt.Errorf("%w: a change of the unknown type %q", ErrMissed, stream.present(n.ChangeType, maxCode)), n)
	}
}

// is compares names as the service does: later payloads have them in lower
// case.
func is(n *Notification, changeType string) bool {
	return strings.EqualFold(n.ChangeType, changeType)
}

// change yields a change of one item. One that names no item is of use only as
// a sign that something changed.
func (w *watch) change(r *watched, kind Kind, n *Notification) error {
	item := n.item()
	if item.ID == "" {
		item.ID = idFromURL(n.Resource)
	}
	if item.ID == "" {
		return w.announce(r, fmt.Errorf("%w: a change that names no item", ErrMissed), n)
	}
	return w.give(Event{
		Kind: kind, Resource: r.Path, ID: item.ID, Version: item.ETag, Received: n.Received, Native: n, watch: w.stopper,
	})
}

// idFromURL takes the id out of .../Users('a@b')/Events('AAMk...').
func idFromURL(resource string) string {
	collection, id, found := strings.Cut(resource[strings.LastIndexByte(resource, '/')+1:], "('")
	id, closed := strings.CutSuffix(id, "')")
	if !found || !closed || strings.EqualFold(collection, "Users") {
		return ""
	}
	if unescaped, err := url.PathUnescape(id); err == nil {
		return unescaped
	}
	return id
}

// announceAll announces to every resource.
func (w *watch) announceAll(reason error, n *Notification) error {
	for _, r := range w.resources {
		if err := w.announce(r, reason, n); err != nil {
			return err
		}
	}
	return nil
}

// announce yields a Resync, on account of n if that is not nil.
func (w *watch) announce(r *watched, reason error, n *Notification) error {
	r.owed = nil
	w.logResync(r, reason)
	event := Event{Kind: Resync, Resource: r.Path, Received: time.Now(), Reason: reason, watch: w.stopper}
	if n != nil {
		event.Received, event.Native = n.Received, n
	}
	return w.give(event)
}

func (w *watch) give(event Event) error {
	if !w.yield(event, nil) {
		return errLoopLeft
	}
	return nil
}
