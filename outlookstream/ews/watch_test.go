package ews_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// site is two servers of one grouping.
var site = fake.Options{BackEnds: []fake.BackEnd{
	{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
	{Name: "ve1pr03mb0002.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
}}

func TestManyMailboxesShareOneStream(t *testing.T) {
	const n = 25
	inWorld(t, n, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		started := watcher.after(time.Second)
		if len(started) != n || resyncs(started, outlookstream.ErrStarted) != n {
			t.Fatalf("%v", started)
		}
		if streams := w.server.Exchange().Streams(); streams != 1 {
			t.Errorf("%d streams", streams)
		}
		home := ""
		for _, s := range w.server.Exchange().Subscriptions() {
			if home != "" && s.BackEnd != home {
				t.Fatalf("subscriptions on %s and on %s", home, s.BackEnd)
			}
			home = s.BackEnd
		}
		for i := range n {
			id := w.change(i, "Created")
			events := about(watcher.take(), id)
			if len(events) == 0 || events[0].Kind != outlookstream.Created || events[0].Resource != room(i) || events[0].Version != "" {
				t.Fatalf("%v", events)
			}
			native := events[0].Native.(*ews.Event)
			if native.Type != ews.CreatedEvent || native.Mailbox != room(i) || native.TimeStamp.IsZero() || native.IsFolder() {
				t.Errorf("%+v", native)
			}
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestAStreamThatWasClosedIsOpenedAgainAtOnce(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(3)
		watcher.after(29*time.Minute - time.Second)
		subscribed := len(w.requests("Subscribe"))
		again := watcher.after(2 * time.Second)
		if resyncs(again, outlookstream.ErrReconnected) != 3 || len(again) != 3 {
			t.Errorf("%v", again)
		}
		if now := len(w.requests("Subscribe")); now != subscribed {
			t.Errorf("%d subscriptions were made anew", now-subscribed)
		}
	})
}

// A refreshed token must not cost the cookie that says where the group's
// subscriptions are (stackoverflow.com/q/62434351): its first answer is one
// client with one jar for all calls of a group, its second that the jar has to
// outlive whatever carries the token.
func TestAffinitySurvivesATokenRefresh(t *testing.T) {
	const n = 10
	inWorld(t, n, site, func(t *testing.T, w *world) {
		issued := 0
		w.provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			issued++
			return auth.Token{Value: w.server.Token(""), ExpiresOn: time.Now().Add(20 * time.Minute)}, nil
		}))
		watcher := w.watchRooms(n)
		watcher.after(time.Minute)
		w.holdByCookies()
		before := w.server.Exchange().Subscriptions()
		events := watcher.after(3 * time.Hour)
		if issued < 4 {
			t.Fatalf("%d tokens in three hours", issued)
		}
		if resyncs(events, outlookstream.ErrResubscribed) > 0 || resyncs(events, outlookstream.ErrReconnected) != len(events) {
			t.Errorf("%v", events)
		}
		after := w.server.Exchange().Subscriptions()
		if len(after) != n || !slices.EqualFunc(before, after, func(a, b fake.Subscription) bool { return a.ID == b.ID && a.BackEnd == b.BackEnd }) {
			t.Errorf("%d subscriptions, not those from before", len(after))
		}
		id := w.change(n-1, "Updated")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing comes any more")
		}
	})
}

// The same where the token is refused in the middle of it all.
func TestAffinitySurvivesARefusedToken(t *testing.T) {
	inWorld(t, 5, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(5)
		watcher.after(time.Minute)
		w.holdByCookies()
		w.server.SignIn().ExpireTokens()
		events := watcher.after(30 * time.Minute)
		if resyncs(events, outlookstream.ErrReconnected) != 5 || len(events) != 5 {
			t.Errorf("%v", events)
		}
	})
}

func TestAMailboxThatFailsForGoodEndsAloneAndOnce(t *testing.T) {
	for _, code := range []string{"ErrorInvalidLicense", "ErrorImpersonateUserDenied", "ErrorNonExistentMailbox"} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, 5, site, func(t *testing.T, w *world) {
				w.server.Exchange().SetMailboxFailure(room(0), code) // the first, whose address would be the anchor
				watcher := w.watchRooms(5)
				events := watcher.after(2 * time.Hour)
				var ended []outlookstream.Event
				for _, e := range events {
					if e.Kind == outlookstream.Ended {
						ended = append(ended, e)
					}
				}
				failure, ok := errors.AsType[*ews.Error](ended[0].Reason)
				if len(ended) != 1 || ended[0].Resource != room(0) || !ok || failure.Code != code {
					t.Fatalf("%v", ended)
				}
				if resyncs(events, outlookstream.ErrStarted) != 4 {
					t.Errorf("%v", events)
				}
				id := w.change(4, "Created")
				if len(about(watcher.take(), id)) == 0 {
					t.Error("the others do not go on")
				}
			})
		})
	}
}

func TestTheLastMailboxThatFailsEndsTheWatch(t *testing.T) {
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		w.server.Exchange().SetMailboxFailure(room(0), "ErrorNonExistentMailbox")
		watcher := w.watchRooms(1)
		if err := watcher.end(); !errors.Is(err, outlookstream.ErrMailboxUnavailable) {
			t.Errorf("%v", err)
		}
		if events := watcher.take(); len(events) != 0 {
			t.Errorf("%v", events)
		}
	})
}

func TestASubscriptionThatIsGoneIsMadeAgainAndTheOthersStay(t *testing.T) {
	const n = 5
	inWorld(t, n, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		watcher.after(28 * time.Minute)
		all := w.server.Exchange().Subscriptions()
		made := len(w.requests("Subscribe"))
		w.server.Exchange().ExpireSubscriptions(all[2].ID)
		w.change(2, "Created")
		events := watcher.after(10 * time.Minute)
		if resyncs(events, outlookstream.ErrResubscribed) != 1 {
			t.Errorf("%v", events)
		}
		for _, e := range events {
			if errors.Is(e.Reason, outlookstream.ErrResubscribed) && e.Resource != all[2].Mailbox {
				t.Errorf("%v", e)
			}
		}
		if now := len(w.requests("Subscribe")); now != made+1 {
			t.Errorf("%d subscriptions were made", now-made)
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestMailboxesComeAndGo(t *testing.T) {
	inWorld(t, 6, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(3)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(time.Minute)
		for _, m := range calendars(6)[3:] { // one by one
			if err := set.Add(m); err != nil {
				t.Fatal(err)
			}
		}
		listens := len(w.requests("GetStreamingEvents"))
		events := watcher.after(10 * time.Second)
		if resyncs(events, outlookstream.ErrStarted) != 3 || resyncs(events, outlookstream.ErrReconnected) != 3 {
			t.Errorf("%v", events)
		}
		if now := len(w.requests("GetStreamingEvents")); now > listens+2 {
			t.Errorf("the stream was opened %d times for three mailboxes", now-listens)
		}
		set.Remove(room(0), "ROOM001@contoso.test")
		watcher.after(10 * time.Second)
		if n := len(w.server.Exchange().Subscriptions()); n != 4 {
			t.Errorf("%d subscriptions are left", n)
		}
		w.change(0, "Created")
		id := w.change(5, "Created")
		events = watcher.take()
		if len(about(events, id)) == 0 {
			t.Error("nothing of one that stayed")
		}
		for _, e := range events {
			if e.Resource == room(0) {
				t.Errorf("%v", e)
			}
		}
		for i := range 6 {
			set.Remove(room(i))
		}
		watcher.after(10 * time.Second)
		if streams := w.server.Exchange().Streams(); streams != 0 {
			t.Errorf("%d streams for nobody", streams)
		}
		if err := set.Add(calendars(1)...); err != nil {
			t.Fatal(err)
		}
		if events := watcher.after(10 * time.Second); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
	})
}

func TestLeavingTheLoopGivesEverythingBack(t *testing.T) {
	inWorld(t, 30, site, func(t *testing.T, w *world) {
		for range w.client().Watch(t.Context(), calendars(30)...) {
			break
		}
		if n := len(w.server.Exchange().Subscriptions()); n != 0 {
			t.Errorf("%d subscriptions count on", n)
		}
		<-time.After(2 * time.Minute)
		if n := w.endpoint.Conns(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestTheEndOfTheContextHasItsCause(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		watcher.after(time.Minute)
		watcher.cancel(errEnough)
		if err := watcher.end(); err != errEnough {
			t.Errorf("%v", err)
		}
	})
}

func TestEachMailboxIsLeftAloneForAsLongAsTheServiceAsks(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		for _, shape := range []fake.BusyShape{fake.BusyFault, fake.BusyMessage} {
			if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(1), Shape: shape, BackOff: 90 * time.Second}); err != nil {
				t.Fatal(err)
			}
			watcher := w.watchRooms(3)
			events := watcher.after(80 * time.Second)
			if resyncs(events, outlookstream.ErrStarted) != 2 {
				t.Errorf("%v: %v", shape, events)
			}
			events = watcher.after(11 * time.Second)
			if resyncs(events, outlookstream.ErrStarted) != 1 {
				t.Errorf("%v: %v", shape, events)
			}
			watcher.cancel(errEnough)
			_ = watcher.end()
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
	})
}

func TestAnOlderServerIsWatchedInItsOwnVersion(t *testing.T) {
	o := site
	o.Version = fake.Version2010
	inWorld(t, 2, o, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
	})
}

// An application's token is good for nothing without impersonation: that is to
// be said, and not to be tried again and again.
func TestAnApplicationThatImpersonatesNobodyIsTold(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		w.opts.Impersonate = false
		watcher := w.watchRooms(2)
		failure, ok := errors.AsType[*ews.Error](watcher.end())
		if !ok || failure.Code != "ErrorImpersonationRequired" || !errors.Is(failure, outlookstream.ErrForbidden) {
			t.Errorf("%v", failure)
		}
	})
}
