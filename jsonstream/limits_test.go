package jsonstream_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/jsonstream"
)

// big is a reader of a document whose first of two elements is a string of size bytes; it makes them as they are read.
func big(size int) io.Reader {
	return io.MultiReader(
		strings.NewReader(`{"value":["`),
		io.LimitReader(readerFunc(func(p []byte) (int, error) {
			for i := range p {
				p[i] = 'x'
			}
			return len(p), nil
		}), int64(size-2)),
		strings.NewReader(`", {"next":1} ]}`),
	)
}

func TestAnElementOverTheLimitIsSkippedAndTheNextOneReturned(t *testing.T) {
	const fits = `"of 10 b."`
	for _, tooLarge := range []string{
		`"123456789"`, `"123456789 and more than that"`, `[1,2,3,4,5]`, `{"value":[{"a":"]}"}]}`, `[          1]`,
		`[[[[[[[[]]]]]]]]`, `12345678901`, `-1234567.8901e10`,
	} {
		for in, count := range map[string]int{
			doc("1", tooLarge, fits, "2"):                      1,
			doc("1", "\n"+tooLarge+" ", fits, "2") + " ":       1,
			doc("1", tooLarge, tooLarge, fits, tooLarge, "2"):  3,
			doc(tooLarge, "1", fits, "2", tooLarge):            2,
			`{"x":` + tooLarge + "," + doc("1", fits, "2")[1:]: 0,
		} {
			for name, r := range map[string]io.Reader{
				"whole":           strings.NewReader(in),
				"one byte a read": iotest.OneByteReader(strings.NewReader(in)),
			} {
				got := readAll(r, &jsonstream.Options{MaxBytes: len(fits)})
				if got.err != io.EOF || got.tooLarge != count || !slices.Equal(got.elements, []string{"1", fits, "2"}) {
					t.Errorf("%q %s: %d too large, %q, %v", in, name, got.tooLarge, got.elements, got.err)
				}
			}
		}
	}
}

func TestErrTooLargeSaysWhereAndHowMuch(t *testing.T) {
	d := jsonstream.NewDecoder(strings.NewReader(doc("1", `"123456789"`)), &jsonstream.Options{MaxBytes: 5})
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	raw, err := d.Next()
	if want := "jsonstream: offset 12: element too large: more than 5 bytes; skipping it"; raw != nil || fmt.Sprint(err) != want {
		t.Errorf("got %q, %v\nwant %s", raw, err, want)
	}
	if !errors.Is(err, jsonstream.ErrTooLarge) {
		t.Error("not ErrTooLarge")
	}
	if got := d.InputOffset(); got != 12+6 {
		t.Errorf("InputOffset %d, want 18: just after the byte that was too much", got)
	}
}

func TestWhatIsSkippedIsStillValidated(t *testing.T) {
	const before = `{"value":["0123456789`
	for rest, offset := range map[string]int64{"\n\"]}": 21, `" 1]}`: 23, `"}`: 22, `\x"]}`: 22} {
		d := jsonstream.NewDecoder(strings.NewReader(before+rest), &jsonstream.Options{MaxBytes: 8})
		if _, err := d.Next(); !errors.Is(err, jsonstream.ErrTooLarge) {
			t.Fatalf("%q: %v", rest, err)
		}
		_, err := d.Next()
		if syntax, ok := errors.AsType[*jsonstream.SyntaxError](err); !ok || syntax.Offset != offset {
			t.Errorf("%q: got %v, want a SyntaxError at %d", rest, err, offset)
		}
	}
}

func TestErrorsWhileSkippingAreThoseOfAnyOtherPlace(t *testing.T) {
	broken := errors.New("broken")
	for _, want := range []error{io.ErrUnexpectedEOF, broken} {
		d := jsonstream.NewDecoder(&chunks{[]string{`{"value":["0123456789`, "abc"}, want}, &jsonstream.Options{MaxBytes: 8})
		if _, err := d.Next(); !errors.Is(err, jsonstream.ErrTooLarge) {
			t.Fatal(err)
		}
		for range 2 {
			if raw, err := d.Next(); raw != nil || err != want {
				t.Errorf("got %q, %v, want %v", raw, err, want)
			}
		}
	}
}

func TestMemoryStaysBoundedWhateverTheSizeOfAnElement(t *testing.T) {
	const maxBytes, limit = 1 << 20, 6 << 20 // the buffer and the smaller ones before it make 4 MiB; the rest is for the test and the runtime
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := jsonstream.NewDecoder(big(64<<20), &jsonstream.Options{MaxBytes: maxBytes})
	if _, err := d.Next(); !errors.Is(err, jsonstream.ErrTooLarge) {
		t.Fatal(err)
	}
	if size := jsonstream.BufferSize(d); size > 2*maxBytes {
		t.Errorf("buffer of %d bytes for elements of at most %d", size, maxBytes)
	}
	if got := drain(t, d); !slices.Equal(got, []string{`{"next":1}`}) {
		t.Errorf("then came %q", got)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("%d bytes allocated for an element of 64 MiB", got)
	}
}

func TestMemoryStaysBoundedWhateverIsBesideTheArray(t *testing.T) {
	junk := strings.Repeat("x", 3<<20)
	for name, in := range map[string]string{
		"string":      `{"a":"` + junk + `","value":[]}`,
		"name":        `{"` + junk + `":1,"value":[]}`,
		"array":       `{"value":[],"a":["` + junk + `"]}`,
		"white space": `{` + strings.Repeat(" ", 3<<20) + `"value":[` + strings.Repeat("\n", 3<<20) + "]}",
	} {
		var before, after runtime.MemStats
		r := strings.NewReader(in)
		runtime.ReadMemStats(&before)
		d := jsonstream.NewDecoder(r, nil)
		drain(t, d)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

// What a stream holds while it waits is what ten thousand of them cost.
func TestNothingIsBorrowedWhileAStreamIsQuiet(t *testing.T) {
	const keepAlive = `{"Status":"Ok"}`
	for _, big := range []int{600, 20_000, 500_000} {
		element := `"` + strings.Repeat("x", big) + `"`
		var d *jsonstream.Decoder
		during := 0
		parts := []string{`{"value":[`, element[:big/2], element[big/2:], "," + keepAlive, ",", keepAlive, "]", "}"}
		next := 0
		d = jsonstream.NewDecoder(readerFunc(func(p []byte) (int, error) {
			if parts[next] == "" {
				next++
			}
			// All that was read before has been returned, except within the big element.
			if within := next == 1 && parts[1] != element[:big/2] || next == 2; within {
				during = max(during, jsonstream.BufferSize(d))
			} else if size := jsonstream.BufferSize(d); size != jsonstream.QuietBuffer {
				t.Errorf("%d bytes, before part %d: a buffer of %d", big, next, size)
			}
			n := copy(p, parts[next])
			parts[next] = parts[next][n:]
			return n, nil
		}), nil)
		if got := drain(t, d); len(got) != 3 || got[0] != element || got[1] != keepAlive || got[2] != keepAlive {
			t.Errorf("%d bytes: got %.30q", big, got)
		}
		if during < big || during > 2*big+16<<10 {
			t.Errorf("a buffer of %d for %d bytes", during, big)
		}
		if size := jsonstream.BufferSize(d); size != 0 {
			t.Errorf("%d bytes: a buffer of %d after the end", big, size)
		}
	}
}

func TestTheBufferKeepsWhatWasReadAheadAfterABigElement(t *testing.T) {
	elements := []string{`"` + strings.Repeat("x", 100_000) + `"`}
	for i := range 20_000 {
		elements = append(elements, fmt.Sprintf(`{"n":%d}`, i))
	}
	d := jsonstream.NewDecoder(strings.NewReader(doc(elements...)), nil)
	for i, want := range elements {
		if raw, err := d.Next(); err != nil || string(raw) != want {
			t.Fatalf("element %d: got %.20q, %v", i, raw, err)
		}
	}
}

func TestTheBufferIsNoLargerThanPromised(t *testing.T) {
	for _, limit := range []int{100, 10_000, 300_000, 3 << 20} {
		var d *jsonstream.Decoder
		largest := 0
		in := strings.NewReader(doc(`"`+strings.Repeat("x", limit-2)+`"`, `"`+strings.Repeat("x", 4*limit)+`"`))
		d = jsonstream.NewDecoder(readerFunc(func(p []byte) (int, error) {
			largest = max(largest, jsonstream.BufferSize(d))
			return in.Read(p)
		}), &jsonstream.Options{MaxBytes: limit})
		if raw, err := d.Next(); err != nil || len(raw) != limit {
			t.Fatalf("%d bytes, %v; want %d", len(raw), err, limit)
		}
		if _, err := d.Next(); !errors.Is(err, jsonstream.ErrTooLarge) {
			t.Fatalf("got %v", err)
		}
		if _, err := d.Next(); err != io.EOF {
			t.Fatalf("got %v", err)
		}
		if largest > max(2*limit, 128<<10) {
			t.Errorf("a limit of %d, and a buffer of %d", limit, largest)
		}
	}
}

func TestDepthIsLimitedPerValue(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
	objects := func(depth int) string { return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat(`}`, depth) }
	opts := &jsonstream.Options{MaxDepth: 5}
	for _, in := range []string{doc(nested(5), "1", nested(5)), doc(objects(5)), `{"a":` + nested(5) + `,"value":[]}`} {
		if got := readAll(strings.NewReader(in), opts); got.err != io.EOF {
			t.Errorf("%q: %v", in, got.err)
		}
	}
	for in, offset := range map[string]int64{
		doc(nested(6)):                       15,
		doc("1", objects(6)):                 12 + 25,
		doc(`{"x":` + nested(5) + `}`):       10 + 5 + 4,
		`{"a":` + nested(6) + `,"value":[]}`: 10,
		`{"value":[],"a":` + nested(100):     21,
	} {
		got := readAll(strings.NewReader(in), opts)
		if syntax, ok := errors.AsType[*jsonstream.SyntaxError](got.err); !ok || syntax.Offset != offset || syntax.Msg != "nested more than 5 deep" {
			t.Errorf("%q: got %v, want offset %d", in, got.err, offset)
		}
	}
}

func TestDepthIsLimitedInAnElementThatIsSkipped(t *testing.T) {
	got := readAll(strings.NewReader(doc(`["too large",`+strings.Repeat("[", 100))), &jsonstream.Options{MaxBytes: 5, MaxDepth: 50})
	if syntax, ok := errors.AsType[*jsonstream.SyntaxError](got.err); !ok || got.tooLarge != 1 || syntax.Offset != 10+13+49 {
		t.Errorf("got %d too large, %v", got.tooLarge, got.err)
	}
}

func TestMembersThatAreKeptAreBounded(t *testing.T) {
	const maxValue, maxCount, maxTotal = 64 << 10, 64, 256 << 10
	str := func(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }
	read := func(members ...string) *jsonstream.Decoder {
		d := jsonstream.NewDecoder(strings.NewReader("{"+strings.Join(append(members, `"value":[1]`), ",")+"}"), nil)
		if got := drain(t, d); len(got) != 1 {
			t.Fatalf("%d elements", len(got))
		}
		return d
	}

	d := read(`"fits":`+str(maxValue), `"over":`+str(maxValue+1), `"small":1`)
	if len(d.Member("fits")) != maxValue || d.Member("over") != nil || string(d.Member("small")) != "1" {
		t.Errorf("value size: %d, %d, %q", len(d.Member("fits")), len(d.Member("over")), d.Member("small"))
	}

	long := strings.Repeat("n", maxValue-2)
	d = read(`"`+long+`":1`, `"`+long+`x":2`, `"":3`)
	if string(d.Member(long)) != "1" || d.Member(long+"x") != nil || string(d.Member("")) != "3" {
		t.Errorf("name size: %q, %q, %q", d.Member(long), d.Member(long+"x"), d.Member(""))
	}
	broken := `{"` + long + "xyz\n"
	if got := readAll(strings.NewReader(broken), nil); got.end != int64(len(broken)-1) {
		t.Errorf("a name that is skipped is validated: %d of %d, %v", got.end, len(broken), got.err)
	}
	d = read(`"":3`, `"`+long+`x":4`, `"`+long+`y":`+str(maxValue+1))
	if string(d.Member("")) != "3" {
		t.Errorf("the empty name was taken for one that is too long: %q", d.Member(""))
	}

	var many []string
	for i := range maxCount + 1 {
		many = append(many, fmt.Sprintf(`"m%d":%d`, i, i))
	}
	d = read(append(many, `"m0":"again"`)...)
	if string(d.Member("m63")) != "63" || d.Member("m64") != nil || string(d.Member("m0")) != `"again"` {
		t.Errorf("count: %q, %q, %q", d.Member("m63"), d.Member("m64"), d.Member("m0"))
	}

	big := str(maxTotal/4 - 1)
	d = read(`"a":`+big, `"b":`+big, `"c":`+big, `"d":`+big, `"e":1`)
	if len(d.Member("d")) != len(big) || d.Member("e") != nil {
		t.Errorf("total: %d, %q", len(d.Member("d")), d.Member("e"))
	}
	d = read(`"a":`+big, `"b":`+big, `"c":`+big, `"d":`+big, `"b":0`, `"e":1`)
	if string(d.Member("b")) != "0" || string(d.Member("e")) != "1" {
		t.Errorf("what is replaced still counts: %q, %q", d.Member("b"), d.Member("e"))
	}

	d = read(`"a":1`, `"a":`+str(maxValue+1))
	if d.Member("a") != nil {
		t.Errorf("the last a was too large to keep, and an earlier one is taken for it: %q", d.Member("a"))
	}
}
