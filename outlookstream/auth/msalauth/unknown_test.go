package msalauth

import (
	"errors"
	"fmt"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestIDsThatNobodyHasAreNotKept(t *testing.T) {
	c, err := New(Options{ClientID: "client"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		_, err := c.Provider(fmt.Sprint("nobody-", i)).Token(t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Mail.Read"}})
		if !errors.Is(err, auth.ErrInteractionRequired) {
			t.Fatal(err)
		}
	}
	if len(c.accounts) > 0 {
		t.Errorf("%d accounts in memory", len(c.accounts))
	}
}
