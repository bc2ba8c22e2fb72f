package ews_test

import (
	"context"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

func TestMailboxesThatCannotShareAStreamAreToldApartWithoutAutodiscover(t *testing.T) {
	sites := fake.Options{BackEnds: []fake.BackEnd{
		{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
		{Name: "am0pr01mb0001.eurprd01.prod.fake.test", Grouping: "AM0PR01"},
	}}
	const n = 4
	inWorld(t, n, sites, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		events := watcher.after(10 * time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != n {
			t.Errorf("%v", events)
		}
		// One for those that are where the anchor is, and one for each of the others.
		if streams := w.server.Exchange().Streams(); streams != 3 {
			t.Errorf("%d streams", streams)
		}
		for i := range n {
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("nothing of %s", room(i))
			}
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestTheGroupingThatAProgramKnowsIsEnough(t *testing.T) {
	sites := fake.Options{BackEnds: []fake.BackEnd{
		{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
		{Name: "am0pr01mb0001.eurprd01.prod.fake.test", Grouping: "AM0PR01"},
	}}
	const n = 6
	inWorld(t, n, sites, func(t *testing.T, w *world) {
		mailboxes := calendars(n)
		for i := range mailboxes {
			mailboxes[i].Grouping = sites.BackEnds[i%2].Grouping // they are on them in turn
		}
		client := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return client.Watch(ctx, mailboxes...) })
		events := watcher.after(10 * time.Minute)
		if streams := w.server.Exchange().Streams(); streams != 2 || len(events) != n || len(w.requests("Subscribe")) != n {
			t.Errorf("%d streams, %d requests to subscribe: %v", streams, len(w.requests("Subscribe")), events)
		}
	})
}

func TestAGroupThatChangesOftenGoesOnStreaming(t *testing.T) {
	inWorld(t, 30, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(1)...)
		if err != nil {
			t.Fatal(err)
		}
		client := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return client.WatchSet(ctx, set) })
		for _, m := range calendars(30)[1:] {
			watcher.after(30 * time.Second) // before the first heartbeat
			if err := set.Add(m); err != nil {
				t.Fatal(err)
			}
		}
		watcher.after(10 * time.Second)
		if streams := w.server.Exchange().Streams(); streams != 1 {
			t.Errorf("%d streams", streams)
		}
	})
}

func TestAMailboxOnItsWayIsWaitedForWithoutAutodiscover(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(3)
		watcher.after(time.Minute)
		if err := w.server.Exchange().MoveMailbox(room(1), site.BackEnds[0].Name, time.Hour); err != nil {
			t.Fatal(err)
		}
		watcher.after(2 * time.Hour)
		id := w.change(1, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it comes any more")
		}
		if streams := w.server.Exchange().Streams(); streams != 1 {
			t.Errorf("%d streams", streams)
		}
	})
}

// discovering has the world's client ask the fake where mailboxes are.
func (w *world) discovering() {
	w.opts.Discover = true
	w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
}

func TestAMailboxThatIsRefusedWhereItIsFoundGetsAGroupOfItsOwn(t *testing.T) {
	const n = 4
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.discovering()
		w.arm(fakeserver.Fault{On: fake.OnSubscribe, Do: fake.DoErrorMessage, Code: "ErrorProxyRequestNotAllowed", User: room(2), Times: 2})
		watcher := w.watchRooms(n)
		events := watcher.after(time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != n {
			t.Errorf("%v", events)
		}
		if streams, asked := w.server.Exchange().Streams(), w.discoveries(); streams != 2 || asked != 3 {
			t.Errorf("%d streams, %d requests of Autodiscover", streams, asked)
		}
		watcher.after(2 * time.Hour)
		id := w.change(2, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it")
		}
	})
}

func TestAMailboxThatIsRefusedEverywhereIsTriedLessAndLessOften(t *testing.T) {
	const n = 3
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.discovering()
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: fake.DoErrorMessage, Code: "ErrorProxyRequestNotAllowed", User: room(2)})
		watcher := w.watchRooms(n)
		watcher.after(10 * time.Minute)
		before := len(w.requests("Subscribe"))
		watcher.after(time.Hour)
		if tried := len(w.requests("Subscribe")) - before; tried < 60 || tried > 180 {
			t.Errorf("it was tried %d times in an hour", tried)
		}
		w.server.Disarm()
		watcher.after(2 * time.Minute)
		id := w.change(2, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it")
		}
	})
}

func TestAMailboxThatIsFoundElsewhereAtLastJoinsTheOthersThere(t *testing.T) {
	sites := fake.Options{BackEnds: []fake.BackEnd{
		{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
		{Name: "am0pr01mb0001.eurprd01.prod.fake.test", Grouping: "AM0PR01"},
	}}
	inWorld(t, 4, sites, func(t *testing.T, w *world) {
		w.discovering()
		w.arm(fakeserver.Fault{On: fake.OnSubscribe, Do: fake.DoErrorMessage, Code: "ErrorProxyRequestNotAllowed", User: room(0), Times: 2})
		watcher := w.watchRooms(4)
		watcher.after(time.Minute)
		if streams := w.server.Exchange().Streams(); streams != 3 {
			t.Fatalf("%d streams", streams)
		}
		if err := w.server.Exchange().MoveMailbox(room(0), sites.BackEnds[1].Name, time.Minute); err != nil {
			t.Fatal(err)
		}
		watcher.after(2 * time.Hour)
		if streams := w.server.Exchange().Streams(); streams != 2 {
			t.Errorf("%d streams", streams)
		}
		id := w.change(0, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it")
		}
	})
}
