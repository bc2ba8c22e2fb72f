//go:build exchangelib

package exchangelib

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// plot is what happens in a mailbox, one after the other.
func plot(mailbox string) []fakeserver.Change {
	mail, events := "me/messages", "me/events"
	id := func(n int) string { return fmt.Sprintf("AAMkitem%d", n) + strings.SplitN(mailbox, "@", 2)[0] + "=" }
	all := []fakeserver.Change{
		{Resource: mail, ChangeType: "NewMail", ID: id(1)},
		{Resource: events, ChangeType: "Created", ID: id(2)},
		{Resource: mail, ChangeType: "Updated", ID: id(1), Data: []byte(`{"IsRead":true}`)},
		{Resource: events, ChangeType: "Updated", ID: id(2)},
		{Resource: mail, ChangeType: "NewMail", ID: id(3), Data: []byte(`{"Subject":"<&> \"größer\""}`)},
		{Resource: mail, ChangeType: "SoftDeleted", ID: id(3)},
		{Resource: mail, ChangeType: "Copied", ID: id(1), To: "me/mailfolders('drafts')/messages"},
		{Resource: mail, ChangeType: "Moved", ID: id(1), To: "me/mailfolders('deleteditems')/messages"},
		{Resource: mail, ChangeType: "NewMail", Count: 70}, // more than one notification holds
		{Resource: events, ChangeType: "FreeBusyChanged", ID: id(2)},
		{Resource: events, ChangeType: "Deleted", ID: id(2)},
	}
	for i := range all {
		all[i].User = mailbox
	}
	return all
}

// streams has a group of mailboxes listened to on one connection after the other, while things happen.
func streams(w *world) {
	anchor := members[0]
	owner := make(map[string]*seen) // of a subscription
	var ids []string
	var plots [][]fakeserver.Change
	for _, m := range members {
		if m != anchor && w.do(order{Do: "join", Mailbox: m, Anchor: anchor}, nil).Cookie == "" {
			w.Errorf("%s cannot join the group: its first subscription has brought no cookie", m)
		}
		id := w.do(order{Do: "subscribe", Mailbox: m, Folders: watched, Kind: "streaming"}, nil).Subscription
		ids, plots, owner[id] = append(ids, id), append(plots, plot(m)), w.from(m)
		w.change(fakeserver.Change{User: m, Resource: "me/messages", ChangeType: "NewMail"}) // before anybody listens
	}
	w.onOneBackEnd()
	next := func() bool { // one thing more happens somewhere
		for i, p := range plots {
			if len(p) > 0 {
				w.change(p[0])
				plots = append(append(plots[:i:i], plots[i+1:]...), p[1:])
				return true
			}
		}
		return false
	}
	lost := func() (n int) {
		for _, s := range owner {
			n += len(w.lost(s))
		}
		return n
	}
	rounds := 0
	for next() || lost() > 0 {
		if rounds++; rounds > 10 {
			w.Fatalf("after 10 connections, %d changes were not told of, the first: %+v", lost(), w.lost(owner[ids[0]]))
		}
		left := 15 // to happen during this connection
		w.do(order{Do: "stream", Mailbox: anchor, Folders: watched, Subscriptions: ids}, func(l line) {
			s := owner[l.Event.Subscription]
			if s == nil {
				w.Fatalf("an event of no subscription: %+v", l.Event)
			}
			w.saw(s, l.Event)
			if left--; left > 0 {
				next()
			}
		})
	}
	if rounds < 2 {
		w.Error("one connection was enough: nothing is shown of what happens between them")
	}
	for _, id := range ids {
		w.do(order{Do: "unsubscribe", Mailbox: anchor, Folders: watched, Subscription: id}, nil)
	}
	if left := w.s.Exchange().Subscriptions(); len(left) != 0 {
		w.Errorf("subscriptions are left: %+v", left)
	}
	w.affinity()
}

// allForms has it read a stream in the forms that servers and proxies give it.
func allForms(w *world) {
	m := members[0]
	id := w.do(order{Do: "subscribe", Mailbox: m, Folders: watched, Kind: "streaming"}, nil).Subscription
	s := w.from(m)
	for _, form := range []string{"xmlDeclaration", "soapPrefix", "otherHeartbeat", "combined", "coalesce", "byteByByte", "pretty", "bom"} {
		if err := w.s.Arm(fakeserver.Fault{On: "ewsStream", Do: form}); err != nil {
			w.Fatal(err)
		}
		w.change(fakeserver.Change{User: m, Resource: "me/messages", ChangeType: "NewMail"})
		more := 1
		w.do(order{Do: "stream", Mailbox: m, Folders: watched, Subscriptions: []string{id}}, func(l line) {
			w.saw(s, l.Event)
			if more--; more >= 0 {
				w.change(fakeserver.Change{User: m, Resource: "me/events", ChangeType: "Created", Count: 3})
			}
		})
		if lost := w.lost(s); len(lost) > 0 {
			w.Errorf("%s: not told of: %+v", form, lost)
		}
	}
	w.do(order{Do: "unsubscribe", Mailbox: m, Folders: watched, Subscription: id}, nil)
}

// onOneBackEnd checks that a group is in one place, though its mailboxes are not.
func (w *world) onOneBackEnd() {
	all := w.s.Exchange().Subscriptions()
	if len(all) != len(members) {
		w.Fatalf("%d subscriptions, want one of each of %d", len(all), len(members))
	}
	homes := make(map[string]bool)
	for _, sub := range all {
		homes[w.s.Exchange().Home(sub.Mailbox)] = true
		if sub.BackEnd != all[0].BackEnd {
			w.Errorf("subscriptions on %s and %s", all[0].BackEnd, sub.BackEnd)
		}
	}
	if len(homes) < 2 {
		w.Errorf("all mailboxes are at home on %v: nothing is shown of affinity", homes)
	}
}

// affinity checks that the client has said where its requests belong. Without that the fake would not be judged in it.
func (w *world) affinity() {
	first, n := true, 0
	for _, r := range w.s.Requests() {
		if !strings.Contains(r.Body, "GetStreamingEvents") && !strings.Contains(r.Body, "StreamingSubscriptionRequest") {
			continue
		}
		n++
		if r.Header.Get("X-AnchorMailbox") == "" || r.Header.Get("X-PreferServerAffinity") != "True" || !first && r.Header.Get("X-BackEndOverrideCookie") == "" {
			w.Errorf("a request without affinity: %v", r.Header)
		}
		first = false
	}
	if n <= len(members) {
		w.Errorf("%d requests were logged", n)
	}
}

func pulls(w *world) {
	m := members[0]
	d := w.do(order{Do: "subscribe", Mailbox: m, Folders: watched, Kind: "pull"}, nil)
	id, watermark, s := d.Subscription, d.Watermark, w.from(m)
	for _, c := range plot(m) {
		c.ID += "2"
		if c.Count > 0 {
			c.ID = ""
		}
		w.change(c)
	}
	pages := 0
	for more := true; more; pages++ {
		d = w.do(order{Do: "pull", Mailbox: m, Folders: watched, Subscription: id, Watermark: watermark}, func(l line) { w.saw(s, l.Event) })
		if more = d.More; d.Watermark == watermark {
			w.Fatalf("page %d: the watermark has not moved", pages)
		}
		watermark = d.Watermark
	}
	if lost := w.lost(s); len(lost) > 0 || pages < 2 {
		w.Errorf("after %d pages, %d changes were not told of, the first: %+v", pages, len(lost), lost)
	}
	// Nothing more: a StatusEvent.
	types := ""
	w.do(order{Do: "pull", Mailbox: m, Folders: watched, Subscription: id, Watermark: watermark}, func(l line) { types += l.Event.Type })
	if types != "StatusEvent" {
		w.Errorf("nothing has happened, and it is told of %q", types)
	}
	w.fails(order{Do: "pull", Mailbox: m, Folders: watched, Subscription: id, Watermark: "AAAA"}, "ErrorInvalidWatermark")
	w.do(order{Do: "unsubscribe", Mailbox: m, Folders: watched, Subscription: id}, nil)
}

func unsubscribes(w *world) {
	m := members[1]
	for _, kind := range []string{"pull", "streaming"} {
		d := w.do(order{Do: "subscribe", Mailbox: m, Folders: watched, Kind: kind}, nil)
		gone := order{Do: "unsubscribe", Mailbox: m, Folders: watched, Subscription: d.Subscription}
		w.do(gone, nil)
		w.fails(gone, "ErrorSubscriptionNotFound")
		if kind == "pull" {
			w.fails(order{Do: "pull", Mailbox: m, Folders: watched, Subscription: d.Subscription, Watermark: d.Watermark}, "ErrorSubscriptionNotFound")
		} else {
			w.fails(order{Do: "stream", Mailbox: m, Folders: watched, Subscriptions: []string{d.Subscription}}, "ErrorInvalidSubscription")
		}
	}
}

// isPushed has pushes read by exchangelib, and answered as it says.
func isPushed(w *world) {
	m := members[2]
	bodies := make(chan string)
	answers := make(chan string)
	listener := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.Error(err)
		}
		bodies <- string(body)
		rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
		io.WriteString(rw, <-answers)
	}))
	defer listener.Close()
	s := w.from(m)
	w.do(order{Do: "subscribe", Mailbox: m, Folders: watched, Kind: "push", URL: listener.URL}, nil)
	read := func(ok bool) (types string) {
		body := <-bodies
		d := w.do(order{Do: "notified", Body: body, OK: ok}, func(l line) {
			types += l.Event.Type + " "
			w.saw(s, l.Event)
		})
		answers <- d.Answer
		return types
	}
	if types := read(true); types != "StatusEvent " {
		w.Errorf("the probe has %q", types)
	}
	for i, last := 0, 2; i <= last; i++ {
		w.change(fakeserver.Change{User: m, Resource: "me/messages", ChangeType: "NewMail"})
		if types := read(i < last); types != "CreatedEvent NewMailEvent ModifiedEvent " {
			w.Errorf("new mail is %q", types)
		}
	}
	if lost := w.lost(s); len(lost) > 0 {
		w.Errorf("not told of: %+v", lost)
	}
}
