package ews_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// The code of x-ms-diagnostics decides: another token, or the end.
func TestWhyATokenWasRefusedDecides(t *testing.T) {
	for code, hopeless := range map[int]bool{
		2000001: false, 2000002: false, 2000003: true, 2000004: true, 2000005: false, 2000006: true, 2000008: true,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			inWorld(t, 1, site, func(t *testing.T, w *world) {
				issued := 0
				w.provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
					issued++
					return auth.Token{Value: w.server.Token(""), ExpiresOn: time.Now().Add(time.Hour)}, nil
				}))
				if err := w.server.Authentication().Deny(httpauth.Denial{Code: code, Times: 1}); err != nil {
					t.Fatal(err)
				}
				watcher := w.watchRooms(1)
				if !hopeless {
					if events := watcher.after(time.Second); resyncs(events, outlookstream.ErrStarted) != 1 || issued != 2 {
						t.Errorf("%d tokens: %v", issued, events)
					}
					return
				}
				watcher.after(time.Minute)
				select {
				case <-watcher.ended:
				default:
					t.Fatal("the watch goes on")
				}
				failure, ok := errors.AsType[*ews.Error](watcher.err)
				if !ok || !errors.Is(failure, outlookstream.ErrUnauthorized) || failure.Auth.Code != code || issued != 1 || len(w.requests("Subscribe")) != 1 {
					t.Errorf("%d tokens, %d requests: %v", issued, len(w.requests("Subscribe")), failure)
				}
			})
		})
	}
}
