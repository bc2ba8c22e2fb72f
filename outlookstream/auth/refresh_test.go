package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestHardMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: 2 * time.Minute, refresh: time.Hour} // no refresh in the background before the end
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		time.Sleep(90*time.Second - 1) // synctest: virtual
		want(t, p, auth.Request{}, "t1")
		time.Sleep(time.Nanosecond) // synctest: virtual
		want(t, p, auth.Request{}, "t2")
	})
}

func TestRefreshInTheBackground(t *testing.T) {
	for name, test := range map[string]struct{ life, refresh, at time.Duration }{
		"at RefreshOn":                         {time.Hour, 20 * time.Minute, 20 * time.Minute},
		"5 minutes before the end":             {time.Hour, 0, 55 * time.Minute},
		"at half of a short life":              {4 * time.Minute, 0, 2 * time.Minute},
		"at RefreshOn if the end is not known": {0, 20 * time.Minute, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{life: test.life, refresh: test.refresh, delay: time.Second}
				p := auth.Cached(s)
				want(t, p, auth.Request{}, "t1")
				time.Sleep(test.at - 1) // synctest: virtual
				want(t, p, auth.Request{}, "t1")
				synctest.Wait()
				if s.count() != 1 {
					t.Fatal("refreshed too early")
				}
				time.Sleep(time.Nanosecond) // synctest: virtual
				start := time.Now()
				want(t, p, auth.Request{}, "t1")
				if time.Since(start) != 0 {
					t.Error("somebody waited for the refresh")
				}
				time.Sleep(time.Second) // synctest: virtual
				synctest.Wait()
				want(t, p, auth.Request{}, "t2")
				if s.count() != 2 {
					t.Errorf("%d calls, want 2", s.count())
				}
			})
		})
	}
}

func TestFailedRefreshStaysHiddenWhileTheTokenLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		time.Sleep(55 * time.Minute) // synctest: virtual
		s.setFail(errDown)
		for range 270 { // to 30 s before the end, a caller each second
			want(t, p, auth.Request{}, "t1")
			synctest.Wait()
			time.Sleep(time.Second) // synctest: virtual
		}
		if n := s.count() - 1; n != 9 {
			t.Errorf("%d attempts in 270 s, want one each 30 s", n)
		}
		if _, err := p.Token(t.Context(), auth.Request{}); !errors.Is(err, errDown) {
			t.Errorf("at the token's end the error is %v, want the provider's", err)
		}
		s.setFail(nil)
		if token, err := p.Token(t.Context(), auth.Request{}); err != nil || token.Value == "t1" {
			t.Errorf("after recovery: %v, %v", token, err)
		}
	})
}

func TestUnknownExpiryIsUsedUntilRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1")
		time.Sleep(1000 * time.Hour) // synctest: virtual
		want(t, p, auth.Request{}, "t1")
		want(t, p, auth.Request{Rejected: "t1"}, "t2")
	})
}

func TestShortLivesDoNotSpin(t *testing.T) {
	for _, life := range []time.Duration{time.Second, 10 * time.Second, 31 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{life: life}
			p := auth.Cached(s)
			for range 1000 {
				if _, err := p.Token(t.Context(), auth.Request{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(life / 100) // synctest: virtual
			}
			if n := s.count(); n > 20 {
				t.Errorf("life %s: %d calls in 10 lives", life, n)
			}
		})
	}
}

func TestTokenThatArrivesExpiredIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: -time.Minute}
		p := auth.Cached(s)
		want(t, p, auth.Request{}, "t1") // perhaps only our clock is wrong: let the server decide
		want(t, p, auth.Request{}, "t2")
	})
}

func TestAMonthOfTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour}
		p := auth.Cached(s)
		for range 30 * 24 * 60 {
			token, err := p.Token(t.Context(), auth.Request{})
			if err != nil || !time.Now().Before(token.ExpiresOn) {
				t.Fatalf("got %v, %v", token, err)
			}
			synctest.Wait()
			time.Sleep(time.Minute) // synctest: virtual
		}
		if n := s.count(); n < 720 || n > 800 {
			t.Errorf("%d calls in 720 hours", n)
		}
	})
}
