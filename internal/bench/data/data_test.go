package data_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// The sizes are those of the targets: each element within a fifth, the mean
// within a twentieth.
func TestSizes(t *testing.T) {
	want := map[data.Kind]int{
		data.KeepAlive: 80, data.Simple: 1_150, data.Rich14K: 14_600, data.Rich70K: 71_800, data.Rich70KNonASCII: 71_800,
	}
	for _, kind := range data.Kinds() {
		elements, sum := data.Elements(kind), 0
		for i, e := range elements {
			sum += len(e)
			if 5*len(e) < 4*want[kind] || 5*len(e) > 6*want[kind] {
				t.Errorf("%v %d has %d bytes, want about %d", kind, i, len(e), want[kind])
			}
		}
		if mean := sum / len(elements); 20*mean < 19*want[kind] || 20*mean > 21*want[kind] {
			t.Errorf("%v: %d bytes on average, want about %d", kind, mean, want[kind])
		}
	}
}

func TestValid(t *testing.T) {
	for _, kind := range data.Kinds() {
		for i, e := range data.Elements(kind) {
			if !json.Valid(e) || !utf8.Valid(e) {
				t.Fatalf("%v %d is not JSON: %s", kind, i, e)
			}
		}
	}
}

func TestDifferent(t *testing.T) {
	for _, kind := range data.Kinds() {
		elements := data.Elements(kind)
		different, lengths, ids := map[string]bool{}, map[int]bool{}, map[string]bool{}
		for _, e := range elements {
			var n struct{ ResourceData struct{ ID, Subject string } }
			if err := json.Unmarshal(e, &n); err != nil {
				t.Fatal(err)
			}
			different[string(e)], lengths[len(e)], ids[n.ResourceData.ID] = true, true, true
		}
		if kind == data.KeepAlive {
			if len(elements) < 100 || len(different) != 1 {
				t.Errorf("%d keep-alives, %d different, want identical ones as on the wire", len(elements), len(different))
			}
			continue
		}
		if len(different) < 100 || len(ids) != len(different) {
			t.Errorf("%v: %d elements and %d ids are different, want 100 of each", kind, len(different), len(ids))
		}
		if want := map[bool]int{true: 5, false: 100}[kind == data.Simple]; len(lengths) < want {
			t.Errorf("%v: %d different lengths, want %d", kind, len(lengths), want)
		}
	}
}

func TestVariedKeepAlivesDifferFromTheirNeighbours(t *testing.T) {
	elements := data.VariedKeepAlives()
	for i, e := range elements {
		if bytes.Equal(e, elements[(i+1)%len(elements)]) || !json.Valid(e) {
			t.Fatalf("%d and its neighbour are both %s", i, e)
		}
	}
}

// The same each time, so that contestants and runs can be compared.
func TestDeterministic(t *testing.T) {
	for _, kind := range data.Kinds() {
		if !slices.EqualFunc(data.Elements(kind), data.Elements(kind), bytes.Equal) {
			t.Errorf("%v: other elements the second time", kind)
		}
	}
}

// Backslashes are what slows a scanner of strings down: as many as real HTML has.
func TestEscapesAndAlphabets(t *testing.T) {
	for kind, want := range map[data.Kind][2]int{data.Rich14K: {150, 320}, data.Rich70K: {1_300, 1_800}, data.Rich70KNonASCII: {700, 1_800}} {
		for i, e := range data.Elements(kind) {
			if n := bytes.Count(e, []byte{'\\'}); n < want[0] || n > want[1] {
				t.Fatalf("%v %d has %d backslashes, want %d to %d", kind, i, n, want[0], want[1])
			}
			ascii := 0
			for _, c := range e {
				if c < utf8.RuneSelf {
					ascii++
				}
			}
			if part := float64(ascii) / float64(len(e)); (kind == data.Rich70KNonASCII) != (part < 0.5) {
				t.Errorf("%v %d: %.2f of its bytes are ASCII", kind, i, part)
			}
		}
	}
}

func TestDocument(t *testing.T) {
	elements := data.Elements(data.Simple)
	var document struct {
		Context string            `json:"@odata.context"`
		Value   []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data.Document(elements), &document); err != nil || document.Context == "" {
		t.Fatal(err, document.Context)
	}
	if !slices.EqualFunc(elements, document.Value, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		t.Error("other elements in the document")
	}
}
