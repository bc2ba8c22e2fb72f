package msalauth_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// endless is an answer of 64 MiB, and counts what is read of it.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.read.Add(int64(len(p))) > 64<<20 {
		return 0, io.EOF
	}
	return len(p), nil
}

func (e *endless) Close() error { return nil }

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		body := &endless{}
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodPost {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
			}
			return resp, nil
		})
		if err := w.fails(auth.Request{Rejected: old.Value}); !isTransient(err) || !strings.Contains(err.Error(), "larger than 1 MiB") {
			t.Errorf("got %v", err)
		}
		if n := body.read.Load(); n > 3<<20 {
			t.Errorf("%d bytes were read", n)
		}
		w.net.set(nil)
		w.tokenOf(w, auth.Request{})
	})
}

// Microsoft's sign-in hosts serve Microsoft's authorities. Any other keeps to itself.
func TestAnAuthorityDirectsNobodyToMicrosoft(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && r.Method == http.MethodGet {
			return reply(200, `{"issuer":"https://signin.test/x","authorization_endpoint":"https://signin.test/a","token_endpoint":"https://login.microsoftonline.com/common/oauth2/v2.0/token"}`), nil
		}
		return resp, nil
	})
	if _, err := w.SignInDeviceCode(t.Context(), mail, w.approve); kindOf(w.saw(err)) != misconfigured || !strings.Contains(err.Error(), "where they are not sent") {
		t.Errorf("got %v", err)
	}
}

// A cache on the way may answer a renewal with the answer to the one before.
func TestTheRefusedTokenComesFromTheAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		w.net.set(rewrite(200, func(body string) string {
			before, rest, _ := strings.Cut(body, `"access_token":"`)
			_, after, _ := strings.Cut(rest, `"`)
			return before + `"access_token":"` + old.Value + `"` + after
		}))
		for range 3 {
			if err := w.fails(auth.Request{Rejected: old.Value}); !isTransient(err) {
				t.Errorf("got %v", err)
			}
		}
		w.net.set(nil)
		if next := w.token(auth.Request{}); next.Value == old.Value || !w.accepted(next) {
			t.Error("no other token")
		}
	})
}

func TestNoTwoSignInsHaveAnythingInCommon(t *testing.T) {
	w := newWorld(t, &signin.Options{})
	seen := map[string]bool{}
	for range 2 {
		_, err := w.SignInBrowser(t.Context(), mail, nil, func(ctx context.Context, address string) error {
			q := queryOf(t, address)
			for _, name := range []string{"state", "code_challenge"} {
				if seen[q.Get(name)] {
					t.Errorf("%s %q again", name, q.Get(name))
				}
				seen[q.Get(name)] = true
			}
			return w.browse(ctx, address)
		})
		if err != nil {
			t.Fatal(w.saw(err))
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d values", len(seen))
	}
}
