package auth_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// source is a provider that counts. Its tokens are "t1", "t2"...
type source struct {
	mu      sync.Mutex
	calls   []auth.Request
	active  int
	most    int           // calls at the same time
	delay   time.Duration // of each call
	life    time.Duration // of each token; 0: unknown
	refresh time.Duration // RefreshOn; 0: none
	fail    error
	same    bool // always the first token
}

func (s *source) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	s.mu.Lock()
	s.calls = append(s.calls, r)
	s.active++
	s.most = max(s.most, s.active)
	n, delay, fail := len(s.calls), s.delay, s.fail
	if s.same {
		n = 1
	}
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.active--; s.mu.Unlock() }()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return auth.Token{}, ctx.Err()
	}
	if fail != nil {
		return auth.Token{}, fail
	}
	token := auth.Token{Value: fmt.Sprint("t", n)}
	if s.life != 0 {
		token.ExpiresOn = time.Now().Add(s.life)
	}
	if s.refresh > 0 {
		token.RefreshOn = time.Now().Add(s.refresh)
	}
	return token, nil
}

func (s *source) count() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.calls) }

func (s *source) setFail(err error) { s.mu.Lock(); defer s.mu.Unlock(); s.fail = err }

func want(t *testing.T, p auth.Provider, r auth.Request, value string) {
	t.Helper()
	token, err := p.Token(t.Context(), r)
	if err != nil || token.Value != value {
		t.Errorf("got token %q and error %v, want %q", token.Value, err, value)
	}
}

var errDown = errors.New("down")

func TestOneCallForManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{delay: time.Second, life: time.Hour}
		p := auth.Cached(s)
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() { want(t, p, auth.Request{Scopes: []string{"a"}}, "t1") })
		}
		wg.Wait()
		want(t, p, auth.Request{Scopes: []string{"a"}}, "t1")
		if s.count() != 1 {
			t.Errorf("%d calls, want 1", s.count())
		}
	})
}

func TestOneCallForManyCallersOfAnExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{delay: 200 * time.Millisecond, life: time.Hour}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		time.Sleep(2 * time.Hour) // synctest: virtual
		start := time.Now()
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() { want(t, p, auth.Request{}, "t2") })
		}
		wg.Wait()
		if s.count() != 2 || time.Since(start) != 200*time.Millisecond {
			t.Errorf("%d calls in %s, want 2 in 200ms", s.count(), time.Since(start))
		}
	})
}

func TestTheCallersScopesAreNotUsedOnceItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := auth.Cached(auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
			time.Sleep(time.Second) // synctest: virtual
			return auth.Token{Value: r.Scopes[0]}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		scopes := []string{"a"}
		if _, err := p.Token(ctx, auth.Request{Scopes: scopes}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		scopes[0] = "b"
		want(t, p, auth.Request{Scopes: []string{"a"}}, "a")
	})
}

func TestClaimsForceACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		want(t, p, auth.Request{Claims: "{}"}, "t2")
		want(t, p, auth.Request{Claims: "{}"}, "t3")
		want(t, p, auth.Request{}, "t3")
		want(t, p, auth.Request{Claims: `{"a":1}`, Rejected: "t2"}, "t4") // t3 was got with other claims
		want(t, p, auth.Request{Claims: `{"a":1}`, Rejected: "t2"}, "t4")
	})
}

func TestClaimsAreNotAnsweredByAFlightWithoutThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, delay: time.Second}
		p := auth.Cached(s)
		var wg sync.WaitGroup
		wg.Go(func() { want(t, p, auth.Request{}, "t1") })
		synctest.Wait()
		wg.Go(func() { want(t, p, auth.Request{Claims: "{}"}, "t2") })
		wg.Wait()
		if s.most != 1 {
			t.Errorf("%d calls at once", s.most)
		}
	})
}

func TestEachWaiterHasItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{delay: 10 * time.Second, life: time.Hour}
		p := auth.Cached(s)
		var wg sync.WaitGroup
		wg.Go(func() { // the leader
			start := time.Now()
			cause := errors.New("no patience")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, cause)
			defer cancel()
			if _, err := p.Token(ctx, auth.Request{}); !errors.Is(err, cause) {
				t.Errorf("the leader got %v", err)
			}
			if waited := time.Since(start); waited != 50*time.Millisecond {
				t.Errorf("the leader waited %s", waited)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() { want(t, p, auth.Request{}, "t1") })
		}
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("%d calls, want 1", s.count())
		}
	})
}

func TestEndedContextMakesNoCall(t *testing.T) {
	s := &source{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := auth.Cached(s).Token(ctx, auth.Request{}); !errors.Is(err, context.Canceled) || s.count() != 0 {
		t.Errorf("error %v after %d calls", err, s.count())
	}
}

func TestHungProvider(t *testing.T) {
	for _, listens := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			p := auth.Cached(auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
				if listens {
					<-ctx.Done()
					return auth.Token{}, ctx.Err()
				}
				<-release
				return auth.Token{Value: "late"}, nil
			}))
			start := time.Now()
			_, err := p.Token(t.Context(), auth.Request{})
			if err == nil || errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
				t.Errorf("listens %v: %v after %s; want an error that is not the caller's deadline after 1m", listens, err, time.Since(start))
			}
			close(release)
			synctest.Wait()
			if !listens {
				want(t, p, auth.Request{}, "late")
			}
		})
	}
}

func TestBrokenProvidersLeaveNobodyWaiting(t *testing.T) {
	for name, f := range map[string]auth.Func{
		"panicked at": func(context.Context, auth.Request) (auth.Token, error) { panic("holding " + secretValue) },
		"nil pointer": func(context.Context, auth.Request) (auth.Token, error) {
			var s *source
			s.life++
			return auth.Token{}, nil
		},
		"ended its":       func(context.Context, auth.Request) (auth.Token, error) { runtime.Goexit(); return auth.Token{}, nil },
		"neither a token": func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{}, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			p := auth.Cached(f)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					_, err := p.Token(t.Context(), auth.Request{})
					if err == nil || !strings.Contains(err.Error(), name) || showsSecret(err.Error()) {
						t.Errorf("%s: got %v", name, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestPanicNamesItsPlace(t *testing.T) {
	_, err := auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) { panic(1) })).Token(t.Context(), auth.Request{})
	if err == nil || !strings.Contains(err.Error(), "TestPanicNamesItsPlace") {
		t.Errorf("got %v", err)
	}
}

func TestScopesAndTenantsAreKeptApart(t *testing.T) {
	s := &source{life: time.Hour}
	p := auth.Cached(s)
	want(t, p, auth.Request{Scopes: []string{"a", "b"}}, "t1")
	want(t, p, auth.Request{Scopes: []string{"b", "a", "b"}}, "t1")
	want(t, p, auth.Request{Scopes: []string{"a"}}, "t2")
	want(t, p, auth.Request{Scopes: []string{"a"}, TenantID: "x"}, "t3")
	want(t, p, auth.Request{Scopes: []string{"a"}}, "t2")
}

func TestOfTooManyKeysTheOldestIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		p := auth.Cached(s)
		for i := range 257 {
			want(t, p, auth.Request{TenantID: fmt.Sprint(i)}, fmt.Sprint("t", i+1))
			time.Sleep(time.Second)                       // synctest: virtual
			want(t, p, auth.Request{TenantID: "0"}, "t1") // used all the time
		}
		want(t, p, auth.Request{TenantID: "2"}, "t3")
		want(t, p, auth.Request{TenantID: "1"}, "t258") // forgotten
	})
}

func TestCachedTwiceIsCachedOnce(t *testing.T) {
	p := auth.Cached(&source{})
	if auth.Cached(p) != p {
		t.Error("a cache in front of a cache")
	}
}
