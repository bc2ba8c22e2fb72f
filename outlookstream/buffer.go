package outlookstream

import "sync"

// Buffer reads ahead of the loop's body: up to n events of in wait for it (at
// least 1; and one more for each resource that overflowed or ended). If the
// body falls further behind, events of the resource are dropped, and one
// Resync of it with [ErrOverflow] stands in their place. An [Ended] is never
// dropped.
//
// It reads on a goroutine of its own, which has ended when the loop has. If
// events are not those of a Watch (or of Dedup over one; see [Stoppable]), leaving the loop has
// to wait for the next of them, or for the end of the context they depend on.
func Buffer(n int, in Events) Events {
	return func(yield func(Event, error) bool) {
		b := &buffer{limit: max(n, 1), ready: make(chan struct{}, 1), overflowed: make(map[string]bool)}
		var reader sync.WaitGroup
		reader.Go(func() { b.fill(in) })
		// Also when the body panics or ends its goroutine.
		defer reader.Wait()
		defer b.leave()
		for {
			next, ok := b.take()
			if !ok || !yield(next.event, next.err) || next.err != nil {
				return
			}
		}
	}
}

type buffer struct {
	limit int
	ready chan struct{} // holds one token when there may be something to take

	mu         sync.Mutex
	queue      []pair
	overflowed map[string]bool // resources whose Resync is in the queue
	watch      *stopper        // of the events that came in
	left       bool            // nobody takes any more
	ended      bool            // nothing comes any more
}

type pair struct {
	event    Event
	err      error
	overflow bool // it stands for events that were dropped
}

// fill reads in to its end.
func (b *buffer) fill(in Events) {
	defer b.end()
	for event, err := range in {
		if !b.put(pair{event: event, err: err}) {
			return
		}
	}
}

// put queues p and reports whether more is wanted.
func (b *buffer) put(p pair) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.event.watch != nil {
		b.watch = p.event.watch
	}
	if b.left {
		return false
	}
	resource := p.event.Resource
	switch {
	case p.event.Kind == Ended: // the last of its resource: nothing stands for it
	case p.err == nil && b.overflowed[resource]:
		return true // the Resync in the queue is still to come and covers it
	case p.err == nil && len(b.queue) >= b.limit:
		// Beyond the limit, but by no more than one for each resource.
		b.overflowed[resource] = true
		p.overflow = true
		p.event = Event{Kind: Resync, Resource: resource, Received: p.event.Received, Reason: ErrOverflow, watch: p.event.watch}
	}
	b.queue = append(b.queue, p)
	b.wake()
	return true
}

// take waits for the next pair; ok is false when there will be none.
func (b *buffer) take() (next pair, ok bool) {
	for {
		b.mu.Lock()
		if len(b.queue) > 0 {
			next = b.queue[0]
			b.queue[0] = pair{}
			b.queue = b.queue[1:]
			if next.overflow {
				delete(b.overflowed, next.event.Resource)
			}
			b.mu.Unlock()
			return next, true
		}
		ended := b.ended
		b.mu.Unlock()
		if ended {
			return pair{}, false
		}
		<-b.ready
	}
}

// leave makes the reader stop.
func (b *buffer) leave() {
	b.mu.Lock()
	b.left = true
	b.queue = nil
	watch := b.watch
	b.mu.Unlock()
	if watch != nil {
		watch.stop()
	}
}

func (b *buffer) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.wake()
}

func (b *buffer) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}
