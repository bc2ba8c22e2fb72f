package fakeserver

import (
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestOptionsOfTheSignInHalf(t *testing.T) {
	clock := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	half := &signin.Options{ClientID: "not this", ClientSecret: "set here", TokenLifetime: time.Minute, Now: func() time.Time { return clock },
		Accounts: []signin.Account{{User: "kim@fabrikam.test"}}, Fault: func(string, string) (*signin.Response, bool) { panic("asked") }}
	inMemory(t, "h1", &Options{ClientID: "this", SignIn: half}, func(t *testing.T, f *fixture) {
		s := f.s.SignIn()
		if s.ClientID() != "this" || s.ClientSecret() != "set here" || len(s.Accounts()) != 1 || s.Accounts()[0].User != "kim@fabrikam.test" {
			t.Errorf("client %q, accounts %v", s.ClientID(), s.Accounts())
		}
		if g, _ := s.Inspect(f.token); !g.ExpiresOn.Equal(clock.Add(time.Minute)) || g.User != "kim@fabrikam.test" {
			t.Errorf("the token is %+v", g)
		}
		f.subscribe("me/events")
		if a := f.appToken("set here"); a.StatusCode != 200 {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	inMemory(t, "h1", &Options{SignIn: half, Accounts: []signin.Account{{User: "alex@contoso.test"}}, TokenLifetime: time.Hour}, func(t *testing.T, f *fixture) {
		if g, _ := f.s.SignIn().Inspect(f.token); g.User != "alex@contoso.test" || !g.ExpiresOn.Equal(clock.Add(time.Hour)) {
			t.Errorf("the token is %+v", g)
		}
	})
	if half.ClientID != "not this" || len(half.Accounts) != 1 {
		t.Error("the options were changed")
	}
}
