package msalauth

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestLookTakesOutWhatMSALMustNotFind(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	in := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	const who = `"Account":{"w":{"home_account_id":"w"}}`
	data := `{` + who + `,"AccessToken":{` +
		`"a":{"secret":"old","big":12345678901234567890,"expires_on":"` + in(time.Hour) + `"},` +
		`"b":{"secret":"good","expires_on":"` + in(time.Hour) + `"},` +
		`"c":{"secret":"old","expires_on":"` + in(time.Hour) + `"},` +
		`"d":{"secret":"expired","expires_on":"` + in(-time.Hour) + `"},` +
		`"e":{"secret":"expired for MSAL","expires_on":"` + in(5*time.Minute) + `"},` +
		`"f":{"secret":"of unknown life"}},` +
		`"RefreshToken":{"r":{"secret":"old"}},"Unknown":{"x":[1]}}`
	for rejected, want := range map[string]struct {
		kept    string
		refused bool
	}{
		"old": {`"b":{"secret":"good","expires_on":"` + in(time.Hour) + `"},"f":{"secret":"of unknown life"}`, true},
		"":    {`"a":{"secret":"old","big":12345678901234567890,"expires_on":"` + in(time.Hour) + `"},"b":{"secret":"good","expires_on":"` + in(time.Hour) + `"},"c":{"secret":"old","expires_on":"` + in(time.Hour) + `"},"f":{"secret":"of unknown life"}`, false},
	} {
		found, err := look([]byte(data), rejected, now)
		whole := `{"AccessToken":{` + want.kept + `},` + who + `,"RefreshToken":{"r":{"secret":"old"}},"Unknown":{"x":[1]}}`
		if err != nil || found.refused != want.refused || string(found.data) != whole {
			t.Errorf("without %q: %s, refused %v, %v; want %s", rejected, found.data, found.refused, err, whole)
		}
	}
}

func TestLookLeavesOtherCachesAlone(t *testing.T) {
	for _, data := range []string{`{"Account":{"w":{"home_account_id":"w"}}}`, `{"Account":{"w":{"home_account_id":"w"}},"AccessToken":{"b":{"secret":"good"}}}`} {
		if found, err := look([]byte(data), "other", time.Now()); string(found.data) != data || found.refused || err != nil {
			t.Errorf("%s: got %s, %v, %v", data, found.data, found.refused, err)
		}
	}
	for _, data := range []string{"", "[]", `{"AccessToken":[]}`, `{"Account":{"w":{"home_account_id":"w"}},"AccessToken":{"a":1}}`} {
		if _, err := look([]byte(data), "other", time.Now()); !errors.Is(err, errUnreadable) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestWhoIsInACache(t *testing.T) {
	for _, data := range []string{"", "[]", "{}", `{"Account":{}}`, `{"Account":{"a":{}}}`, `{"Account":{"a":1}}`} {
		if found, err := look([]byte(data), "", time.Now()); err == nil {
			t.Errorf("%q: %+v", data, found.who)
		}
	}
	found, err := look([]byte(`{"Account":{"b":{"home_account_id":"b"},"a":{"home_account_id":"a","username":"A"},"0":7}}`), "", time.Now())
	if err != nil || found.who.HomeAccountID != "a" || found.who.PreferredUsername != "A" {
		t.Errorf("%+v, %v", found.who, err)
	}
}
