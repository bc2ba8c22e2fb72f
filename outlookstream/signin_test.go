package outlookstream_test

import (
	"context"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// The whole path: sign in by device code, watch, and live through a day in
// which tokens expire and the directory changes its mind.
func TestSignedInByDeviceCodeAWatchLastsForADay(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		signIn := w.server.SignIn()
		client, err := msalauth.New(msalauth.Options{
			ClientID: signIn.ClientID(), Authority: w.endpoint.Authority(), HTTPClient: w.endpoint.Client(w.protocol),
		})
		if err != nil {
			t.Fatal(err)
		}
		scopes := []string{"https://outlook.office.com/calendars.read"}
		if _, err := client.SignInDeviceCode(t.Context(), scopes, func(_ context.Context, code msalauth.DeviceCode) error {
			return signIn.Approve(code.UserCode, user)
		}); err != nil {
			t.Fatal(err)
		}
		w.provider = client.Provider("")
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)

		for range 24 { // an hour each, as long as a token and a connection last
			watcher.resync(outlookstream.ErrReconnected)
		}

		signIn.RequireClaims(user, `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`)
		watcher.quiet(5 * time.Minute)
		w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
		watcher.resync(outlookstream.ErrReconnected)

		signIn.ExpireTokens()
		watcher.quiet(5 * time.Minute)
		w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
		watcher.resync(outlookstream.ErrReconnected)
		watcher.change(outlookstream.Created, w.change("Created"))

		sent := map[string]bool{}
		for _, r := range w.server.Requests() {
			if sent[r.Token] && r.Token != "" {
				t.Error("a token that was refused was sent again")
			}
			if r.Status == 401 {
				sent[r.Token] = true
			}
		}
	})
}
