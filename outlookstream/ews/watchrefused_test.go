package ews_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// ended returns those of events that end a mailbox.
func ended(events []outlookstream.Event) (found []outlookstream.Event) {
	for _, e := range events {
		if e.Kind == outlookstream.Ended {
			found = append(found, e)
		}
	}
	return found
}

func TestARequestThatIsWrongInItselfEndsItsMailboxAlone(t *testing.T) {
	for _, code := range []string{"ErrorInvalidSubscriptionRequest", "ErrorSchemaValidation", "ErrorFolderNotFound"} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, 4, site, func(t *testing.T, w *world) {
				w.arm(fakeserver.Fault{On: "ewsSubscribe", Do: "errorMessage", Code: code, Times: 1})
				watcher := w.watchRooms(4)
				events := watcher.after(time.Hour)
				gone := ended(events)
				if len(gone) != 1 || gone[0].Resource != room(0) {
					t.Fatalf("%v", events)
				}
				if failure, ok := errors.AsType[*ews.Error](gone[0].Reason); !ok || failure.Code != code {
					t.Errorf("%v", gone[0].Reason)
				}
				if n := len(w.requests("Subscribe")); n != 4 {
					t.Errorf("%d requests to subscribe", n)
				}
			})
		})
	}
}

func TestAMailboxThatIsClosedToTheServiceEndsAlone(t *testing.T) {
	inWorld(t, 4, site, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "ewsSubscribe", Do: "status", Status: 403, Times: 1})
		watcher := w.watchRooms(4)
		events := watcher.after(time.Hour)
		gone := ended(events)
		if len(gone) != 1 || !errors.Is(gone[0].Reason, outlookstream.ErrForbidden) || resyncs(events, outlookstream.ErrStarted) != 3 {
			t.Fatalf("%v", events)
		}
		w.arm(fakeserver.Fault{On: "ewsListen", Do: "status", Status: 403, Times: 1}) // to the one that stands for the others
		events = watcher.after(time.Hour)
		if gone := ended(events); len(gone) != 1 || !errors.Is(gone[0].Reason, outlookstream.ErrForbidden) {
			t.Errorf("%v", events)
		}
		if w.server.Exchange().Streams() != 1 {
			t.Error("the others do not go on")
		}
	})
}

func TestAnOrganizationThatIsClosedToTheServiceEndsTheWatchAndSaysWhy(t *testing.T) {
	for reason, access := range map[string]fake.Access{
		"EWS is disabled for this user or tenant":          {Disabled: true},
		"EWS is blocked by policy for this user or tenant": {BlockAgents: []string{"calwatch*"}},
	} {
		inWorld(t, 4, site, func(t *testing.T, w *world) {
			w.server.Exchange().SetAccess(access)
			watcher := w.watchRooms(4)
			if err := watcher.end(); !errors.Is(err, outlookstream.ErrForbidden) || !strings.Contains(err.Error(), reason) {
				t.Errorf("%v", err)
			}
			if n := len(w.requests("Subscribe")); n != 4 {
				t.Errorf("%d requests to subscribe", n)
			}
		})
	}
}
