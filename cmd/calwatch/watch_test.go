package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestEveryReasonOfTheServiceIsPrinted(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.watch(t, "-o", "json")
	c.stdout.wait(t, `"reason":"started"`)
	f.change(t, fakeserver.Change{ChangeType: "Missed"})
	c.stdout.wait(t, `"reason":"missed"`)
	f.arm(t, fakeserver.Fault{On: "stream", Do: "skipSequence"})
	f.change(t, fakeserver.Change{ChangeType: "Created"})
	c.stdout.wait(t, `"reason":"sequence"`)
	f.arm(t, fakeserver.Fault{On: "stream", Do: "hugeElement"})
	f.change(t, fakeserver.Change{ChangeType: "Updated"})
	c.stdout.wait(t, `"reason":"too-large"`)
	f.arm(t, fakeserver.Fault{On: "stream", Do: "cut"})
	c.stdout.wait(t, `"reason":"reconnected"`)
	f.change(t, fakeserver.Change{ChangeType: "SubscriptionRemoved"})
	c.stdout.wait(t, `"reason":"removed"`)
	f.ExpireSubscriptions()
	c.stdout.wait(t, `"reason":"resubscribed"`)
	c.stop()
	c.end(t, exitDone)
	for line := range strings.Lines(c.stdout.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a JSON line: %q", line)
		}
	}
	f.noSecrets(t, c)
}

func TestCountCountsChangesOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.watch(t, "--count", "2", "-o", "text")
	c.stdout.wait(t, "resync", "started")
	f.change(t, fakeserver.Change{ChangeType: "Missed"})
	c.stdout.wait(t, "resync", "missed")
	f.change(t, fakeserver.Change{ChangeType: "Created", Count: 2})
	c.end(t, exitDone)
	if n := strings.Count(c.stdout.String(), "\n"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, c.stdout)
	}
}

func TestForEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.watch(t, "--for", "300ms").end(t, exitDone)
}

func TestManyResourcesAndTheFlagsThatShapeThem(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.watch(t, "--changes", "created, Deleted", "--select", "Subject,Start", "--filter", "Subject eq 'x'", "-o", "json", "me/messages", "me/events")
	c.stdout.wait(t, "started", "me/messages")
	c.stdout.wait(t, "started", "me/events")
	var told []string
	for _, s := range f.Subscriptions() {
		told = append(told, s.Resource, s.ChangeType)
	}
	for _, part := range []string{"/me/messages?", "/me/events?", "filter=Subject%20eq%20%27x%27", "select=Subject", "Created", "Deleted"} {
		if !strings.Contains(strings.Join(told, " "), part) {
			t.Errorf("%q was not asked for: %q", part, told)
		}
	}
	if strings.Contains(strings.Join(told, " "), "Updated") {
		t.Errorf("updates were asked for: %q", told)
	}
}

func TestUserIsWhoMeStandsFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token("room1@contoso.test"))
	c := f.call(t, nil, "--token-file", file, "--user", "room1@contoso.test")
	c.stdout.wait(t, "started")
	if got := f.Subscriptions()[0].Mailbox; got != "room1@contoso.test" {
		t.Errorf("the mailbox of %s is watched", got)
	}
}

func TestExitStatusTellsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  fakeserver.Fault
		status int
		says   string
	}{
		{"permission", fakeserver.Fault{Status: 403, Code: "ErrorAccessDenied", Message: "Access is denied."}, exitPermission, "ErrorAccessDenied"},
		{"retired", fakeserver.Fault{Status: 410}, exitFailure, "Microsoft has switched the Outlook REST beta API off"},
		{"mailbox", fakeserver.Fault{Status: 404, Code: "MailboxNotEnabledForRESTAPI"}, exitFailure, "MailboxNotEnabledForRESTAPI"},
		{"bad request", fakeserver.Fault{Status: 400}, exitFailure, "400"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, nil)
			test.fault.On, test.fault.Do, test.fault.Times = "subscribe", "status", -1
			f.arm(t, test.fault)
			c := f.watch(t)
			c.end(t, test.status)
			c.stderr.wait(t, "calwatch: ", test.says)
			if c.stdout.String() != "" {
				t.Errorf("standard output has %q", c.stdout)
			}
			f.noSecrets(t, c)
		})
	}
}

func TestAnUnknownCertificateEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token("me"))
	c := call(t, nil, "watch", "--endpoint", f.endpoint.API(), "--token-file", file)
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "certificate", "--ca-file")
}

func TestMicrosoftsEndpointIsSaidToBeSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"https://outlook.office.com/api/beta", "https://Outlook.Office365.com/api/beta"} {
		if !isMicrosoft(endpoint) {
			t.Errorf("%s passes for somebody else's", endpoint)
		}
	}
	if isMicrosoft("https://outlook.office.com.example.test/api/beta") {
		t.Error("somebody else's passes for Microsoft's")
	}
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "token")
	// Ended before it can ask: nothing leaves this machine.
	c := call(t, nil, "watch", "--token-file", file, "--for", "1ns")
	c.end(t, exitDone)
	c.stderr.wait(t, "switched off", "410", "--endpoint")
}

func TestAReaderThatHasReadEnoughEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token("me"))
	for _, test := range []struct {
		err    error
		status int
	}{{syscall.EPIPE, exitDone}, {errors.New("disk full"), exitFailure}} {
		stderr := newLines()
		status := run(t.Context(), []string{"watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--token-file", file},
			nil, brokenWriter{test.err}, stderr)
		if status != test.status {
			t.Errorf("%v: exit status %d, want %d; stderr:\n%s", test.err, status, test.status, stderr)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: w.err}
}

func TestAReaderThatDoesNotReadKeepsNothingFromEnding(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() // which ends the write that is stuck
	defer w.Close()
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token("me"))
	c := &called{stderr: newLines(), done: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	stuck := make(chan struct{})
	go func() {
		defer close(c.done)
		c.status = run(ctx, []string{"watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--token-file", file, "-o", "json",
			"--log-level", "debug"}, nil, &stuckWriter{w, stuck}, c.stderr)
	}()
	<-stuck
	c.stop()
	c.end(t, exitDone)
}

// stuckWriter writes more than a pipe has room for.
type stuckWriter struct {
	pipe  *os.File
	stuck chan struct{}
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	close(w.stuck)
	if _, err := w.pipe.Write(make([]byte, 1<<22)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func TestDebugLogHasWhatSupportAsksFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.watch(t, "--log-level", "debug", "--log-format", "json")
	c.stdout.wait(t, "started")
	line := c.stderr.wait(t, `"msg":"answered"`, `"op":"listen"`, `"request-id":`, `"client-request-id":`, `"X-FEServer":`)
	if decode(t, line)["level"] != "DEBUG" {
		t.Errorf("the level is wrong: %s", line)
	}
	f.change(t, fakeserver.Change{ChangeType: "Created"})
	c.stderr.wait(t, `"msg":"live"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)
}
