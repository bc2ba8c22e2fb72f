package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// ewsStatus is a status of Exchange Web Services, where mailboxes may need more
// than one connection.
type ewsStatus struct {
	*status
	open atomic.Int64 // connections
}

func newEWSStatus(s *session, options *ews.Options) *ewsStatus {
	st := &ewsStatus{status: newStatus(s, options.URL)}
	if options.Discover {
		st.host = "the servers of the mailboxes"
	}
	return st
}

// trace returns the functions by which the library reports, except what it logs
// by itself.
func (s *ewsStatus) trace() *ews.Trace {
	log := s.session.log
	debug := func(what string, d outlookstream.Diagnostics, attributes ...any) {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug(what, append(attributes, diagnostics(d)...)...)
		}
	}
	return &ews.Trace{
		Answered: func(a ews.TraceAnswered) {
			debug("answered", a.Diagnostics, "op", a.Op, "mailbox", a.Mailbox, "status", a.Status, "duration", a.Duration, "err", a.Err)
		},
		Connected: func(c ews.TraceConnected) {
			if s.open.Add(1) == 1 {
				s.show("connected to %s, waiting for a sign of life", s.host)
			}
			debug("accepted", c.Diagnostics, "protocol", c.Protocol, "subscriptions", len(c.Subscriptions))
		},
		Live: func(l ews.TraceLive) {
			s.show("live since %s (%s)", time.Now().Format(time.TimeOnly), s.where())
			log.Info("live", "host", s.host, "after", l.After)
		},
		Heartbeat: func(h ews.TraceHeartbeat) {
			debug("heartbeat", h.Diagnostics, "status", h.Status)
		},
		Disconnected: func(d ews.TraceDisconnected) {
			if s.open.Add(-1) == 0 {
				s.show("connecting to %s again", s.host)
			}
			debug("disconnected", d.Diagnostics, "duration", d.Duration, "envelopes", d.Envelopes, "err", d.Err)
		},
		Waiting: func(w ews.TraceWaiting) { s.waiting(w.Err, w.Delay) },
		Pulling: func(p ews.TracePulling) {
			s.show("asking %s again and again, as streaming does not work: %s", s.host, strings.TrimPrefix(why(p.Err), "of: "))
		},
		NotFound: func(n ews.TraceNotFound) {
			s.show("looking for %s again in %v because %s", n.Mailbox, n.Delay.Round(100*time.Millisecond), why(n.Err))
		},
	}
}

// where names the host, and how many connections there are to it, if that is
// not one.
func (s *ewsStatus) where() string {
	if n := s.open.Load(); n > 1 {
		return fmt.Sprintf("%s, %d connections", s.host, n)
	}
	return s.host
}
