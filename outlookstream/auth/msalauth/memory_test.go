package msalauth

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/tokencache"
)

type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

type fixedKey struct{}

func (fixedKey) Key() (tokencache.Key, error) {
	return tokencache.NewKey([]byte(strings.Repeat("k", 32)), "the test")
}

// With thousands of accounts it adds up what each keeps in memory.
func TestWhatIsStoredIsNotKeptInMemory(t *testing.T) {
	server := signin.New(nil)
	store, err := tokencache.Open(filepath.Join(t.TempDir(), "cache"), fixedKey{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, kept := range []*tokencache.Store{store, nil} {
		c, err := New(Options{ClientID: server.ClientID(), Authority: "https://signin.test/common", HTTPClient: &http.Client{Transport: handled{server}}, Store: kept})
		if err != nil {
			t.Fatal(err)
		}
		scopes := []string{"https://outlook.office.com/Mail.Read"}
		account, err := c.SignInDeviceCode(t.Context(), scopes, func(_ context.Context, code DeviceCode) error { return server.Approve(code.UserCode, "") })
		if err != nil {
			t.Fatal("not signed in")
		}
		var rejected string
		for range 3 {
			token, err := c.Provider("").Token(t.Context(), auth.Request{Scopes: scopes, Rejected: rejected})
			if err != nil {
				t.Fatal("no token")
			}
			rejected = token.Value
			a := c.accounts[account.ID]
			if held := a.held.bytes() != nil; held != (kept == nil) || a.accessor != nil {
				t.Errorf("with a store: %v; held in memory: %v", kept != nil, held)
			}
		}
	}
}

// The clock of this machine may be put back. What was fetched later than now may be of any age.
func TestADocumentFromTheFutureIsNotUsed(t *testing.T) {
	d := newDocuments()
	req := httptest.NewRequest("GET", "https://signin.test/common/v2.0/.well-known/openid-configuration", nil)
	url := req.URL.String()
	d.keep(url, &http.Response{StatusCode: 200}, []byte("{}"))
	if resp := d.find(req, url, documentLife); resp == nil {
		t.Fatal("not kept")
	}
	kept := d.kept[url]
	kept.at = time.Now().Add(time.Hour)
	d.kept[url] = kept
	if resp := d.find(req, url, staleLife); resp != nil {
		body, _ := io.ReadAll(resp.Body)
		t.Errorf("used: %s", body)
	}
}
