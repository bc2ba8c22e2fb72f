package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// newTerminal returns a console for standard output and standard error on one
// terminal that is 40 columns wide.
func newTerminal(t *testing.T) (*console, *lines) {
	t.Helper()
	screen := newLines()
	c := newConsole(t.Context(), screen, screen, isTerminal)
	c.shared, c.statusLine, c.width = true, true, func() int { return 40 }
	t.Cleanup(c.close)
	return c, screen
}

func TestStatusLineMakesRoomForEverythingElse(t *testing.T) {
	c, screen := newTerminal(t)
	c.setStatus("connecting")
	if err := c.event([]byte("event\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "log\n"); err != nil {
		t.Fatal(err)
	}
	c.setStatus("live \x1b[2J" + strings.Repeat("x", 100))
	c.close()
	const erase = "\r\x1b[K"
	want := "connecting" + erase + "event\nconnecting" + erase + "log\nconnecting" + erase +
		"live [2J" + strings.Repeat("x", 30) + "…" + erase
	if got := screen.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNoStatusLineWithoutATerminal(t *testing.T) {
	stdout, stderr := newLines(), newLines()
	c := newConsole(t.Context(), stdout, stderr, isTerminal)
	c.setStatus("connecting")
	if err := c.event([]byte("event\n")); err != nil {
		t.Fatal(err)
	}
	c.close()
	if stdout.String() != "event\n" || stderr.String() != "" {
		t.Errorf("standard output %q, standard error %q", stdout, stderr)
	}
	if err := c.event([]byte("late\n")); err == nil {
		t.Error("an event was printed after the end")
	}
}

func TestConsoleWritesAfterTheSignalToo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := newLines(), newLines()
	c := newConsole(ctx, stdout, stderr, isTerminal)
	defer c.close()
	cancel()
	for range 100 {
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(stderr.String()); got != 100 {
		t.Errorf("%d of 100 writes came through", got)
	}
}

func TestStatusIsNotLiveBeforeTheServiceHasSentSomething(t *testing.T) {
	c, screen := newTerminal(t)
	c.width = func() int { return 200 }
	s := newStatus(&session{console: c, log: slog.New(slog.DiscardHandler)}, "https://mail.example.test/api/beta")
	trace := s.trace()
	trace.Connected(outlookstream.TraceConnected{})
	if got := screen.String(); strings.Contains(got, "live") || !strings.Contains(got, "waiting for a sign of life") {
		t.Errorf("connected: %q", got)
	}
	trace.Live(outlookstream.TraceLive{})
	if got := screen.String(); !strings.Contains(got, "live since ") {
		t.Errorf("live: %q", got)
	}
	for _, step := range []struct {
		happens func()
		says    string
	}{
		{func() { trace.Disconnected(outlookstream.TraceDisconnected{Err: io.EOF}) }, "connecting to mail.example.test again"},
		{func() { trace.Waiting(outlookstream.TraceWaiting{Err: io.EOF}) }, "reconnecting because the service ended the connection"},
		{
			func() { trace.Waiting(outlookstream.TraceWaiting{Err: outlookstream.ErrIdle, Delay: 3 * time.Second}) },
			"reconnecting in 3s because the connection was silent for too long",
		},
		{
			func() {
				trace.Waiting(outlookstream.TraceWaiting{Err: errors.New("outlookstream: listen: x"), Delay: 1234 * time.Millisecond})
			},
			"reconnecting in 1.2s because of: listen: x",
		},
	} {
		step.happens()
		if got := screen.String(); !strings.HasSuffix(got, step.says) {
			t.Errorf("the status ends with %q, want %q", got[max(0, len(got)-80):], step.says)
		}
	}
}

func TestTheStatusOfExchangeCountsConnections(t *testing.T) {
	c, screen := newTerminal(t)
	c.width = func() int { return 200 }
	s := newEWSStatus(&session{console: c, log: slog.New(slog.DiscardHandler)}, &ews.Options{URL: "https://mail.example.test/EWS/Exchange.asmx"})
	trace := s.trace()
	for _, step := range []struct {
		happens func()
		says    string
	}{
		{func() { trace.Connected(ews.TraceConnected{}) }, "connected to mail.example.test, waiting for a sign of life"},
		{func() { trace.Live(ews.TraceLive{}) }, " (mail.example.test)"},
		{func() { trace.Connected(ews.TraceConnected{}); trace.Live(ews.TraceLive{}) }, " (mail.example.test, 2 connections)"},
		{func() { trace.Disconnected(ews.TraceDisconnected{Err: io.EOF}) }, " (mail.example.test, 2 connections)"},
		{func() { trace.Disconnected(ews.TraceDisconnected{Err: io.EOF}) }, "connecting to mail.example.test again"},
		{func() { trace.Waiting(ews.TraceWaiting{Err: errors.New("ews: x"), Delay: time.Second}) }, "reconnecting in 1s because of: x"},
		{func() { trace.Pulling(ews.TracePulling{Err: outlookstream.ErrIdle}) }, "as streaming does not work: the connection was silent for too long"},
		{func() { trace.Pulling(ews.TracePulling{Err: errors.New("it is too old")}) }, "as streaming does not work: it is too old"},
		{func() {
			trace.NotFound(ews.TraceNotFound{Mailbox: "a@contoso.test", Err: errors.New("ews: x"), Delay: 1234 * time.Millisecond})
		}, "looking for a@contoso.test again in 1.2s because of: x"},
	} {
		step.happens()
		if got := screen.String(); !strings.HasSuffix(got, step.says) {
			t.Errorf("the status ends with %q, want %q", got[max(0, len(got)-80):], step.says)
		}
	}
	if s := newEWSStatus(s.session, &ews.Options{URL: ews.OnlineURL, Discover: true}); strings.Contains(s.host, "office365") {
		t.Errorf("where the mailboxes are is not known yet, and it says %s", s.host)
	}
}

func TestLogsAreAsAskedFor(t *testing.T) {
	for _, test := range []struct {
		name     string
		flags    logFlags
		terminal bool
		info     bool
		looks    string
	}{
		{"default", logFlags{}, false, true, "level=WARN msg=x"},
		{"terminal", logFlags{}, true, false, "WRN x"},
		{"json", logFlags{format: "json"}, false, true, `"level":"WARN","msg":"x"`},
		{"json on a terminal", logFlags{format: "json", level: "debug"}, true, true, `"level":"WARN","msg":"x"`},
		{"level", logFlags{level: "error"}, false, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := newLines()
			log, err := test.flags.logger(out, test.terminal, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := log.Enabled(t.Context(), slog.LevelInfo); got != test.info {
				t.Errorf("info is logged: %v, want %v", got, test.info)
			}
			log.Warn("x")
			if got := out.String(); !strings.Contains(got, test.looks) || strings.Contains(got, "\x1b") || test.looks == "" && got != "" {
				t.Errorf("it looks like %q", got)
			}
		})
	}
}
