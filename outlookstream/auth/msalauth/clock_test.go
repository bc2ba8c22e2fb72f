package msalauth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// skewed is a clock that can be put forward and back.
type skewed struct {
	mu sync.Mutex
	by time.Duration
}

func (s *skewed) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.by)
}

func (s *skewed) set(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = by
}

func TestAnAuthorityWhoseClockIsWrong(t *testing.T) {
	for _, by := range []time.Duration{24 * time.Hour, -24 * time.Hour, 400 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			clock := &skewed{by: by}
			w, dir := newWorld(t, &signin.Options{Now: clock.now}), storeDir(t)
			client := w.client(openStore(t, dir))
			w.signInTo(client, "")
			w.server.ForgetRequests()
			for range 5 {
				for _, p := range []auth.Provider{client.Provider(""), w.client(openStore(t, dir)).Provider("")} {
					if token := w.tokenOf(p, auth.Request{}); token.ExpiresOn.After(time.Now().Add(time.Hour)) {
						t.Errorf("by %s: %v", by, token)
					}
				}
				time.Sleep(2 * time.Hour) // synctest: virtual
			}
			w.oneByOne(4)
		})
	}
}

// Weeks in which everything happens. What the server accepts, it accepts by its own clock.
func TestAMonthOfMishaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &skewed{}
		w := newWorld(t, &signin.Options{Now: clock.now})
		if signIns := w.mishaps(30, clock, nil); signIns != 7 { // as often as the sign-in was revoked
			t.Errorf("%d sign-ins", signIns)
		}
	})
}

func TestDaysOfMishapsAndRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &skewed{}
		w := newWorld(t, &signin.Options{Now: clock.now})
		if signIns := w.mishaps(5, clock, openStore(t, storeDir(t))); signIns != 1 {
			t.Errorf("%d sign-ins", signIns)
		}
	})
}

// mishaps lives for some days, and says how often somebody had to sign in.
func (w *world) mishaps(days int, clock *skewed, store *tokencache.Store) (signIns int) {
	w.t.Helper()
	client := w.client(store)
	w.signInTo(client, "")
	p := client.Provider("")
	refused := map[string]bool{}
	for hour := range days * 24 {
		switch {
		case hour%97 == 50:
			w.server.Revoke(user)
		case hour%41 == 20:
			w.server.RequireClaims(user, nbf)
		case hour%120 == 60:
			clock.set(24 * time.Hour)
		case hour%120 == 80:
			clock.set(-24 * time.Hour)
		case hour%120 == 100:
			clock.set(0)
		case hour%31 == 10 && store != nil: // another process
			client = w.client(store)
			p = client.Provider("")
		}
		if hour%6 != 0 {
			time.Sleep(time.Hour) // synctest: virtual; nobody asks
			continue
		}
		for range 5 {
			w.live(client, p, refused, &signIns)
			time.Sleep(12 * time.Minute) // synctest: virtual
		}
	}
	if n := w.server.Grants()["refresh_token"]; n > days*8 {
		w.t.Errorf("%d requests in %d days", n, days)
	}
	if w.server.PeakRequests(user) != 1 {
		w.t.Error("two requests at once")
	}
	return signIns
}

// live does what a watch does with a token: a refused one is given back once, and if that does not help, somebody signs in.
func (w *world) live(client *msalauth.Client, p auth.Provider, refused map[string]bool, signIns *int) {
	w.t.Helper()
	r := auth.Request{Scopes: mail}
	for range 4 {
		token, err := p.Token(w.t.Context(), r)
		if err != nil {
			if kindOf(w.saw(err)) != interaction {
				w.t.Fatalf("got %v", err)
			}
			w.signInTo(client, "")
			*signIns++
			r = auth.Request{Scopes: mail}
			continue
		}
		grant, reason := w.server.Inspect(token.Value)
		if reason == signin.Accepted {
			return
		}
		if refused[token.Value] {
			w.t.Fatalf("a refused token came again (%s)", reason)
		}
		refused[token.Value] = true
		r.Rejected, r.Claims = token.Value, grant.Claims
	}
	w.t.Fatal("there is no token to be had")
}

// edit changes what is stored of an account, in MSAL's format.
func edit(t *testing.T, store *tokencache.Store, key string, change func(sections map[string]map[string]map[string]any)) {
	t.Helper()
	accessor, content := store.Account(key), &plainCache{}
	if err := accessor.Replace(t.Context(), content, cache.ReplaceHints{}); err != nil {
		t.Fatal(err)
	}
	var sections map[string]map[string]map[string]any
	if err := json.Unmarshal(content.data, &sections); err != nil {
		t.Fatal(err)
	}
	change(sections)
	var err error
	if content.data, err = json.Marshal(sections); err != nil {
		t.Fatal(err)
	}
	if err := accessor.Export(t.Context(), content, cache.ExportHints{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) key(account msalauth.Account) string {
	return fmt.Sprintf("%s https://%s/common %s", w.server.ClientID(), host, account.ID)
}

// A token that was stored by a machine whose clock is ahead is not valid yet for MSAL, which picks one of those that fit by
// chance, and looks at nothing else.
func TestATokenFromTheFutureHidesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		account := w.signInTo(w.client(store), "")
		edit(t, store, w.key(account), func(sections map[string]map[string]map[string]any) {
			for key, token := range sections["AccessToken"] {
				later := map[string]any{}
				maps.Copy(later, token)
				later["secret"], later["target"] = "from-the-future", "https://outlook.office.com/calendars.read "+token["target"].(string)
				later["cached_at"] = fmt.Sprint(time.Now().Add(24 * time.Hour).Unix())
				later["expires_on"] = fmt.Sprint(time.Now().Add(25 * time.Hour).Unix())
				sections["AccessToken"][key+"-later"] = later
			}
		})
		w.net.posts()
		for range 20 {
			w.tokenOf(w.client(store).Provider(""), auth.Request{})
		}
		if n := w.net.posts(); n != 0 {
			t.Errorf("%d requests for a token that is there", n)
		}
		// Where there is no other, one request replaces it.
		time.Sleep(2 * time.Hour) // synctest: virtual
		for range 20 {
			w.tokenOf(w.client(store).Provider(""), auth.Request{})
		}
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestStoredTimesCanBeNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		account := w.signInTo(w.client(store), "")
		edit(t, store, w.key(account), func(sections map[string]map[string]map[string]any) {
			for _, token := range sections["AccessToken"] {
				for _, name := range []string{"cached_at", "expires_on"} {
					token[name] = json.Number(token[name].(string))
				}
			}
		})
		w.net.posts()
		w.tokenOf(w.client(store).Provider(""), auth.Request{})
		if n := w.net.posts(); n != 0 {
			t.Errorf("%d requests", n)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(w.client(store).Provider(""), auth.Request{})
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// An authority may say when a token ends instead of how long it lives.
func TestTheEndOfATokenInManyForms(t *testing.T) {
	for name, form := range map[string]func(time.Time) string{
		"number":  func(end time.Time) string { return fmt.Sprint(end.Unix()) },
		"string":  func(end time.Time) string { return fmt.Sprintf("%q", fmt.Sprint(end.Unix())) },
		"RFC3339": func(end time.Time) string { return end.Format(`"2006-01-02T15:04:05Z"`) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			var life time.Duration
			w.net.set(rewrite(200, func(body string) string {
				return strings.Replace(body, `"expires_in":3600`, `"expires_on":`+form(time.Now().Add(life).UTC()), 1)
			}))
			life = 2 * time.Hour
			w.signIn()
			old := w.token(auth.Request{})
			if left := time.Until(old.ExpiresOn); (left - life).Abs() > time.Second {
				t.Errorf("%s: lives for %s", name, left)
			}
			// By an authority whose clock is behind, it has expired when it comes. The refresh token beside it is good.
			life = -time.Hour
			for range 3 {
				if err := w.fails(auth.Request{Rejected: old.Value}); !isTransient(err) {
					t.Errorf("%s: %v", name, err)
				}
			}
			w.net.set(nil)
			if !w.accepted(w.token(auth.Request{})) {
				t.Errorf("%s: not renewed", name)
			}
		})
	}
}

// At the moment that a token says, and not a second later, there is another to be had.
func TestRefreshOnIsWhenThereIsAnother(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, 4 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &signin.Options{TokenLifetime: life})
			w.signIn()
			old := w.token(auth.Request{})
			time.Sleep(time.Until(old.RefreshOn) - 2*time.Second) // synctest: virtual
			w.token(auth.Request{})
			synctest.Wait()
			if n := w.net.posts(); n != 0 {
				t.Errorf("%d requests before it", n)
			}
			time.Sleep(2*time.Second + time.Nanosecond) // synctest: virtual
			w.token(auth.Request{})
			synctest.Wait()
			if next := w.token(auth.Request{}); next.Value == old.Value || w.net.posts() != 1 {
				t.Error("there was no other")
			}
		})
	}
}
