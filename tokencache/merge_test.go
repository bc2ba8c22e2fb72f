package tokencache

import (
	"testing"
	"time"
)

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ base, ours, theirs, want string }{
		"both added":                   {`{}`, `{"RefreshToken":{"a":1}}`, `{"RefreshToken":{"b":2}}`, `{"RefreshToken":{"a":1,"b":2}}`},
		"each a section":               {`{}`, `{"RefreshToken":{"a":1}}`, `{"Account":{"b":2}}`, `{"Account":{"b":2},"RefreshToken":{"a":1}}`},
		"theirs changed":               {`{"S":{"a":1}}`, `{"S":{"a":1}}`, `{"S":{"a":2}}`, `{"S":{"a":2}}`},
		"ours changed":                 {`{"S":{"a":1}}`, `{"S":{"a":2}}`, `{"S":{"a":1}}`, `{"S":{"a":2}}`},
		"both changed: ours is later":  {`{"S":{"a":1}}`, `{"S":{"a":2}}`, `{"S":{"a":3}}`, `{"S":{"a":2}}`},
		"ours removed":                 {`{"S":{"a":1,"b":1}}`, `{"S":{"b":1}}`, `{"S":{"a":1,"b":1}}`, `{"S":{"b":1}}`},
		"theirs removed":               {`{"S":{"a":1,"b":1}}`, `{"S":{"a":1,"b":1}}`, `{"S":{"b":1}}`, `{"S":{"b":1}}`},
		"ours removed, theirs changed": {`{"S":{"a":1}}`, `{}`, `{"S":{"a":2}}`, `{}`},
		"ours changed, theirs removed": {`{"S":{"a":1}}`, `{"S":{"a":2}}`, `{}`, `{"S":{"a":2}}`},
		"each removed another":         {`{"S":{"a":1,"b":1}}`, `{"S":{"a":1}}`, `{"S":{"b":1}}`, `{}`},
		"ours removed the section":     {`{"S":{"a":1}}`, `{}`, `{"S":{"a":1,"b":2}}`, `{"S":{"b":2}}`},
		"theirs removed the section":   {`{"S":{"a":1}}`, `{"S":{"a":1}}`, `{}`, `{}`},
		"unknown sections":             {`{"X":[1]}`, `{"X":[1],"Y":7}`, `{"X":[1,2],"Z":{"q":{"r":null}}}`, `{"X":[1,2],"Y":7,"Z":{"q":{"r":null}}}`},
		"empty section":                {`{}`, `{}`, `{"Z":{}}`, `{"Z":{}}`},
		"order and spaces":             {`{"S":{"a":{"x":1,"y":2}}}`, `{"S":{"a":{ "y":2, "x":1 }}}`, `{"S":{"a":3}}`, `{"S":{"a":3}}`},
		"numbers keep their digits":    {`{"S":{"a":12345678901234567890}}`, `{"S":{"a":1.2345678901234567e19}}`, `{"S":{"a":12345678901234567890}}`, `{"S":{"a":12345678901234567890}}`},
		"unknown fields of an entry":   {`{"S":{"a":{"x":1}}}`, `{"S":{"a":{"x":1}}}`, `{"S":{"a":{"x":1,"new":[2]}}}`, `{"S":{"a":{"x":1,"new":[2]}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := merge([]byte(c.base), []byte(c.ours), []byte(c.theirs), time.Unix(1000, 0))
			if err != nil || string(got.cache) != c.want {
				t.Errorf("got %s, %v\nwant %s", got.cache, err, c.want)
			}
		})
	}
}

func TestMergeDropsExpiredAccessTokensOnly(t *testing.T) {
	theirs := `{"AccessToken":{"good":{"expires_on":"1001"},"now":{"expires_on":"1000"},"number":{"expires_on":999},"odd":{"expires_on":"soon"},"none":{},"string":"x"},` +
		`"RefreshToken":{"old":{"expires_on":"1"}}}`
	want := `{"AccessToken":{"good":{"expires_on":"1001"},"none":{},"odd":{"expires_on":"soon"},"string":"x"},"RefreshToken":{"old":{"expires_on":"1"}}}`
	got, err := merge([]byte(`{}`), []byte(`{}`), []byte(theirs), time.Unix(1000, 0))
	if err != nil || string(got.cache) != want {
		t.Errorf("got %s, %v\nwant %s", got.cache, err, want)
	}
}

func TestMergeRefusesWhatIsNoObject(t *testing.T) {
	for _, bad := range []string{``, `null`, `[]`, `1`, `{"secret-at-1":`, `{"a":"secret-at-1"`} {
		_, err := merge([]byte(`{}`), []byte(bad), []byte(`{}`), time.Now())
		wantError(t, err, errNotObject)
	}
}
