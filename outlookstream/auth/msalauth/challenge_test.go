package msalauth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestClaimsChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		w.server.RequireClaims("alex@contoso.test", claims)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if !w.accepted(w.token(auth.Request{Rejected: old.Value, Claims: claims})) {
					t.Error("the token does not meet the challenge")
				}
			})
		}
		wg.Wait()
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if !w.accepted(w.token(auth.Request{})) {
			t.Error("later callers get another token")
		}
	})
}

func TestClaimsOfTheAuthorityGoIntoTheNextSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		w.net.set(answerToken(400, `{"error":"interaction_required","suberror":"basic_action","error_codes":[50076],"claims":"{\"access_token\":{\"capolids\":{}}}"}`))
		err := w.fails(auth.Request{Rejected: old.Value})
		if ie, ok := errors.AsType[*auth.InteractionError](err); !ok || ie.SubCode != "basic_action" || !strings.Contains(ie.Claims, "capolids") {
			t.Errorf("got %v", err)
		}
		var bodies []string
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.GetBody != nil {
				body, err := r.GetBody()
				if err != nil {
					return nil, err
				}
				text, err := io.ReadAll(body)
				if err != nil {
					return nil, err
				}
				bodies = append(bodies, string(text))
			}
			return resp, nil
		})
		w.signIn()
		if len(bodies) == 0 || !strings.Contains(bodies[0], "capolids") {
			t.Error("the sign-in does not ask for the claims")
		}
	})
}
