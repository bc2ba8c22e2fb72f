package outlookstream

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// from yields events, then err unless that is nil.
func from(err error, events ...Event) Events {
	return func(yield func(Event, error) bool) {
		for _, event := range events {
			if !yield(event, nil) {
				return
			}
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

func change(resource, id string) Event {
	return Event{Kind: Updated, Resource: resource, ID: id, Version: "v"}
}

// names describes what comes out of in, one string a pair.
func names(in Events) (out []string) {
	for event, err := range in {
		switch {
		case err != nil:
			out = append(out, "error "+err.Error())
		case event.Kind == Resync && errors.Is(event.Reason, ErrOverflow):
			out = append(out, event.Resource+" overflow")
		default:
			out = append(out, event.Resource+" "+event.ID)
		}
	}
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBufferPassesEverythingOnInOrder(t *testing.T) {
	got := names(Buffer(8, from(errors.New("end"), change("a", "1"), change("b", "1"), change("a", "2"))))
	expect(t, got, "a 1", "b 1", "a 2", "error end")
}

func TestBufferTurnsAnOverflowIntoOneResyncPerResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, more := make(chan struct{}), make(chan struct{})
		in := func(yield func(Event, error) bool) {
			yield(change("a", "1"), nil)
			<-busy
			for _, event := range []Event{
				change("a", "2"), change("b", "1"),
				change("a", "lost"), change("b", "lost"), change("a", "lost, too"),
			} {
				yield(event, nil)
			}
			<-more
			yield(change("a", "after"), nil)
		}
		var got []string
		for event, err := range Buffer(2, in) {
			if got == nil { // the slow body: meanwhile, everything that can come comes
				close(busy)
				synctest.Wait()
			}
			got = append(got, names(from(err, event))...)
			if len(got) == 4 {
				close(more)
			}
		}
		expect(t, got, "a 1", "a 2", "b 1", "a overflow", "b overflow", "a after")
	})
}

func TestBufferNeverDropsTheEndOfAResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := make(chan struct{})
		in := func(yield func(Event, error) bool) {
			yield(change("a", "1"), nil)
			<-busy
			for _, event := range []Event{change("a", "2"), change("a", "lost"), {Kind: Ended, Resource: "a", ID: "end"}, {Kind: Ended, Resource: "b", ID: "end"}} {
				yield(event, nil)
			}
		}
		var got []string
		for event, err := range Buffer(1, in) {
			if got == nil {
				close(busy)
				synctest.Wait()
			}
			got = append(got, names(from(err, event))...)
		}
		expect(t, got, "a 1", "a 2", "a overflow", "a end", "b end")
	})
}

func TestBufferAnnouncesAnOverflowAgainAfterItWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := make(chan struct{})
		in := func(yield func(Event, error) bool) {
			for range 2 {
				yield(change("a", "1"), nil)
				<-busy
				for _, id := range []string{"2", "lost", "lost, too"} {
					yield(change("a", id), nil)
				}
				<-busy
			}
		}
		var got []string
		for event, err := range Buffer(1, in) {
			if event.ID == "1" || event.Kind == Resync {
				busy <- struct{}{}
				synctest.Wait()
			}
			got = append(got, names(from(err, event))...)
		}
		expect(t, got, "a 1", "a 2", "a overflow", "a 1", "a 2", "a overflow")
	})
}

func TestBufferDoesNotTakeAnotherResyncForItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := make(chan struct{})
		in := func(yield func(Event, error) bool) {
			yield(Event{Kind: Resync, Resource: "a", Reason: ErrStarted}, nil)
			<-busy
			yield(Event{Kind: Resync, Resource: "a", ID: "missed", Reason: ErrMissed}, nil)
			yield(change("a", "lost"), nil)
			<-busy
			yield(change("a", "lost, too"), nil)
		}
		var got []string
		for event, err := range Buffer(1, in) {
			if event.Reason == ErrStarted || event.Reason == ErrMissed {
				busy <- struct{}{}
				synctest.Wait()
			}
			got = append(got, names(from(err, event))...)
		}
		expect(t, got, "a ", "a missed", "a overflow")
	})
}

func TestBufferHasRoomForTheErrorAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		for event, err := range Buffer(1, from(errors.New("end"), change("a", "1"), change("a", "2"), change("a", "3"))) {
			synctest.Wait()
			if err != nil && event != (Event{}) {
				t.Errorf("%v came with %v", event, err)
			}
			got = append(got, names(from(err, event))...)
		}
		if last := got[len(got)-1]; last != "error end" {
			t.Errorf("%q", got)
		}
	})
}

func TestBufferEndsAReaderThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range Buffer(2, func(yield func(Event, error) bool) {
			for yield(change("a", "1"), nil) {
				time.Sleep(time.Second) // synctest: virtual
			}
		}) {
			break
		}
	})
}

func TestBufferEndsAWatchThatWaitsWhenTheLoopIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := func(yield func(Event, error) bool) {
			yield(Stoppable(cancel)(change("a", "1")), nil)
			<-ctx.Done() // as a watch waits for the next notification
		}
		for range Dedup(9, Buffer(9, Dedup(9, in))) {
			break
		}
		if ctx.Err() == nil {
			t.Error("the watch goes on")
		}
	})
}

func TestBufferSurvivesAPanicOfTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		for range Buffer(1, from(nil, change("a", "1"), change("a", "2"))) {
			panic("body")
		}
	})
}

func TestDedupDropsRepeatsOnly(t *testing.T) {
	unversioned := Event{Kind: Updated, Resource: "a", ID: "1"}
	resync := Event{Kind: Resync, Resource: "a", Version: "v"}
	created := Event{Kind: Created, Resource: "a", ID: "1", Version: "v"}
	other := change("a", "1")
	other.Version = "w"
	deleted := change("a", "1")
	deleted.Kind = Deleted
	for name, tt := range map[string]struct {
		n    int
		in   []Event
		want int
	}{
		"a repeat":                         {9, []Event{change("a", "1"), change("a", "1")}, 1},
		"another version":                  {9, []Event{change("a", "1"), other}, 2},
		"another kind":                     {9, []Event{change("a", "1"), deleted}, 2},
		"left a filter and came back":      {9, []Event{created, deleted, created}, 3},
		"another resource":                 {9, []Event{change("a", "1"), change("b", "1")}, 2},
		"without a version nothing is one": {9, []Event{unversioned, unversioned}, 2},
		"a Resync is none":                 {9, []Event{resync, resync}, 2},
		"among the last n":                 {2, []Event{change("a", "1"), change("a", "2"), change("a", "1")}, 2},
		"not among the last n":             {2, []Event{change("a", "1"), change("a", "2"), change("a", "3"), change("a", "1")}, 4},
		"the ring goes round":              {1, []Event{change("a", "1"), change("a", "2"), change("a", "1"), change("a", "1")}, 3},
		"no memory":                        {0, []Event{change("a", "1"), change("a", "1")}, 2},
	} {
		if got := names(Dedup(tt.n, from(nil, tt.in...))); len(got) != tt.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	expect(t, names(Dedup(9, from(errors.New("end"), change("a", "1")))), "a 1", "error end")
}

func TestEventAndKindNames(t *testing.T) {
	for event, want := range map[Event]string{
		{Kind: Created, Resource: "me/events", ID: "x"}:             "created me/events x",
		{Kind: Resync, Resource: "me/events", Reason: ErrStarted}:   "resync me/events: the watch started",
		{Kind: Deleted, Received: time.Time{}, Resource: "r"}:       "deleted r ",
		{Kind: Moved, Resource: "r", ID: "i"}:                       "moved r i",
		{Kind: Ended, Resource: "r", Reason: ErrMailboxUnavailable}: "ended r: the mailbox is not available over this API",
		{Kind: Kind(9), Resource: "r"}:                              "Kind(9) r ",
		{Kind: Updated, Resource: "r", ID: "i", Version: "ignored"}: "updated r i",
	} {
		if got := event.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if text, err := Resync.MarshalText(); string(text) != "resync" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
