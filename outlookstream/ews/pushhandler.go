package ews

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/service"
)

// A Push is one notification that the service sent.
type Push struct {
	Subscription *PushSubscription
	Events       []*Event // in their order; none if the service only says that it is there
	// Watermark is where the subscription is after these events, and
	// PreviousWatermark where it was before: a notification that the service
	// sends again has the same.
	Watermark, PreviousWatermark string
	More                         bool // more events are on their way
}

// A PushHandler answers what Exchange sends to the URL of push subscriptions.
// It answers for those that were made with its Subscribe, and lets the service
// end all others, such as those of an earlier run. It is safe for concurrent
// use.
//
// Anybody on the network can call it: it reads 256 KiB at most, within 30 s,
// and refuses what is not a notification. Who knows the id of a subscription is
// believed to be the service.
type PushHandler struct {
	handle func(context.Context, *Push) error

	mu            sync.Mutex
	subscriptions map[string]*PushSubscription
	subscribing   int // calls of Subscribe that are under way
}

// NewPushHandler returns a handler that hands each notification to handle, one
// at a time for each subscription. The service waits for it, but not for long.
// If it returns an error, which goes nowhere else, or takes too long, the
// service sends the same again, after 30 s and then less and less often, and
// gives the subscription up after a StatusFrequency.
func NewPushHandler(handle func(ctx context.Context, p *Push) error) *PushHandler {
	return &PushHandler{handle: handle, subscriptions: make(map[string]*PushSubscription)}
}

// Subscribe makes a push subscription that h answers for: see
// [Session.SubscribePush]. The PushSubscription says when to make another.
func (h *PushHandler) Subscribe(ctx context.Context, s *Session, m Mailbox, opts *PushOptions) (*PushSubscription, error) {
	o := opts.withDefaults()
	h.mu.Lock()
	h.subscribing++
	h.mu.Unlock()
	var p *PushSubscription
	defer func() { // also if an Authenticator or a Trace function panics
		h.mu.Lock()
		defer h.mu.Unlock()
		h.subscribing--
		if p != nil {
			h.subscriptions[p.ID] = p
		}
	}()
	sub, err := s.SubscribePush(ctx, m, &o)
	if err != nil {
		return nil, err
	}
	p = &PushSubscription{Subscription: sub, handler: h, silence: silences * o.StatusFrequency, gone: make(chan struct{}), last: time.Now()}
	return p, nil
}

// ServeHTTP implements http.Handler.
func (h *PushHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, refused := readPush(w, r)
	goOn := false
	if refused == nil {
		goOn, refused = h.take(r.Context(), m)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	writePushAnswer(w, goOn)
}

// take hands a notification on, and reports whether its subscription goes on.
func (h *PushHandler) take(ctx context.Context, m *notificationMessage) (goOn bool, refused *refusal) {
	p, goOn, refused := h.begin(m)
	if p == nil {
		return goOn, refused
	}
	defer h.end(p)
	n := m.Notification
	err := h.handle(ctx, &Push{
		Subscription: p, Events: n.events(p.Mailbox),
		Watermark: n.watermark(), PreviousWatermark: strings.TrimSpace(n.PreviousWatermark), More: n.more(),
	})
	switch {
	case h.isOver(p):
		return false, nil
	case err != nil:
		return false, notTaken
	}
	return true, nil
}

// begin returns the subscription that m is for, which takes nothing else until
// end; or nil and the answer.
func (h *PushHandler) begin(m *notificationMessage) (p *PushSubscription, goOn bool, refused *refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p = h.subscriptions[m.subscription()]
	switch {
	case p == nil && h.subscribing > 0:
		// It may be of one that is being made. The first notification has no
		// events: nothing is lost by saying yes. If it has, it comes again.
		if m.failed() || len(m.Notification.events("")) > 0 {
			return nil, false, notTaken
		}
		return nil, true, nil
	case p == nil:
		return nil, false, nil
	case m.failed():
		e := m.toError(request{op: "SendNotification", mailbox: p.Mailbox}, func(text string, limit int) string { return service.Presentable(text, "", limit) })
		p.retire(e)
		return nil, false, nil
	case p.busy:
		return nil, false, notTaken // the service lost patience with handle
	}
	p.busy = true
	return p, true, nil
}

func (h *PushHandler) end(p *PushSubscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.busy, p.last = false, time.Now()
}

func (h *PushHandler) isOver(p *PushSubscription) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.over != nil
}
