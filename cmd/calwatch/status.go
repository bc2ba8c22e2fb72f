package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A status tells how the connection is: in the status line, and in the log. It
// says "live" only when the service has sent something.
type status struct {
	session *session
	host    string
}

func newStatus(s *session, endpoint string) *status {
	host := endpoint
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		host = u.Host
	}
	return &status{session: s, host: host}
}

func (s *status) show(format string, args ...any) {
	s.session.console.setStatus(fmt.Sprintf(format, args...))
}

// trace returns the functions by which the library reports, except what it logs
// by itself.
func (s *status) trace() *outlookstream.Trace {
	log := s.session.log
	debug := func(what string, d outlookstream.Diagnostics, attributes ...any) {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug(what, append(attributes, diagnostics(d)...)...)
		}
	}
	return &outlookstream.Trace{
		Answered: func(a outlookstream.TraceAnswered) {
			debug("answered", a.Diagnostics, "op", a.Op, "resource", a.Resource, "status", a.Status, "duration", a.Duration, "err", a.Err)
		},
		Connected: func(c outlookstream.TraceConnected) {
			s.show("connected to %s, waiting for a sign of life", s.host)
			debug("accepted", c.Diagnostics, "protocol", c.Protocol, "subscriptions", c.Subscriptions)
		},
		Live: func(l outlookstream.TraceLive) {
			s.show("live since %s (%s)", time.Now().Format(time.TimeOnly), s.host)
			log.Info("live", "host", s.host, "after", l.After)
		},
		Ignored: func(i outlookstream.TraceIgnored) {
			debug("ignored", i.Diagnostics, "type", i.Notification.ODataType, "change", i.Notification.ChangeType)
		},
		Disconnected: func(d outlookstream.TraceDisconnected) {
			s.show("connecting to %s again", s.host)
			debug("disconnected", d.Diagnostics, "duration", d.Duration, "elements", d.Elements, "err", d.Err)
		},
		Waiting: func(w outlookstream.TraceWaiting) { s.waiting(w.Err, w.Delay) },
	}
}

// waiting shows how long it will be until the next connection.
func (s *status) waiting(err error, delay time.Duration) {
	if delay < 100*time.Millisecond {
		s.show("reconnecting because %s", why(err))
	} else {
		s.show("reconnecting in %v because %s", delay.Round(100*time.Millisecond), why(err))
	}
}

// why says in the middle of a sentence why a connection ended.
func why(err error) string {
	switch {
	case err == io.EOF:
		return "the service ended the connection"
	case errors.Is(err, outlookstream.ErrIdle):
		return outlookstream.ErrIdle.Error()
	default:
		return "of: " + strings.TrimPrefix(strings.TrimPrefix(err.Error(), "outlookstream: "), "ews: ")
	}
}

// diagnostics returns what Microsoft's support asks for, by its names there.
func diagnostics(d outlookstream.Diagnostics) []any {
	var attributes []any
	for _, a := range []struct{ name, value string }{
		{"request-id", d.RequestID},
		{"client-request-id", d.ClientRequestID},
		{"X-FEServer", d.FEServer},
		{"X-BEServer", d.BEServer},
		{"X-BackEndHttpStatus", d.BEStatus},
		{"X-DiagInfo", d.DiagInfo},
		{"x-ms-diagnostics", d.Auth.Reason},
	} {
		if a.value != "" {
			attributes = append(attributes, a.name, a.value)
		}
	}
	return attributes
}
