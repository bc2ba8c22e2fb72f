package auth

import (
	"strings"
	"testing"
	"time"
)

// A time of time.Now().Add has the monotonic clock's reading in it, which stands still while a Linux machine sleeps: by that, a
// token would be good all night.
func TestTheLifeOfATokenGoesOnWhileTheMachineSleeps(t *testing.T) {
	now := time.Now()
	e := &entry{}
	e.store(Token{Value: "v", ExpiresOn: now.Add(time.Hour), RefreshOn: now.Add(time.Minute)}, "", now)
	for what, at := range map[string]time.Time{"hard": e.hard, "soft": e.soft, "ExpiresOn": e.tok.ExpiresOn} {
		if at.IsZero() || strings.Contains(at.String(), "m=") {
			t.Errorf("%s is %s", what, at)
		}
	}
}
