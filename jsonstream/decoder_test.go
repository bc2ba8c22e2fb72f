package jsonstream_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/jsonstream"
)

func TestNextReturnsEveryElementRawAndTrimmed(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(realistic), nil)
	if got := drain(t, d); !slices.Equal(got, realisticElements) {
		t.Errorf("got %q\nwant %q", got, realisticElements)
	}
}

func TestOptionsDefaults(t *testing.T) {
	for name, opts := range map[string]*jsonstream.Options{"nil": nil, "zero": {}, "negative": {MaxBytes: -1, MaxDepth: -1}} {
		t.Run(name, func(t *testing.T) {
			fits := `"` + strings.Repeat("a", 1<<20-2) + `"`
			deep := strings.Repeat("[", 512) + strings.Repeat("]", 512)
			if got := drain(t, jsonstream.NewDecoder(strings.NewReader(doc(fits, deep)), opts)); len(got) != 2 {
				t.Errorf("%d elements, want 2", len(got))
			}
			if got := readAll(strings.NewReader(doc(`"a`+fits[1:])), opts); got.tooLarge != 1 || got.err != io.EOF {
				t.Errorf("1 MiB + 1: %d too large, err %v", got.tooLarge, got.err)
			}
			var syntax *jsonstream.SyntaxError
			if got := readAll(strings.NewReader(doc("["+deep+"]")), opts); !errors.As(got.err, &syntax) {
				t.Errorf("513 deep: %v, want a SyntaxError", got.err)
			}
		})
	}
}

func TestOptionsMember(t *testing.T) {
	const in = `{"value":[1],"Events":[2,3],"events":[4]}`
	d := jsonstream.NewDecoder(strings.NewReader(in), &jsonstream.Options{Member: "Events"})
	if got := drain(t, d); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("got %q", got)
	}
	if got := string(d.Member("value")); got != "[1]" {
		t.Errorf("Member(value) = %q: with another name for the array it is a member like any other", got)
	}
}

func TestMemberNamesAreComparedAfterUnescaping(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(`{"\u0061\/\"\ud83d\ude00ü":1,"v\u0061lue":[2]}`), nil)
	if got := drain(t, d); !slices.Equal(got, []string{"2"}) {
		t.Errorf("got %q", got)
	}
	if got := string(d.Member("a/\"😀ü")); got != "1" {
		t.Errorf("escaped name: %q, want 1", got)
	}
}

func TestBrokenMemberNamesHaveReplacementCharacters(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader("{\"a\xff\":1,\"b\\ud800\":2,\"value\":[]}"), nil)
	drain(t, d)
	if a, b := string(d.Member("a\ufffd")), string(d.Member("b\ufffd")); a != "1" || b != "2" {
		t.Errorf("got %q and %q, want 1 and 2", a, b)
	}
}

func TestALongArrayNameIsFoundAlsoWhenEscaped(t *testing.T) {
	name := strings.Repeat("n", 100_000)
	in := `{"` + strings.Repeat(`\u006e`, 100_000) + `":[1]}`
	if got := readAll(strings.NewReader(in), &jsonstream.Options{Member: name}); got.err != io.EOF || len(got.elements) != 1 {
		t.Errorf("got %d elements, %v", len(got.elements), got.err)
	}
}

func TestMembersBeforeAndAfterTheArray(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(realistic), nil)
	if d.Member("n") != nil {
		t.Error("a member was met before anything was read")
	}
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	if got := string(d.Member("n")); got != "-1.5e+10" {
		t.Errorf("number before the array: %q", got)
	}
	if got := string(d.Member("noise")); got != `{"value":[{"value":1}],"]":"}"}` {
		t.Errorf("object before the array: %q", got)
	}
	if got := d.Member("later"); got != nil {
		t.Errorf("a member after the array was met before the array's end: %q", got)
	}
	drain(t, d)
	if got := string(d.Member("later")); got != `[false,{"value":null}]` {
		t.Errorf("array after the array: %q", got)
	}
	if d.Member("value") != nil {
		t.Error("the array itself is kept as a member")
	}
}

func TestMemberReturnsTheLastOfAName(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(`{"a":1,"a":2,"value":[],"\u0061":3}`), nil)
	drain(t, d)
	if got := string(d.Member("a")); got != "3" {
		t.Errorf("got %q, want 3", got)
	}
}

func TestMemberReturnsACopy(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(`{"a":"x","value":[]}`), nil)
	drain(t, d)
	clear(d.Member("a"))
	if got := string(d.Member("a")); got != `"x"` {
		t.Errorf("the caller changed what the decoder keeps: %q", got)
	}
}

func TestInputOffsetIsJustAfterTheLastByteOfTheElement(t *testing.T) {
	const in = "\xef\xbb\xbf{ \"value\" : [ {} , 12 , [ ] ] , \"x\" : 1 } tail"
	got := readAll(strings.NewReader(in), nil)
	if want := []int64{19, 24, 30}; !slices.Equal(got.offsets, want) {
		t.Errorf("offsets %v, want %v", got.offsets, want)
	}
	if want := int64(strings.LastIndexByte(in, '}') + 1); got.err != io.EOF || got.end != want {
		t.Errorf("at the end: %v, offset %d, want EOF and %d", got.err, got.end, want)
	}
	if got := jsonstream.NewDecoder(strings.NewReader(in), nil).InputOffset(); got != 0 {
		t.Errorf("before the first call: %d", got)
	}
}

func TestADocumentWithoutTheArrayIsASyntaxErrorAndItsMembersCanBeRead(t *testing.T) {
	const in = `{"error":{"code":"ErrorAccessDenied","value":[1]} }`
	d := jsonstream.NewDecoder(strings.NewReader(in), nil)
	_, err := d.Next()
	syntax, ok := errors.AsType[*jsonstream.SyntaxError](err)
	if !ok || !strings.Contains(syntax.Msg, `member "value" was never met`) {
		t.Fatalf("got %v", err)
	}
	if want := int64(len(in) - 1); syntax.Offset != want {
		t.Errorf("offset %d, want %d", syntax.Offset, want)
	}
	if got := string(d.Member("error")); got != `{"code":"ErrorAccessDenied","value":[1]}` {
		t.Errorf("Member(error) = %q", got)
	}
	if _, again := d.Next(); again != err {
		t.Errorf("again: %v", again)
	}
}

func TestAnArrayMemberThatIsNoArraySaysSo(t *testing.T) {
	for value, kind := range map[string]string{
		"null": "is null", "1": "is a number", "-1": "is a number", "0": "is a number", `"s"`: "is a string",
		`{"value":[]}`: "is an object", "true": "is a boolean", "false": "is a boolean", "}": "'}' where '[' was expected",
	} {
		t.Run(value, func(t *testing.T) {
			got := readAll(strings.NewReader(`{"a":[],"value": `+value+`}`), nil)
			syntax, ok := errors.AsType[*jsonstream.SyntaxError](got.err)
			if !ok || !strings.Contains(syntax.Msg, kind) || syntax.Offset != 17 {
				t.Errorf("got %v, want a SyntaxError at 17 that says it %s", got.err, kind)
			}
		})
	}
}

func TestASecondArrayIsASyntaxErrorAtItsName(t *testing.T) {
	for _, second := range []string{"[2]", "null", `"x"`} {
		got := readAll(strings.NewReader(`{"value":[1], "value":`+second+`}`), nil)
		syntax, ok := errors.AsType[*jsonstream.SyntaxError](got.err)
		if !ok || syntax.Offset != 14 || !strings.Contains(syntax.Msg, `member "value" occurs a second time`) {
			t.Errorf("%s: got %v", second, got.err)
		}
		if !slices.Equal(got.elements, []string{"1"}) {
			t.Errorf("%s: elements %q, want those of the first array", second, got.elements)
		}
	}
}

func TestTheDocumentEndsAtItsClosingBraceWhateverFollows(t *testing.T) {
	for _, tail := range []string{"", " \r\n\t", "x", `{"value":[2]}`, "}", "\xef\xbb\xbf", "\x00"} {
		for name, r := range map[string]io.Reader{
			"in one read": strings.NewReader(doc("1") + tail),
			"apart":       &chunks{[]string{doc("1"), tail}, io.EOF},
		} {
			d := jsonstream.NewDecoder(r, nil)
			if got := drain(t, d); !slices.Equal(got, []string{"1"}) {
				t.Errorf("%q %s: elements %q", tail, name, got)
			}
			for range 3 {
				if raw, err := d.Next(); raw != nil || err != io.EOF {
					t.Errorf("%q %s: after the end: %q, %v", tail, name, raw, err)
				}
			}
			if got, want := d.InputOffset(), int64(len(doc("1"))); got != want {
				t.Errorf("%q %s: InputOffset %d, want %d", tail, name, got, want)
			}
		}
	}
}

func TestAppendingToAnElementDoesNotTouchWhatFollows(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(doc(`{"a":1}`, `{"b":2}`)), nil)
	first, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(first, "overwritten?"...)
	if second, err := d.Next(); err != nil || string(second) != `{"b":2}` {
		t.Errorf("got %q, %v", second, err)
	}
}

func TestManyElementsThroughOneBuffer(t *testing.T) {
	const n = 5_000
	var in strings.Builder
	in.WriteString(`{"value":[0`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&in, ",\n{\"i\":%d,\"pad\":%q}", i, strings.Repeat("p", i%300))
	}
	in.WriteString("]}")
	d := jsonstream.NewDecoder(strings.NewReader(in.String()), nil)
	for i := range n {
		raw, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"i":%d,"pad":%q}`, i, strings.Repeat("p", i%300)); i > 0 && string(raw) != want {
			t.Fatalf("element %d is %s", i, raw)
		}
	}
	if _, err := d.Next(); err != io.EOF {
		t.Errorf("got %v", err)
	}
}
