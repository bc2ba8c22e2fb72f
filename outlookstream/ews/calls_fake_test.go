package ews_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

const (
	fakeUser  = "alex@contoso.test"
	fakeInbox = "me/mailfolders('inbox')/messages"
)

// onFake runs a test with the fake service, under virtual time.
func onFake(t *testing.T, push http.RoundTripper, test func(t *testing.T, server *fakeserver.Server, s *ews.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := fakeserver.New(&fakeserver.Options{Exchange: &exchange.Options{Push: push}})
		defer func() { _ = server.Close() }()
		endpoint, err := server.ListenMemory()
		if err != nil {
			t.Fatal(err)
		}
		who := auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{Value: server.Token(fakeUser)}, nil
		})
		c, err := ews.New(ews.Bearer(who), &ews.Options{URL: endpoint.EWS(), HTTPClient: endpoint.Client("h1")})
		if err != nil {
			t.Fatal(err)
		}
		test(t, server, c.Session(""))
	})
}

func changeOnFake(t *testing.T, server *fakeserver.Server, c fakeserver.Change) fakeserver.Entry {
	t.Helper()
	entries, err := server.Change(c)
	if err != nil {
		t.Fatal(err)
	}
	return entries[0]
}

// seenOf is an event as the ledger has to know it.
func seenOf(server *fakeserver.Server, e *ews.Event) fakeserver.Seen {
	return fakeserver.Seen{ChangeType: string(e.Type), ID: e.ItemID.ID, Version: e.ItemID.ChangeKey, LedgerSeq: server.LedgerSeq()}
}

func TestPullingBringsWhatHappened(t *testing.T) {
	onFake(t, nil, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
		sub, err := s.SubscribePull(t.Context(), ews.Mailbox{Folders: ews.Distinguished("inbox")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var last fakeserver.Entry
		for range 60 {
			last = changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"})
		}
		changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "Moved", ID: last.ID, To: "me/mailfolders('deleteditems')/messages"})
		var seen []fakeserver.Seen
		watermark, calls := "", 0
		for more := true; more; calls++ {
			result, err := s.GetEvents(t.Context(), sub, watermark)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range result.Events {
				seen = append(seen, seenOf(server, e))
			}
			watermark, more = result.Watermark, result.More
		}
		if lost := server.LostSilentlyExchange("me", []string{"inbox"}, seen); len(lost) > 0 || calls < 3 {
			t.Errorf("after %d calls %d changes are lost: %+v", calls, len(lost), lost)
		}
		if err := s.Unsubscribe(t.Context(), sub); err != nil {
			t.Error(err)
		}
		if _, err := s.GetEvents(t.Context(), sub, watermark); !errors.Is(err, outlookstream.ErrSubscriptionGone) {
			t.Error(err)
		}
		if _, err := s.SubscribePull(t.Context(), ews.Mailbox{}, &ews.PullOptions{Watermark: "nonsense"}); !errors.Is(err, ews.ErrInvalidState) {
			t.Error(err)
		}
	})
}

func TestAPullSubscriptionExpiresWhenNobodyAsks(t *testing.T) {
	onFake(t, nil, func(t *testing.T, _ *fakeserver.Server, s *ews.Session) {
		sub, err := s.SubscribePull(t.Context(), ews.Mailbox{}, &ews.PullOptions{Timeout: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := s.GetEvents(t.Context(), sub, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		if _, err := s.GetEvents(t.Context(), sub, ""); !errors.Is(err, outlookstream.ErrSubscriptionGone) {
			t.Error(err)
		}
	})
}

func TestSyncingBringsWhatIsThereAndWhatChanged(t *testing.T) {
	onFake(t, nil, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
		var ids []string
		for range 30 {
			ids = append(ids, changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"}).ID)
		}
		inbox := ews.Folder{Distinguished: "inbox"}
		var got []string
		state, pages := "", 0
		for page, err := range s.SyncAllItems(t.Context(), "", inbox, "", &ews.SyncOptions{MaxChanges: 7}) {
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, c := range page.Changes {
				if c.Kind != ews.CreateChange || c.Class != "Message" {
					t.Errorf("%+v", c)
				}
				got = append(got, c.ID.ID)
			}
			state = page.State
		}
		slices.Sort(ids)
		slices.Sort(got)
		if !slices.Equal(got, ids) || pages != 5 {
			t.Errorf("%d items in %d pages, not %d", len(got), pages, len(ids))
		}
		changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "Deleted", ID: ids[0]})
		changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "Updated", ID: ids[1]})
		page, err := s.SyncFolderItems(t.Context(), "", inbox, state, &ews.SyncOptions{BaseShape: ews.ShapeDefault})
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]ews.ChangeKind{}
		for _, c := range page.Changes {
			kinds[c.ID.ID] = c.Kind
		}
		if len(kinds) != 2 || kinds[ids[0]] != ews.DeleteChange || kinds[ids[1]] != ews.UpdateChange || !page.Last {
			t.Errorf("%+v", page)
		}
		if _, err := s.SyncFolderItems(t.Context(), "", inbox, "nonsense", nil); !errors.Is(err, ews.ErrInvalidState) {
			t.Error(err)
		}
	})
}

// Whoever has just changed an item itself need not hear of it.
func TestItemsToIgnoreAreNotToldOf(t *testing.T) {
	onFake(t, nil, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
		own := changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"}).ID
		other := changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"}).ID
		inbox := ews.Folder{Distinguished: "inbox"}
		page, err := s.SyncFolderItems(t.Context(), "", inbox, "", &ews.SyncOptions{Ignore: []ews.ID{{ID: own}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Changes) != 1 || page.Changes[0].ID.ID != other {
			t.Errorf("%+v", page.Changes)
		}
		later, err := s.SyncFolderItems(t.Context(), "", inbox, page.State, nil)
		if err != nil || len(later.Changes) != 0 {
			t.Errorf("%+v, %v", later, err)
		}
	})
}

func TestSyncingBringsTheFolders(t *testing.T) {
	onFake(t, nil, func(t *testing.T, _ *fakeserver.Server, s *ews.Session) {
		names := map[string]string{}
		state := ""
		for page, err := range s.SyncAllFolders(t.Context(), "", ews.Folder{}, "", ews.ShapeDefault) {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Changes {
				names[c.Name] = c.Class
			}
			state = page.State
		}
		if names["Calendar"] != "CalendarFolder" || names["Inbox"] != "Folder" {
			t.Errorf("%v", names)
		}
		page, err := s.SyncFolderHierarchy(t.Context(), "", ews.Folder{}, state, "")
		if err != nil || len(page.Changes) != 0 {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

// toHandler is the service's way to a handler of this process.
type toHandler struct {
	mu    sync.Mutex
	h     http.Handler // nil: it cannot be reached
	calls int
}

func (p *toHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	h := p.h
	p.calls++
	p.mu.Unlock()
	if h == nil {
		return nil, errors.New("unreachable")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func (p *toHandler) set(h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.h = h
}

func TestPushesBringWhatHappenedUntilTheyCannotArrive(t *testing.T) {
	way := new(toHandler)
	onFake(t, way, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
		var seen []fakeserver.Seen
		failing := true // the first attempt of each, which is sent again
		h := ews.NewPushHandler(func(_ context.Context, p *ews.Push) error {
			if failing = !failing; !failing {
				return errors.New("not now")
			}
			for _, e := range p.Events {
				seen = append(seen, seenOf(server, e))
			}
			return nil
		})
		way.set(h)
		sub, err := h.Subscribe(t.Context(), s, ews.Mailbox{Folders: ews.Distinguished("inbox")}, &ews.PushOptions{URL: "https://calendar.contoso.test/push", StatusFrequency: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"})
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if lost := server.LostSilentlyExchange("me", []string{"inbox"}, seen); len(lost) > 0 {
			t.Errorf("%d changes are lost", len(lost))
		}
		time.Sleep(time.Hour) // quiet: the service says that it is there
		way.set(nil)
		start := time.Now()
		if err := sub.Wait(t.Context()); !errors.Is(err, outlookstream.ErrIdle) || time.Since(start) > 10*time.Minute || time.Since(start) < 5*time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAPushSubscriptionOfAnEarlierRunIsEnded(t *testing.T) {
	way := new(toHandler)
	onFake(t, way, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
		first := ews.NewPushHandler(func(context.Context, *ews.Push) error { return nil })
		way.set(first)
		sub, err := first.Subscribe(t.Context(), s, ews.Mailbox{}, &ews.PushOptions{URL: "https://calendar.contoso.test/push", StatusFrequency: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		sub.End() // as if the program had gone
		way.set(ews.NewPushHandler(func(context.Context, *ews.Push) error { t.Error("a stranger's"); return nil }))
		time.Sleep(time.Hour)
		for range 3 {
			changeOnFake(t, server, fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"})
			time.Sleep(time.Hour)
		}
		if way.calls != 2 { // the first notification, and the one that was answered with Unsubscribe
			t.Errorf("the service sent %d notifications", way.calls)
		}
	})
}
