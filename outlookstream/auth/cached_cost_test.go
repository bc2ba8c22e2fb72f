package auth_test

import (
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestATokenThatIsThereCostsNoAllocation(t *testing.T) {
	p := auth.Cached(&source{life: time.Hour})
	ctx, r := t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}}
	want(t, p, r, "t1")
	if n := testing.AllocsPerRun(1000, func() { p.Token(ctx, r) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
