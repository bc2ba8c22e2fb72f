package msalauth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// documents counts the requests for documents since the last call of it or of posts.
func (n *network) documents() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.asked {
		if strings.HasPrefix(r, "GET") {
			count++
		}
	}
	n.asked = nil
	return count
}

func TestTheConfigurationIsFetchedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts []signin.Account
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			accounts = append(accounts, signin.Account{User: name + "@contoso.test"})
		}
		w := newWorld(t, &signin.Options{Accounts: accounts})
		for _, a := range accounts {
			w.signInTo(w.Client, a.User)
		}
		if n := w.net.documents(); n != 1 {
			t.Errorf("%d requests for the configuration in %d sign-ins", n, len(accounts))
		}
		renewAll := func() {
			var wg sync.WaitGroup
			for _, a := range accounts {
				wg.Go(func() { w.tokenOf(w.Client.Provider(a.User), auth.Request{}) })
			}
			wg.Wait()
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		renewAll()
		if n := w.net.documents(); n != 1 {
			t.Errorf("%d requests for the configuration in %d renewals", n, len(accounts))
		}
		// Where it cannot be had, what it said before is used.
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodGet {
				return reply(503, ""), nil
			}
			return resp, nil
		})
		time.Sleep(2 * time.Hour) // synctest: virtual
		renewAll()
	})
}

func TestABadConfigurationIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		for _, body := range []string{`{}`, "<html>log in to the hotel's network</html>", `{"issuer":"https://evil.test/x","authorization_endpoint":"https://evil.test/a","token_endpoint":"https://evil.test/token"}`} {
			time.Sleep(30 * time.Hour) // synctest: virtual
			w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
				if resp == nil && r.Method == http.MethodGet {
					return reply(200, body), nil
				}
				return resp, nil
			})
			w.fails(auth.Request{})
			w.net.set(nil)
			w.token(auth.Request{})
		}
	})
}
