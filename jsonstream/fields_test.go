package jsonstream_test

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/jsonstream"
)

func membersFrom(fields iter.Seq2[[]byte, []byte]) (all []string) {
	for name, value := range fields {
		all = append(all, string(name), string(value))
	}
	return all
}

// membersOf returns what encoding/json finds in an object.
func membersOf(t *testing.T, object string) (all []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		var value json.RawMessage
		err = d.Decode(&value)
		all = append(all, name.(string), string(value))
	}
	if err != nil {
		t.Fatalf("%q: %v", object, err)
	}
	return all
}

// manyMembers is an object with n members of all kinds.
func manyMembers(n int) string {
	kinds := []string{`"text"`, `-1.5e3`, `{"a":{"b":[1,{"c":2}]},"d":3}`, `[{"x":1},2]`, `null`, `true`, `"\"}"`, `{}`, ` [ ] `}
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(" \"name%d\" :%s", i, kinds[i%len(kinds)]))
	}
	return "{" + strings.Join(members, ",") + " }"
}

func TestFieldsAreTheMembersOfTheElement(t *testing.T) {
	objects := []string{`{}`, `{ }`, `{"a":1}`, `{"a":1,"a":2}`, `{"":""}`, `{"\u0041b":1}`, "{\"gr\u00fc\u00df\":1}", `{"a\"b":{"c":1}}`, `{"a":{}}`, `{"a":[]}`}
	for n := 1; n < 30; n++ {
		objects = append(objects, manyMembers(n))
	}
	for _, object := range objects {
		want := membersOf(t, object)
		if got := membersFrom(jsonstream.Fields([]byte(object))); !slices.Equal(got, want) {
			t.Errorf("Fields of %s:\ngot  %q\nwant %q", object, got, want)
		}
		for _, cuts := range [][]byte{{1}, {3}, {255}} {
			d := jsonstream.NewDecoder(cut([]byte(doc("1", object, object, `"x"`, object)), cuts), nil)
			for i := range 5 {
				if _, err := d.Next(); err != nil {
					t.Fatal(err)
				}
				got := membersFrom(d.Fields())
				if isObject := i == 1 || i == 2 || i == 4; isObject && !slices.Equal(got, want) || !isObject && len(got) > 0 {
					t.Errorf("element %d of %s, cut by %d:\ngot  %q\nwant %q", i, object, cuts, got, want)
				}
			}
		}
	}
}

func TestFieldsOfWhatIsNoObjectAreNone(t *testing.T) {
	for _, value := range []string{"", "1", "[1]", `"{"`, "null", "{", `{"a`, `{"a":`, `{"a"}`, `{"a":nul}`, `{1:2}`} {
		if got := membersFrom(jsonstream.Fields([]byte(value))); len(got) > 0 {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestFieldsGoNoFurtherThanTheLoop(t *testing.T) {
	for _, upTo := range []int{0, 3, 7, 8, 20} {
		d := jsonstream.NewDecoder(strings.NewReader(doc(manyMembers(25))), nil)
		raw, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		for i, fields := range []iter.Seq2[[]byte, []byte]{d.Fields(), jsonstream.Fields(raw)} {
			seen := 0
			for range fields {
				if seen == upTo {
					break
				}
				seen++
			}
			if seen != upTo {
				t.Errorf("%d: left after %d members, want %d", i, seen, upTo)
			}
		}
	}
}

func TestThereAreNoFieldsWithoutAnElement(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(doc(`{"a":1}`)), nil)
	if got := membersFrom(d.Fields()); len(got) > 0 {
		t.Errorf("before the first: %q", got)
	}
	drain(t, d)
	if got := membersFrom(d.Fields()); len(got) > 0 {
		t.Errorf("after the last: %q", got)
	}
}

func TestFieldsAllocateNothing(t *testing.T) {
	r := &endless{first: `{"value":[`, loop: `{"@odata.type":"a","Id":null,"Data":{"Id":"x"}},{"Id":2},`}
	d := jsonstream.NewDecoder(r, nil)
	got := testing.AllocsPerRun(1000, func() {
		raw, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for name, value := range d.Fields() {
			size += len(name) + len(value)
		}
		for name := range jsonstream.Fields(raw) {
			size += len(name)
			break
		}
		if size == 0 {
			t.Fatal("no fields")
		}
	})
	if got != 0 {
		t.Errorf("%v allocations an element", got)
	}
}

// endless is a document whose elements never end.
type endless struct {
	first, loop string
	at          int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.first != "" {
		n := copy(p, e.first)
		e.first = e.first[n:]
		return n, nil
	}
	n := copy(p, e.loop[e.at:])
	e.at = (e.at + n) % len(e.loop)
	return n, nil
}

var _ io.Reader = (*endless)(nil)
