package exchange

import (
	"strings"
	"time"
)

const (
	// maxEvents is how many events one Notification has at most.
	maxEvents = 50
	// idleStep is how far an idle subscription's watermark may fall behind before a StatusEvent moves it on, so that
	// it does not fall out of the event table. The number is our choice.
	idleStep = 1000
)

// getEvents serves GetEvents.
func (s *Server) getEvents(c *call) {
	id := c.request.child(nsMessages, "SubscriptionId").value()
	watermark := c.request.child(nsMessages, "Watermark").value()
	p, f := s.store.pulled(c, id, watermark)
	if f != nil {
		c.refuse(f)
		return
	}
	c.respond(c.operation, message{content: within("m:Notification", p.content(id, watermark))})
}

// page is what a subscription has after a watermark.
type page struct {
	events []*event
	more   bool
	status uint64 // where an idle subscription is
}

// content is that of a Notification with watermarks, of pull and push.
func (p page) content(id, watermark string) string {
	var b strings.Builder
	b.WriteString(tag("t:SubscriptionId", id))
	b.WriteString(tag("t:PreviousWatermark", watermark))
	more := "false"
	if p.more {
		more = "true"
	}
	b.WriteString(tag("t:MoreEvents", more))
	for _, e := range p.events {
		e.write(&b, true)
	}
	if len(p.events) == 0 {
		b.WriteString(within("t:StatusEvent", tag("t:Watermark", watermarkOf(p.status))))
	}
	return b.String()
}

func (s *store) pulled(c *call, id, watermark string) (page, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, f := s.find(c, id)
	if f != nil {
		return page{}, f
	}
	if sub.kind != pull {
		return page{}, fail(codeInvalidPullSubscription)
	}
	from, ok := parseWatermark(watermark)
	if !ok || from > sub.mailbox.seq {
		return page{}, fail(codeInvalidWatermark)
	}
	p, ok := sub.page(from)
	if !ok {
		s.end(sub, "")
		return page{}, fail(codeEventNotFound)
	}
	sub.expires = time.Now().Add(sub.timeout)
	s.expireAt(sub.expires)
	return p, nil
}

// page is what comes after a position; false if that is not known any more. The lock of the store is held.
func (s *subscription) page(from uint64) (page, bool) {
	events, ok := s.mailbox.since(from)
	if !ok {
		return page{}, false
	}
	p := page{status: from}
	for _, e := range events {
		if !s.wants(e) {
			continue
		}
		if len(p.events) == maxEvents {
			p.more = true
			return p, true
		}
		p.events = append(p.events, e)
	}
	if s.mailbox.seq-from > idleStep {
		p.status = s.mailbox.seq
	}
	return p, true
}
