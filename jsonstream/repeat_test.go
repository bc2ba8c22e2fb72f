package jsonstream_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/jsonstream"
)

// An element that is the same as the one before is not scanned again; nothing else may be taken for one.
func TestElementsThatResembleTheOneBefore(t *testing.T) {
	const keepAlive = `{"a":"Ok"}`
	for _, elements := range [][]string{
		{keepAlive, keepAlive, keepAlive},
		{keepAlive, `{"a":"Ok","b":1}`, keepAlive},
		{`{"a":"Ok","b":1}`, keepAlive, `{"a":"Ok","b":1}`},
		{`{}`, `{"a":1}`, `{}`, `{}`},
		{`1`, `1`, `12`, `1`, `"1"`, `"1"`, `true`, `true`, `null`},
		{keepAlive, `[` + keepAlive + `]`, keepAlive},
		{keepAlive, `"` + strings.Repeat("x", 2000) + `"`, keepAlive, keepAlive},
		slices.Repeat([]string{`{"a":"` + strings.Repeat("x", 104) + `"}`}, 3), // 112 bytes and one more
		slices.Repeat([]string{`{"a":"` + strings.Repeat("x", 105) + `"}`}, 3),
	} {
		for size := range 12 {
			in := []byte(doc(elements...))
			d := jsonstream.NewDecoder(cut(in, []byte{byte(size + 1)}), nil)
			for i, want := range elements {
				raw, err := d.Next()
				if err != nil || string(raw) != want {
					t.Fatalf("%q, %d bytes a read: element %d is %q, %v", elements, size, i, raw, err)
				}
				if d.Repeats() && (i == 0 || want != elements[i-1]) {
					t.Fatalf("%q: element %d repeats", elements, i)
				}
				if strings.HasPrefix(want, "{") {
					if got := membersFrom(d.Fields()); !slices.Equal(got, membersOf(t, want)) {
						t.Fatalf("%q: the members of element %d are %q", elements, i, got)
					}
				}
			}
			if _, err := d.Next(); err != io.EOF {
				t.Fatalf("%q: %v", elements, err)
			}
		}
	}
}

func TestWhatFollowsARepeatedElementIsLookedAt(t *testing.T) {
	for _, after := range []string{`}`, `"`, `{"a":1}`, `1`} {
		got := readAll(strings.NewReader(`{"value":[{"a":1},{"a":1}`+after), nil)
		if want := fmt.Sprintf("jsonstream: offset 25: %q where ',' or ']' was expected", after[0]); len(got.elements) != 2 || got.err.Error() != want {
			t.Errorf("%s: %q, %v; want %s", after, got.elements, got.err, want)
		}
	}
}

func TestAnElementIsHeldToTheLimitsOfItsDecoder(t *testing.T) {
	in := doc(`{"a":1}`, `{"a":1}`, `{"a":12}`, `{"a":1}`)
	got := readAll(strings.NewReader(in), &jsonstream.Options{MaxBytes: 7})
	if len(got.elements) != 3 || got.tooLarge != 1 || got.err != io.EOF {
		t.Errorf("%+v", got)
	}
}

func TestRepeatsTellsWhatNeedNotBeDecodedAgain(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(doc(`{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":2}`, `1`, `1`)), nil)
	for i, want := range []bool{false, true, true, false, false, false} {
		if _, err := d.Next(); err != nil || d.Repeats() != want {
			t.Errorf("element %d: %v, %v", i, d.Repeats(), err)
		}
	}
	if _, err := d.Next(); err != io.EOF || d.Repeats() {
		t.Errorf("at the end: %v, %v", d.Repeats(), err)
	}
}
