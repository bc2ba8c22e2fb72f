package exchange

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestADifferenceIsWhatBecameOfAMember(t *testing.T) {
	for _, c := range []struct {
		what []journalKind // after the base
		was  bool          // there at the base
		want []difference
	}{
		{[]journalKind{entered}, false, []difference{{"a", entered}}},
		{[]journalKind{entered, modified, marked}, false, []difference{{"a", entered}}},
		{[]journalKind{entered, left}, false, nil},
		{[]journalKind{entered, left, entered}, false, []difference{{"a", entered}}},
		{[]journalKind{modified}, true, []difference{{"a", modified}}},
		{[]journalKind{marked, marked}, true, []difference{{"a", marked}}},
		{[]journalKind{marked, modified}, true, []difference{{"a", modified}}},
		{[]journalKind{modified, left}, true, []difference{{"a", left}}},
		{[]journalKind{left, entered}, true, []difference{{"a", modified}}},
	} {
		var j journal
		if c.was {
			j.note("a", entered)
		}
		base := j.now()
		for _, what := range c.what {
			j.note("a", what)
		}
		if got := j.between(base, j.now()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v (there before: %t): %v, want %v", c.what, c.was, got, c.want)
		}
	}
}

// Whatever happens between the pages, a client that applies each page has in
// the end what is there.
func TestPagesAddUpWhateverHappensBetweenThem(t *testing.T) {
	for limit := 1; limit <= 7; limit++ {
		var j journal
		there, known := map[string]bool{}, map[string]bool{}
		step := 0
		happen := func(n int) {
			for range n {
				step++
				id := fmt.Sprint(step * 7 % 13)
				switch {
				case !there[id]:
					there[id] = true
					j.note(id, entered)
				case step%3 == 0:
					delete(there, id)
					j.note(id, left)
				default:
					j.note(id, modified)
				}
			}
		}
		happen(40)
		text := ""
		for round := 0; ; round++ {
			if round > 500 {
				t.Fatalf("limit %d: no end", limit)
			}
			s, ok := parseSyncState(text, 3, "inbox")
			if !ok {
				t.Fatalf("limit %d: state %q is not taken", limit, text)
			}
			p, ok := j.pageOf(s, limit)
			if !ok || len(p.differences) > limit {
				t.Fatalf("limit %d: page %v, %t", limit, p, ok)
			}
			for _, d := range p.differences {
				switch d.what {
				case entered:
					if known[d.id] {
						t.Errorf("limit %d: %s is said to be new a second time", limit, d.id)
					}
					known[d.id] = true
				case left:
					delete(known, d.id)
				default:
					if !known[d.id] {
						t.Errorf("limit %d: %s is said to have changed, and was never made", limit, d.id)
					}
				}
			}
			text = p.state.String()
			if p.last {
				break
			}
			if round < 20 {
				happen(2)
			}
		}
		if !reflect.DeepEqual(known, there) {
			t.Errorf("limit %d: known %v, there are %v", limit, known, there)
		}
	}
}

func TestASyncStateIsTakenWholeAndWhereItBelongs(t *testing.T) {
	s := syncState{epoch: 1, of: "inbox", base: 300, end: 700, had: 20}
	text := s.String()
	if got, ok := parseSyncState(text, 1, "inbox"); !ok || got != s {
		t.Errorf("read back: %+v, %t; want %+v", got, ok, s)
	}
	for name, bad := range map[string]string{
		"cut off":        text[:len(text)-8],
		"longer":         text + text,
		"not base64":     "*" + text[1:],
		"another magic":  "AAAA" + text[4:],
		"changed":        strings.Replace(text, text[8:12], "AbCd", 1),
		"only the magic": text[:8],
	} {
		if _, ok := parseSyncState(bad, 1, "inbox"); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if _, ok := parseSyncState(text, 2, "inbox"); ok {
		t.Error("a state from before all were made invalid is taken")
	}
	if _, ok := parseSyncState(text, 1, "calendar"); ok {
		t.Error("another folder's state is taken")
	}
	var j journal
	for _, bad := range []syncState{{base: 1}, {end: 4}, {base: 2, end: 1}} {
		if _, ok := j.pageOf(bad, 512); ok {
			t.Errorf("%+v is taken by an empty journal", bad)
		}
	}
	j.note("a", entered)
	if _, ok := j.pageOf(syncState{end: 1, had: 2}, 512); ok {
		t.Error("a state that has had more than there was is taken")
	}
}
