package outlookstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// Thirty days of a program that signs in once and restarts now and then, at an
// authority whose tokens last an hour and whose refresh tokens are good once.
// Tokens are revoked, expire early and are challenged for claims; the clocks of
// the program and the authority part by a day, both ways. A person is needed
// only after the sign-in itself was revoked.
func TestThirtyDaysOfTokens(t *testing.T) {
	t.Parallel()
	lives := uint64(2)
	if testing.Short() {
		lives = 1
	}
	for seed := range lives {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newLife(t, seed).live(30 * 24 * time.Hour) })
		})
	}
}

// A life is what is left of a program when it restarts, and its world.
type life struct {
	*world
	random    *rand.Rand
	authority *clock
	dir       string
	signIns   int // by a person
	revoked   int
	shocks    int // that cost a token
}

// A clock may be set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) set(by time.Duration) { c.ahead.Add(int64(by)) }

func newLife(t *testing.T, seed uint64) *life {
	l := &life{random: rand.New(rand.NewPCG(seed, 3)), authority: &clock{}, dir: filepath.Join(t.TempDir(), "cache")}
	l.world = newWorld(t, "h2", &fakeserver.Options{SignIn: &signin.Options{Now: l.authority.now}})
	l.opts.KeepAlive = 5 * time.Minute // which is not what this is about
	return l
}

type lifeKey struct{}

func (lifeKey) Key() (tokencache.Key, error) {
	return tokencache.NewKey(bytes.Repeat([]byte{1}, 32), "the test's key")
}

// start is the program's start: with what the store has.
func (l *life) start() (*msalauth.Client, *watcher) {
	l.t.Helper()
	store, err := tokencache.Open(l.dir, lifeKey{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { store.Close() })
	client, err := msalauth.New(msalauth.Options{
		ClientID: l.server.SignIn().ClientID(), Authority: l.endpoint.Authority(), HTTPClient: l.endpoint.Client(l.protocol), Store: store,
		OnStoreError: func(err error) { l.t.Error(err) },
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.provider = client.Provider("")
	return client, l.watch()
}

// signIn is what the person does.
func (l *life) signIn(client *msalauth.Client) {
	l.t.Helper()
	l.signIns++
	_, err := client.SignInDeviceCode(l.t.Context(), []string{"https://outlook.office.com/calendars.read"},
		func(_ context.Context, code msalauth.DeviceCode) error {
			return l.server.SignIn().Approve(code.UserCode, user)
		})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) live(d time.Duration) {
	client, w := l.start()
	if err := w.end(); !errors.Is(err, auth.ErrInteractionRequired) {
		l.t.Fatalf("nobody has signed in, and the watch ended with %v", err)
	}
	l.signIn(client)
	for end := time.Now().Add(d); time.Now().Before(end); {
		w = l.watch()
		w.resync(outlookstream.ErrStarted)
		// Until a restart, or until the person is needed.
		for until := time.Now().Add(time.Duration(l.random.IntN(72)) * time.Hour); time.Now().Before(until); {
			if l.hour(w) {
				break
			}
		}
		w.cancel()
		for range w.pairs { // until it has ended
		}
		client, w = l.start()
		if l.revoked > l.signIns-1 {
			if err := w.end(); !errors.Is(err, auth.ErrInteractionRequired) {
				l.t.Fatalf("the sign-in was revoked, and the watch ended with %v", err)
			}
			l.signIn(client)
		} else {
			w.resync(outlookstream.ErrStarted)
			w.cancel()
		}
	}
	l.check(d)
}

// hour lets something happen, and then about an hour pass. It says whether the
// watch has ended because the sign-in was revoked.
func (l *life) hour(w *watcher) (ended bool) {
	l.t.Helper()
	const day = 24 * time.Hour
	signIn := l.server.SignIn()
	switch l.random.IntN(40) {
	case 0:
		l.shocks++
		signIn.ExpireTokens()
	case 1:
		l.shocks++
		signIn.RequireClaims(user, fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix()))
	case 2: // the program's clock is set back, as far as the authority can tell
		l.shocks++
		l.authority.set(day)
	case 3: // and forward: a day that was none for the authority
		l.shocks++
		w.pause(day)
		l.authority.set(-day)
	case 4:
		if l.revoked < l.signIns {
			l.revoked++
			signIn.Revoke(user)
		}
	case 5: // something that the program should know of
		l.change("Created")
	}
	if l.random.IntN(2) == 0 {
		l.arm(fakeserver.Fault{On: "stream", Do: "cut"})
	}
	w.pause(time.Duration(30+l.random.IntN(60)) * time.Minute)
	for {
		select {
		case p, ok := <-w.pairs:
			switch {
			case !ok:
				return true
			case p.err == nil:
			case errors.Is(p.err, auth.ErrInteractionRequired) && l.revoked == l.signIns:
				return true
			default:
				l.t.Fatalf("the watch ended with %v", p.err)
			}
		default:
			return false
		}
	}
}

// check looks at what the service and the authority were asked.
func (l *life) check(d time.Duration) {
	refused := map[string]bool{}
	for _, r := range l.server.Requests() {
		if r.Token != "" && refused[r.Token] {
			l.t.Error("a token that was refused was sent again")
		}
		if r.Status == 401 {
			refused[r.Token] = true
		}
	}
	if l.signIns != 1+l.revoked && l.signIns != l.revoked {
		l.t.Errorf("somebody had to sign in %d times, and %d sign-ins were revoked", l.signIns, l.revoked)
	}
	grants := l.server.SignIn().Grants()
	if most := int(d/(50*time.Minute)) + 2*l.shocks + 2*l.revoked + 10; grants["refresh_token"] > most {
		l.t.Errorf("%d renewals in %v with %d shocks, want at most %d", grants["refresh_token"], d, l.shocks, most)
	}
	if len(refused) == 0 || l.revoked == 0 || l.shocks < 10 {
		l.t.Errorf("too little has happened: %d refusals, %d revocations, %d shocks", len(refused), l.revoked, l.shocks)
	}
	l.t.Logf("%d renewals, %d refusals, %d shocks, %d sign-ins", grants["refresh_token"], len(refused), l.shocks, l.signIns)
}
