//go:build exchangelib

package exchangelib

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// service signs in, and acts as the members.
const service = "service@contoso.test"

var members = []string{"adele@contoso.test", "ben@contoso.test", "cleo@contoso.test"}

// watched are the folders that all is about.
var watched = []string{"inbox", "calendar"}

// A world is the fake service and the client that judges it.
type world struct {
	*testing.T
	s       *fakeserver.Server
	url     string
	client  *script
	events  int // that the client has told of
	changes int // that its syncs have
}

func newWorld(t *testing.T) *world {
	accounts := []signin.Account{{User: service, Name: "Service"}}
	for _, m := range members {
		accounts = append(accounts, signin.Account{User: m})
	}
	s := fakeserver.New(&fakeserver.Options{Accounts: accounts, Exchange: &exchange.Options{
		// The mailboxes are on them in turn: what is on one connection is at home on both.
		BackEnds:      []exchange.BackEnd{{Name: "ve1pr03mb0001.fake.test", Grouping: "VE1PR03"}, {Name: "ve1pr03mb0002.fake.test", Grouping: "VE1PR03"}},
		MaxConnection: time.Second, // no client may ask for less than a minute
		Heartbeat:     250 * time.Millisecond,
	}})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	e, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &world{T: t, s: s, url: e.EWS(), client: startScript(t, e.CAPEM())}
}

// in runs a part of the test on the same world.
func (w *world) in(name string, part func(*world)) {
	w.Run(name, func(t *testing.T) {
		sub := *w
		sub.T = t
		part(&sub)
		w.events, w.changes = sub.events, sub.changes
	})
}

func (w *world) do(o order, each func(line)) done {
	w.Helper()
	d, err := w.client.do(o, each)
	if err != nil {
		w.Fatalf("%s: %v", o.Do, err)
	}
	return d
}

// fails expects exchangelib to raise something.
func (w *world) fails(o order, want string) {
	w.Helper()
	_, err := w.client.do(o, func(line) {})
	if raised, ok := errors.AsType[errScript](err); !ok || !strings.HasPrefix(raised.said, want) {
		w.Errorf("%s: %v, want %s", o.Do, err, want)
	}
}

func (w *world) change(c fakeserver.Change) {
	w.Helper()
	if _, err := w.s.Change(c); err != nil {
		w.Fatal(err)
	}
}

// seen is what a program has seen of one mailbox.
type seen struct {
	mailbox string
	all     []fakeserver.Seen
}

// from begins now: what has happened before need not be told.
func (w *world) from(mailbox string) *seen {
	return &seen{mailbox, []fakeserver.Seen{{Resource: mailbox, Resync: true, LedgerSeq: w.s.LedgerSeq()}}}
}

func (w *world) saw(s *seen, e *event) {
	if e.Type == "StatusEvent" {
		return
	}
	w.events++
	if e.Parent == "" || (e.Item == "") == (e.Folder == "") {
		w.Errorf("an event that is not about an item or a folder in another: %+v", e)
	}
	if e.Item != "" {
		s.all = append(s.all, fakeserver.Seen{Resource: s.mailbox, ChangeType: e.Type, ID: e.Item, Version: e.Key, LedgerSeq: w.s.LedgerSeq()})
	}
}

func (w *world) lost(s *seen) []fakeserver.Entry {
	return w.s.LostSilentlyExchange(s.mailbox, watched, s.all)
}

func TestExchangelibJudgesTheFakeService(t *testing.T) {
	w := newWorld(t)
	w.in("who it is", signsIn)
	for _, m := range members {
		if d := w.do(order{Do: "open_account", Mailbox: m, URL: w.url, User: service, Password: fakeserver.DefaultPassword, Impersonate: true}, nil); d.Folder == "" {
			t.Errorf("%s has no root", m)
		}
	}
	w.in("streaming", streams)
	w.in("every form of a stream", allForms)
	w.in("pull", pulls)
	w.in("unsubscribe", unsubscribes)
	w.in("push", isPushed)
	w.in("sync", syncs)
	if t.Failed() {
		return
	}
	if w.events == 0 || w.changes == 0 {
		t.Fatalf("NOTHING IS PROVED HERE: %d events, %d changes", w.events, w.changes)
	}
	t.Logf("exchangelib: %d ledger entries, told of by %d events and %d changes of syncs; lost silently: 0", w.s.LedgerSeq(), w.events, w.changes)
}

func signsIn(w *world) {
	w.fails(order{Do: "open_account", Mailbox: "nobody@contoso.test", URL: w.url, User: service, Password: "wrong", Impersonate: true}, "UnauthorizedError")
	w.fails(order{Do: "open_account", Mailbox: "nobody@contoso.test", URL: w.url, User: service, Password: fakeserver.DefaultPassword, Impersonate: true}, "ErrorNonExistentMailbox")
}

func folder(name string) exchange.Folder { return exchange.Folder{Name: name, Class: "IPF.Note"} }
