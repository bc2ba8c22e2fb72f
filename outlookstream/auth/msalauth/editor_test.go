package msalauth

import (
	"encoding/json"
	"strings"
	"testing"
)

const cacheJSON = `{"AccessToken":{"a":{"secret":"old","big":12345678901234567890},"b":{"secret":"good"},"c":{"secret":"old"}},"RefreshToken":{"r":{"secret":"old"}},"Unknown":{"x":[1]}}`

func TestWithoutTakesOutEveryCopyOfTheAccessTokenAndNothingElse(t *testing.T) {
	after, err := without([]byte(cacheJSON), "old")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"AccessToken":{"b":{"secret":"good"}},"RefreshToken":{"r":{"secret":"old"}},"Unknown":{"x":[1]}}`; string(after) != want {
		t.Errorf("got %s, want %s", after, want)
	}
}

func TestWithoutLeavesOtherCachesAlone(t *testing.T) {
	for _, data := range []string{cacheJSON, `{}`, `{"AccessToken":{}}`} {
		if after, err := without([]byte(data), "other"); after != nil || err != nil {
			t.Errorf("%s: got %s, %v", data, after, err)
		}
	}
	for _, data := range []string{"", "[]", `{"AccessToken":[]}`, `{"AccessToken":{"a":1}}`} {
		if _, err := without([]byte(data), "other"); err == nil {
			t.Errorf("%q: no error", data)
		}
	}
}

// memory is a cache as MSAL's is.
type memory struct{ data []byte }

func (m *memory) Marshal() ([]byte, error)    { return m.data, nil }
func (m *memory) Unmarshal(data []byte) error { m.data = data; return nil }

func TestEditorDropsOnce(t *testing.T) {
	m := &memory{[]byte(cacheJSON)}
	e := &editor{drop: "old"}
	if err := e.Replace(t.Context(), m, struct{ PartitionKey string }{}); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(m.data) || strings.Contains(string(m.data), "big") || e.drop != "" {
		t.Errorf("left %s", m.data)
	}
}

func TestEditorSaysWhenItCannotEdit(t *testing.T) {
	e := &editor{drop: "old"}
	if err := e.Replace(t.Context(), &memory{[]byte("?")}, struct{ PartitionKey string }{}); err != errSealed {
		t.Errorf("got %v", err)
	}
}
