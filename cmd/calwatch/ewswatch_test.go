package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

const (
	alex = "alex@contoso.test"
	room = "room1@contoso.test"
)

// exchange runs "calwatch watch --api ews" against the fake.
func (f *fake) exchange(t *testing.T, environ []string, args ...string) *called {
	t.Helper()
	return call(t, environ, f.exchangeArgs(args...)...)
}

func (f *fake) exchangeArgs(args ...string) []string {
	return append([]string{"watch", "--api", "ews", "--ews-url", f.endpoint.EWS(), "--ca-file", f.caFile}, args...)
}

// tokenFile is a file with a token of a user; "" is the application.
func (f *fake) tokenFile(t *testing.T, user string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token(user))
	return file
}

func TestMailboxesOfExchangeAreWatched(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.exchange(t, nil, "--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox", alex, "--mailbox", room, "-o", "json")
	c.stdout.wait(t, `"reason":"started"`, alex)
	c.stdout.wait(t, `"reason":"started"`, room)
	made := f.change(t, fakeserver.Change{User: room, ChangeType: "Created"})
	line := decode(t, c.stdout.wait(t, `"type":"created"`, made.ID))
	if line["resource"] != room || line["subscription"] == "" {
		t.Errorf("the line is %v", line)
	}
	if data, _ := line["data"].(map[string]any); data["event"] != "CreatedEvent" || data["parent"] == "" || data["timestamp"] == "" || data["folder"] != nil {
		t.Errorf("its data is %v", data)
	}
	f.change(t, fakeserver.Change{User: room, ChangeType: "Deleted", ID: made.ID})
	c.stdout.wait(t, `"type":"deleted"`, made.ID, room)
	c.stop()
	c.end(t, exitDone)
	for line := range strings.Lines(c.stdout.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a JSON line: %q", line)
		}
	}
	if n := len(f.Exchange().Subscriptions()); n > 0 {
		t.Errorf("%d subscriptions were left behind", n)
	}
	f.noSecrets(t, c)
}

// An organization may let in only who goes by certain names.
func TestTheServiceIsToldTheNameThatItLetsIn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.Exchange().SetAccess(exchange.Access{AllowAgents: []string{"contoso-rooms*"}})
	args := []string{"--token-file", f.tokenFile(t, room), "-o", "text", "--count", "1"}
	c := f.exchange(t, nil, args...)
	c.end(t, exitPermission)
	c.stderr.wait(t, "EWS is blocked by policy")
	c = f.exchange(t, nil, append(args, "--user-agent", "contoso-rooms/1.4")...)
	c.stdout.wait(t, "resync", "started")
	f.change(t, fakeserver.Change{User: room, ChangeType: "Created"})
	c.end(t, exitDone)
}

func TestYourOwnMailboxOfExchangeNeedsNoName(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.exchange(t, nil, "--token-file", f.tokenFile(t, room), "--folders", "inbox", "-o", "text", "--count", "1")
	c.stdout.wait(t, "resync", "me ", "started")
	f.change(t, fakeserver.Change{User: room, ChangeType: "Created"}) // in the calendar
	f.change(t, fakeserver.Change{User: room, Resource: "me/mailfolders('inbox')/messages", ChangeType: "Created"})
	c.end(t, exitDone)
	if lines := strings.Count(c.stdout.String(), "\n"); lines != 2 {
		t.Errorf("%d lines, want 2:\n%s", lines, c.stdout)
	}
	for _, s := range f.Exchange().Subscriptions() {
		t.Errorf("a subscription to %q of %s is left", s.Folders, s.Mailbox)
	}
}

func TestAMailboxThatCannotBeWatchedIsToldOfAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.Exchange().SetMailboxFailure(room, "ErrorInvalidLicense")
	c := f.exchange(t, nil, "--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox", alex+","+room, "--count", "1")
	line := decode(t, c.stdout.wait(t, `"type":"ended"`))
	if text, _ := line["error"].(string); line["resource"] != room || line["reason"] != "unavailable" || !strings.Contains(text, "ErrorInvalidLicense") {
		t.Errorf("the line is %v", line)
	}
	c.stdout.wait(t, `"reason":"started"`, alex)
	f.change(t, fakeserver.Change{User: alex, ChangeType: "Created"})
	c.end(t, exitDone) // what has ended is no change
}

func TestTheLastMailboxOfExchangeTakesTheWatchAlong(t *testing.T) {
	t.Parallel()
	for code, end := range map[string]struct {
		status int
		advice string // in the words of the tool
	}{
		"ErrorImpersonateUserDenied":                  {exitPermission, "no right to act as that mailbox (docs/ews.md"},
		"ErrorSubscriptionDelegateAccessNotSupported": {exitPermission, "act as it with --impersonate"},
		"ErrorInvalidLicense":                         {exitFailure, ""},
	} {
		t.Run(code, func(t *testing.T) {
			f := newFake(t, nil)
			f.Exchange().SetMailboxFailure(room, code)
			c := f.exchange(t, nil, "--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox", room)
			c.end(t, end.status)
			c.stderr.wait(t, "calwatch: ews: Subscribe for "+room, code, end.advice)
			f.noSecrets(t, c)
		})
	}
}

// heard runs the program with a file of mailboxes; the function asks it to read
// that again.
func (f *fake) heard(t *testing.T, args ...string) (c *called, hangUp func()) {
	t.Helper()
	signals := make(chan os.Signal, 1)
	c = begin(t, func(ctx context.Context, c *called) int {
		program := &tool{
			stdout: c.stdout, stderr: c.stderr, isTerminal: func(any) bool { return false },
			hangups: func() (<-chan os.Signal, func()) { return signals, func() {} },
		}
		return program.run(ctx, f.exchangeArgs(args...))
	})
	return c, func() { signals <- os.Interrupt } // which it is, does not count
}

func TestAFileOfMailboxesIsFollowed(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	rooms := filepath.Join(t.TempDir(), "rooms")
	writeFile(t, rooms, "# one\n"+alex+"\n")
	c, hangUp := f.heard(t, "--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox-file", rooms)
	c.stdout.wait(t, `"reason":"started"`, alex)

	writeFile(t, rooms, room+"\n"+strings.ToUpper(alex)+" # loud\n")
	hangUp()
	c.stdout.wait(t, `"reason":"started"`, room)
	c.stderr.wait(t, "the mailboxes were read again", "now=2", "added=1", "removed=0")

	writeFile(t, rooms, "nobody\n")
	hangUp()
	c.stderr.wait(t, "level=ERROR", "the mailboxes are the same as before", "line 1")
	made := f.change(t, fakeserver.Change{User: room, ChangeType: "Created"})
	c.stdout.wait(t, made.ID)

	writeFile(t, rooms, alex+"\n")
	hangUp()
	c.stderr.wait(t, "the mailboxes were read again", "now=1", "added=0", "removed=1")
	f.subscribed(t, alex)
	f.until(t, func() bool { return strings.Count(c.stdout.String(), `"reason":"reconnected"`) == 2 }, "the stream was not opened again twice")
	f.change(t, fakeserver.Change{User: room, ChangeType: "Created", ID: "not-for-us"})
	f.change(t, fakeserver.Change{User: alex, ChangeType: "Created", ID: "for-us"})
	c.stdout.wait(t, `"id":"for-us"`)
	c.stop()
	c.end(t, exitDone)
	if strings.Contains(c.stdout.String(), "not-for-us") {
		t.Error("a mailbox that was taken out of the file is watched on")
	}
	if n := strings.Count(c.stdout.String(), `"reason":"started"`); n != 2 {
		t.Errorf("%d began, want 2: who is spelled in another way is the same\n%s", n, c.stdout)
	}
}

// subscribed waits until there are subscriptions to these mailboxes, and to no
// others.
func (f *fake) subscribed(t *testing.T, mailboxes ...string) {
	t.Helper()
	f.until(t, func() bool {
		var have []string
		for _, s := range f.Exchange().Subscriptions() {
			have = append(have, s.Mailbox)
		}
		slices.Sort(have)
		return slices.Equal(have, mailboxes)
	}, "there are not exactly subscriptions to %q", mailboxes)
}

func TestTheLastMailboxOfAFileLeavesTheWatchRunning(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.Exchange().SetMailboxFailure(room, "ErrorInvalidLicense")
	rooms := filepath.Join(t.TempDir(), "rooms")
	writeFile(t, rooms, room)
	c, hangUp := f.heard(t, "--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox-file", rooms)
	c.stdout.wait(t, `"type":"ended"`, room)
	writeFile(t, rooms, alex)
	hangUp()
	c.stdout.wait(t, `"reason":"started"`, alex)
}

func TestLoginForExchangeAsksForItsPermission(t *testing.T) {
	t.Parallel()
	f := newFake(t, &fakeserver.Options{AutoApprove: true})
	environ := append(home(t), "CALWATCH_API=ews")
	login := call(t, environ, append([]string{"login", "--device-code"}, f.application()...)...)
	login.end(t, exitDone)
	accounts := call(t, environ, "accounts", "-o", "json")
	accounts.end(t, exitDone)
	accounts.stdout.wait(t, "EWS.AccessAsUser.All")
	c := f.exchange(t, environ, "--count", "1")
	c.stdout.wait(t, `"reason":"started"`)
	f.change(t, fakeserver.Change{ChangeType: "Created"})
	c.end(t, exitDone)
	f.SignIn().Revoke(alex)
	c = f.exchange(t, environ)
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: ", "run: calwatch login --account "+alex+" --api ews")
	f.noSecrets(t, c)
}
