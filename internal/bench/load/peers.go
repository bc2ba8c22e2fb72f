package load

import (
	"errors"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// peers knows of each stream when it last brought anything, when it was taken
// for dead, and when the one after it was live.
type peers struct {
	mu      sync.Mutex
	byID    map[string]*ended // of the request that opened the stream, while it is open
	waiting map[string]*ended // by subscription, while there is no stream
	ended   []*ended
}

// ended is the end of a stream and what followed.
type ended struct {
	subscription string
	Last         time.Time // byte
	Dead         time.Time
	Idle         bool // because of its silence
	Live         time.Time
}

func newPeers() *peers {
	return &peers{byID: make(map[string]*ended), waiting: make(map[string]*ended)}
}

// trace tells p.
func (p *peers) trace() *outlookstream.Trace {
	return &outlookstream.Trace{
		Connected: func(t outlookstream.TraceConnected) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.byID[t.ClientRequestID] = &ended{subscription: t.Subscriptions[0], Last: time.Now()}
		},
		Live: func(t outlookstream.TraceLive) {
			p.mu.Lock()
			defer p.mu.Unlock()
			now := p.byID[t.ClientRequestID]
			now.Last = time.Now()
			if before := p.waiting[now.subscription]; before != nil {
				before.Live = now.Last
				delete(p.waiting, now.subscription)
			}
		},
		KeepAlive: func(t outlookstream.TraceKeepAlive) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.byID[t.ClientRequestID].Last = time.Now()
		},
		Disconnected: func(t outlookstream.TraceDisconnected) {
			p.mu.Lock()
			defer p.mu.Unlock()
			e := p.byID[t.ClientRequestID]
			delete(p.byID, t.ClientRequestID)
			e.Dead, e.Idle = time.Now(), errors.Is(t.Err, outlookstream.ErrIdle)
			p.waiting[e.subscription] = e
			p.ended = append(p.ended, e)
		},
	}
}

func (p *peers) all() []ended {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]ended, len(p.ended))
	for i, e := range p.ended {
		all[i] = *e
	}
	return all
}
