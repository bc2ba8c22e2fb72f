package msalauth

import (
	"errors"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestRequestThatComesAfterTheSignOut(t *testing.T) {
	p, err := New(Options{ClientID: "client"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.cfg.newSession(p.setClaims)
	if err != nil {
		t.Fatal(err)
	}
	p.session = s
	caller := p.current() // as Token does
	if err := p.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = caller.tokens.Token(t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Mail.Read"}})
	if !errors.Is(err, auth.ErrInteractionRequired) || err.Error() != "msalauth: the account is signed out: auth: sign-in needed: run the sign-in again" {
		t.Errorf("got %v", err)
	}
}
