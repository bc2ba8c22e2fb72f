package service

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A refusal that is noted while another caller is looking at the same token is
// no sign that the provider has no other.
func TestRefusalsAtTheSameTimeFailNobody(t *testing.T) {
	var n atomic.Int64
	tk := &Tokens{Provider: auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		return auth.Token{Value: fmt.Sprint("t", n.Add(1))}, nil
	}))}
	for range 3000 {
		old, err := tk.Get(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { tk.Refuse(old, "") })
		for range 4 {
			wg.Go(func() {
				if _, err := tk.Get(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
	}
}

func TestTheMemoryOfRefusedTokensIsBounded(t *testing.T) {
	var memory Tokens
	for i := range 10 * maxRefused {
		memory.Refuse(fmt.Sprint(i), "")
	}
	if len(memory.refused) != maxRefused || !memory.isRefused(fmt.Sprint(10*maxRefused-1)) {
		t.Errorf("%d remembered", len(memory.refused))
	}
}
