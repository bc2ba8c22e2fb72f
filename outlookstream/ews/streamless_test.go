package ews_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

const (
	// seldom is the PullInterval of tests that wait for hours.
	seldom = 25 * time.Minute
	// patient is a little more.
	patient = seldom + time.Second
)

// traced keeps what Trace.Pulling was told.
func (w *world) traced() *[]ews.TracePulling {
	var pulling []ews.TracePulling
	w.opts.Trace = &ews.Trace{Pulling: func(p ews.TracePulling) { pulling = append(pulling, p) }}
	return &pulling
}

// delivers changes each of n rooms, and checks that all of it is told within a
// time and that nothing was lost.
func (w *watcher) delivers(n int, within time.Duration) {
	w.w.t.Helper()
	ids := make([]string, n)
	for i := range n {
		ids[i] = w.w.change(i, "Created")
	}
	events := w.after(within)
	for i, id := range ids {
		if len(about(events, id)) == 0 {
			w.w.t.Errorf("nothing of %s", room(i))
		}
	}
	if lost := w.lost(n); len(lost) > 0 {
		w.w.t.Errorf("lost silently: %v", lost)
	}
}

func TestAServerFromBeforeStreamsIsAsked(t *testing.T) {
	const n = 3
	for name, tt := range map[string]struct {
		is     fake.ServerVersion
		chosen string
		says   string
	}{
		"Exchange 2010":                     {fake.Version2010RTM, "", "the server speaks Exchange2010 at most"},
		"Exchange 2007":                     {fake.Version2007, "", "the server speaks"},
		"a later one, by an old version":    {fake.VersionSE, "Exchange2007_SP1", "Options.Version is Exchange2007_SP1"},
		"Exchange 2010, by its own version": {fake.Version2010RTM, "Exchange2010", "Options.Version is Exchange2010"},
	} {
		t.Run(name, func(t *testing.T) {
			o := site
			o.Version = tt.is
			inWorld(t, n, o, func(t *testing.T, w *world) {
				w.opts.Version, w.opts.PullInterval = tt.chosen, seldom
				pulling := w.traced()
				watcher := w.watchRooms(n)
				events := watcher.after(2 * time.Minute)
				if len(events) != n || resyncs(events, ews.ErrPulling) != n || resyncs(events, outlookstream.ErrStarted) != n {
					t.Fatalf("%v", events)
				}
				if p := *pulling; len(p) != 1 || !errors.Is(p[0].Err, ews.ErrVersion) || !strings.Contains(p[0].Err.Error(), tt.says) {
					t.Errorf("%v", p)
				}
				if tt.chosen != "" && strings.Contains(fmt.Sprint(w.requests("Subscribe")), "StreamingSubscriptionRequest") {
					t.Error("a stream was tried")
				}
				watcher.delivers(n, patient)
				// It is looked whether it is still so, and nobody needs to hear of it.
				if events := watcher.after(13 * time.Hour); len(events) != 0 || len(*pulling) != 1 {
					t.Errorf("%v, %v", events, *pulling)
				}
				watcher.delivers(n, patient)
			})
		})
	}
}

func TestAnOldServerThatIsUpgradedIsListenedTo(t *testing.T) {
	const n = 3
	for name, to := range map[string]fake.ServerVersion{"to the first with streams": {Major: 14, Minor: 1, Name: "Exchange2010_SP1", Schema: "Exchange2010_SP1"}, "to the latest": fake.VersionSE} {
		t.Run(name, func(t *testing.T) {
			o := site
			o.Version = fake.Version2007
			inWorld(t, n, o, func(t *testing.T, w *world) {
				w.opts.PullInterval = seldom
				watcher := w.watchRooms(n)
				watcher.after(time.Hour)
				w.server.Exchange().SetVersion(to)
				events := watcher.after(5*time.Hour + 20*time.Minute)
				if len(events) != n || resyncs(events, outlookstream.ErrReconnected) != n {
					t.Errorf("%v", events)
				}
				if w.server.Exchange().Streams() != 1 {
					t.Error("there is no stream")
				}
				for _, s := range w.server.Exchange().Subscriptions() {
					if s.Kind != "streaming" || !s.Listening {
						t.Errorf("%+v is left over", s)
					}
				}
				watcher.delivers(n, 0)
			})
		})
	}
}

func TestAServerThatKnowsNoStreamsIsAsked(t *testing.T) {
	const n = 3
	for _, code := range []string{"ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidSubscriptionRequest", "Client", "400", "501"} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, n, site, func(t *testing.T, w *world) {
				w.opts.PullInterval = seldom
				w.server.Exchange().SetStreamless(code)
				pulling := w.traced()
				watcher := w.watchRooms(n)
				events := watcher.after(time.Minute)
				if len(events) != n || resyncs(events, ews.ErrPulling) != n || resyncs(events, outlookstream.ErrStarted) != n {
					t.Fatalf("%v", events)
				}
				if failure, said := errors.AsType[*ews.Error]((*pulling)[0].Err); !said || failure.Op != "Subscribe" {
					t.Errorf("%v", (*pulling)[0].Err)
				}
				if made := len(w.server.Exchange().Subscriptions()); made != n {
					t.Errorf("%d subscriptions", made)
				}
				watcher.delivers(n, patient)
				if events := watcher.after(13 * time.Hour); len(events) != 0 {
					t.Errorf("%v", events)
				}
				w.server.Exchange().SetStreamless("")
				if events := watcher.after(6 * time.Hour); resyncs(events, outlookstream.ErrReconnected) < n || resyncs(events, ews.ErrPulling) != 0 {
					t.Errorf("%v", events)
				}
				watcher.delivers(n, 0)
			})
		})
	}
}

// A subscription may be had, and nobody listens to it.
func TestAServerThatDoesNotKnowHowToStreamIsAsked(t *testing.T) {
	for name, fault := range map[string]fakeserver.Fault{
		"a fault":    {On: fake.OnListen, Do: fake.DoSoapFault, Code: "ErrorInvalidRequest"},
		"a message":  {On: fake.OnListen, Do: fake.DoErrorMessage, Code: "ErrorSchemaValidation"},
		"its status": {On: fake.OnListen, Do: "status", Status: 501},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, site, func(t *testing.T, w *world) {
				w.armForGood(fault)
				pulling := w.traced()
				watcher := w.watchRooms(2)
				events := watcher.after(time.Minute)
				if resyncs(events, ews.ErrPulling) != 2 || len(ended(events)) != 0 || len(*pulling) != 1 {
					t.Fatalf("%v, %v", events, *pulling)
				}
				watcher.delivers(2, patient)
			})
		})
	}
}

// The request to pull is the same but for its name: it fails, too.
func TestAMistakeOfAllRequestsEndsTheWatchAndSaysWhy(t *testing.T) {
	for _, do := range []string{fake.DoSoapFault, fake.DoErrorMessage} {
		for _, n := range []int{1, 5} {
			inWorld(t, n, site, func(t *testing.T, w *world) {
				w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: do, Code: "ErrorSchemaValidation"})
				watcher := w.watchRooms(n)
				if failure, said := errors.AsType[*ews.Error](watcher.end()); !said || failure.Code != "ErrorSchemaValidation" {
					t.Errorf("%v", failure)
				}
				if asked := len(w.requests("Subscribe")); asked > 3*n {
					t.Errorf("%d requests", asked)
				}
				if events := watcher.take(); resyncs(events, ews.ErrPulling) != 0 || len(ended(events)) != n-1 {
					t.Errorf("%v", events)
				}
			})
		}
	}
}

func TestAllFoldersOfExchange2007CannotBeWatchedBeforeItIsUpgraded(t *testing.T) {
	o := site
	o.Version = fake.Version2007
	for _, others := range []int{0, 1} {
		inWorld(t, 2, o, func(t *testing.T, w *world) {
			set, err := ews.NewSet(calendars(others)...)
			if err != nil {
				t.Fatal(err)
			}
			add := func() {
				if err := set.Add(ews.Mailbox{Address: room(1)}); err != nil {
					t.Fatal(err)
				}
			}
			add()
			c := w.client()
			watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
			events := watcher.after(2 * time.Minute)
			gone := ended(events)
			if len(gone) != 1 || gone[0].Resource != room(1) || !errors.Is(gone[0].Reason, ews.ErrVersion) || !strings.Contains(gone[0].Reason.Error(), "name folders") {
				t.Fatalf("%v", events)
			}
			watcher.delivers(others, patient)
			set.Remove(room(1))
			watcher.after(2 * time.Second)
			w.server.Exchange().SetVersion(fake.VersionSE)
			add()
			if events := watcher.after(time.Minute); len(ended(events)) != 0 || resyncs(events, outlookstream.ErrStarted) != 1 {
				t.Errorf("%v", events)
			}
		})
	}
}

func TestAMailboxThatIsNotUnderstoodBesideAStreamIsAskedAbout(t *testing.T) {
	const n = 3
	inWorld(t, n+1, site, func(t *testing.T, w *world) {
		w.opts.PullInterval = seldom
		set, watcher := w.watchSet(n)
		watcher.after(time.Minute)
		w.server.Exchange().SetStreamless("ErrorSchemaValidation") // and goes on with the streams there are
		w.addRooms(set, n, n+1)
		events := watcher.after(5 * time.Minute)
		if len(events) != 1 || resyncs(events, ews.ErrPulling) != 1 || events[0].Resource != room(n) {
			t.Errorf("%v", events)
		}
		watcher.delivers(n+1, patient)
	})
}

func TestAMailboxWhoseRequestIsAMistakeEndsBesideAStream(t *testing.T) {
	const n = 3
	inWorld(t, n+1, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(n)
		watcher.after(time.Minute)
		w.server.Exchange().SetMailboxFailure(room(n), "ErrorInvalidSubscriptionRequest")
		w.addRooms(set, n, n+1)
		events := watcher.after(5 * time.Minute)
		if len(events) != 1 || events[0].Kind != outlookstream.Ended || !strings.Contains(events[0].Reason.Error(), "ErrorInvalidSubscriptionRequest") {
			t.Errorf("%v", events)
		}
		watcher.delivers(n, 0)
	})
}

func TestARefusalOfTheTokenSaysNothingOfStreams(t *testing.T) {
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "ewsListen", Do: "status", Status: 400, Headers: map[string]string{"x-ms-diagnostics": `2000002;reason="The token has expired.";error_category="invalid_lifetime"`}})
		watcher := w.watchRooms(1)
		if events := watcher.after(time.Minute); resyncs(events, ews.ErrPulling) != 0 {
			t.Errorf("%v", events)
		}
		if err := watcher.end(); !strings.Contains(fmt.Sprint(err), "400 Bad Request") {
			t.Errorf("%v", err)
		}
	})
}
