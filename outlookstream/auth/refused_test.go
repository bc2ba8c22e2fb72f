package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestManyRefusalsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var values []string
		p := auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			value := values[0]
			values = values[1:]
			return auth.Token{Value: value}, nil
		}))
		for i := range 100 {
			values = []string{fmt.Sprint("t", i+1)}
			want(t, p, auth.Request{Rejected: fmt.Sprint("t", i)}, fmt.Sprint("t", i+1))
		}
		// A provider that goes back to an old token is asked once more, and given up if that does not help.
		for i := 36; i < 100; i++ { // the last 64
			values = []string{fmt.Sprint("t", i), fmt.Sprint("t", i)}
			if _, err := p.Token(t.Context(), auth.Request{TenantID: "another"}); !errors.Is(err, auth.ErrRejected) {
				t.Errorf("t%d came back: %v", i, err)
			}
		}
	})
}

func TestOneCallForManyRefusals(t *testing.T) {
	for _, claims := range []string{"", `{"access_token":{}}`} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{delay: time.Second, life: time.Hour}
			p := auth.Cached(s)
			want(t, p, auth.Request{}, "t1")
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					// Some are told of the refusal long after the others got the new token.
					time.Sleep(time.Duration(i) * 20 * time.Millisecond) // synctest: virtual
					want(t, p, auth.Request{Rejected: "t1", Claims: claims}, "t2")
				})
			}
			wg.Wait()
			if s.count() != 2 {
				t.Errorf("claims %q: %d calls, want 2", claims, s.count())
			}
			if last := s.calls[1]; last.Rejected != "t1" || last.Claims != claims {
				t.Errorf("the provider was asked %v", last)
			}
		})
	}
}

func TestRefusedTokenIsNeverReturnedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := auth.Cached(s)
		want(t, p, auth.Request{Scopes: []string{"a"}}, "t1")
		s.setFail(errDown)
		if _, err := p.Token(t.Context(), auth.Request{Scopes: []string{"a"}, Rejected: "t1"}); !errors.Is(err, errDown) {
			t.Fatalf("error %v, want the provider's", err)
		}
		// Also not to somebody who does not know that it was refused.
		if token, err := p.Token(t.Context(), auth.Request{Scopes: []string{"a"}}); !errors.Is(err, errDown) {
			t.Fatalf("got %v and %v", token, err)
		}
		s.setFail(nil)
		s.same = true
		for _, scope := range []string{"a", "b"} {
			if _, err := p.Token(t.Context(), auth.Request{Scopes: []string{scope}}); !errors.Is(err, auth.ErrRejected) {
				t.Errorf("scope %s: the provider's old answer gave %v, want ErrRejected", scope, err)
			}
		}
		s.same = false
		token, err := p.Token(t.Context(), auth.Request{Scopes: []string{"a"}})
		if err != nil || token.Value == "t1" {
			t.Errorf("got %q, %v after the provider recovered", token.Value, err)
		}
	})
}

func TestRefusalDuringAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, refresh: time.Minute, delay: time.Second}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		s.same = true                    // what is under way will return t1 again
		time.Sleep(2 * time.Minute)      // synctest: virtual
		want(t, p, auth.Request{}, "t1") // starts a refresh in the background
		synctest.Wait()
		if s.count() != 2 {
			t.Fatalf("%d calls, want 2", s.count())
		}
		if _, err := p.Token(t.Context(), auth.Request{Rejected: "t1"}); !errors.Is(err, auth.ErrRejected) {
			t.Errorf("error %v, want ErrRejected", err)
		}
		if last := s.calls[len(s.calls)-1]; last.Rejected != "t1" {
			t.Errorf("the provider was not told of the refusal: %v", last)
		}
	})
}

func TestAProviderWithNothingElseIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{same: true}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		if _, err := p.Token(t.Context(), auth.Request{Rejected: "t1"}); !errors.Is(err, auth.ErrRejected) || s.count() != 2 {
			t.Errorf("%v after %d calls, want ErrRejected after 2", err, s.count())
		}
	})
}

func TestAProviderThatTakesTurnsWithRefusedTokensIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		p := auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			n++
			return auth.Token{Value: fmt.Sprint(n % 2)}, nil
		}))
		want(t, p, auth.Request{}, "1")
		want(t, p, auth.Request{Rejected: "1"}, "0")
		if _, err := p.Token(t.Context(), auth.Request{Rejected: "0"}); !errors.Is(err, auth.ErrRejected) || n > 4 {
			t.Errorf("%v after %d calls, want ErrRejected", err, n)
		}
	})
}

func TestALateRefusalDoesNotHurtTheNewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		want(t, p, auth.Request{Rejected: "t1"}, "t2")
		want(t, p, auth.Request{Rejected: "t1"}, "t2")
		want(t, p, auth.Request{Rejected: "something else"}, "t2")
		want(t, p, auth.Request{}, "t2")
		if s.count() != 2 {
			t.Errorf("%d calls, want 2", s.count())
		}
	})
}
