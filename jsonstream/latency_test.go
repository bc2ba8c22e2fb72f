package jsonstream_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/calwatch/calwatch/jsonstream"
)

// lastReads is a reader that delivers data, by size bytes a call, and fails the test when it is asked for more.
func lastReads(t *testing.T, data string, size int) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if data == "" {
			t.Error("asked for another byte")
			return 0, errors.New("asked for another byte")
		}
		n := copy(p, data[:min(size, len(data))])
		data = data[n:]
		return n, nil
	})
}

func TestNextDoesNotReadOnceAnElementIsComplete(t *testing.T) {
	for _, element := range []string{
		`{}`, `[]`, `{"a":{"b":[1]}}`, `[[1,2],{"x":"]"}]`, `""`, `"a\"b"`, `"\u00e9"`, `true`, `false`, `null`,
	} {
		for _, before := range []string{`{"value":[`, "\xef\xbb\xbf{ \"a\":1,\n\"value\" : [ ", `{"value":[1,`, `{"value":[{} , `} {
			for _, size := range []int{1, 3, 1 << 20} {
				in := before + element
				d := jsonstream.NewDecoder(lastReads(t, in, size), nil)
				last := ""
				for d.InputOffset() < int64(len(in)) {
					raw, err := d.Next()
					if err != nil {
						t.Fatalf("%q, %d bytes a read: %v", in, size, err)
					}
					last = string(raw)
				}
				if last != element {
					t.Errorf("%q, %d bytes a read: got %q, want %q", in, size, last, element)
				}
			}
		}
	}
}

func TestANumberIsReturnedAtTheByteAfterIt(t *testing.T) {
	for _, number := range []string{"0", "-0", "7", "120", "0.5", "1e9", "-1.5E+10", "1E-2"} {
		for _, after := range []string{",", "]", " ", "\n", "\t", "\r"} {
			d := jsonstream.NewDecoder(lastReads(t, `{"value":[`+number+after, 1), nil)
			if raw, err := d.Next(); err != nil || string(raw) != number {
				t.Errorf("%q before %q: got %q, %v", number, after, raw, err)
			}
		}
	}
}

func TestTheEndIsReturnedAtTheClosingBrace(t *testing.T) {
	for _, in := range []string{`{"value":[]}`, `{"value":[],"a":1}`, `{"value":[] , "a":"x" }`} {
		for _, size := range []int{1, 1 << 20} {
			if _, err := jsonstream.NewDecoder(lastReads(t, in, size), nil).Next(); err != io.EOF {
				t.Errorf("%q: %v, want EOF", in, err)
			}
		}
	}
}

func TestADocumentWithoutTheArrayIsReportedAtTheClosingBrace(t *testing.T) {
	_, err := jsonstream.NewDecoder(lastReads(t, `{"error":{}}`, 1), nil).Next()
	if _, ok := errors.AsType[*jsonstream.SyntaxError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestASyntaxErrorIsReportedAtTheOffendingByte(t *testing.T) {
	for _, in := range []string{`[`, `{"value":{`, `{"value":[}`, `{"value":[{,`, `{"value":["` + "\n", `{"value":[01`} {
		_, err := jsonstream.NewDecoder(lastReads(t, in, 1), nil).Next()
		if syntax, ok := errors.AsType[*jsonstream.SyntaxError](err); !ok || syntax.Offset != int64(len(in)-1) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}

func TestTooLargeIsReportedAtTheByteThatIsTooMuch(t *testing.T) {
	d := jsonstream.NewDecoder(lastReads(t, `{"value":["12345678`, 1), &jsonstream.Options{MaxBytes: 8})
	if _, err := d.Next(); !errors.Is(err, jsonstream.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestElementsArriveWhileTheConnectionStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		got := make(chan string, 100)
		go func() {
			defer close(got)
			d := jsonstream.NewDecoder(r, nil)
			for {
				raw, err := d.Next()
				if err != nil {
					got <- err.Error()
					return
				}
				got <- string(raw)
			}
		}()
		for _, step := range []struct {
			write string
			want  []string // what has come when everybody waits for the next write
		}{
			{"\xef\xbb\xbf", nil},
			{`{"@odata.context":"x","value":[`, nil},
			{` {"Status":"Ok"}`, []string{`{"Status":"Ok"}`}},
			{`,`, nil},
			{"\n", nil},
			{`{"a":`, nil},
			{`{}`, nil},
			{`}`, []string{`{"a":{}}`}},
			{`,true,"x",[1]`, []string{"true", `"x"`, "[1]"}},
			{`,12`, nil},
			{`,`, []string{"12"}},
			{`{}]`, []string{"{}"}},
			{`,"b":1`, nil},
			{`}`, []string{"EOF"}},
		} {
			if _, err := io.WriteString(w, step.write); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for _, want := range step.want {
				select {
				case s := <-got:
					if s != want {
						t.Errorf("after %q: got %s, want %s", step.write, s, want)
					}
				default:
					t.Errorf("after %q: nothing came, want %s", step.write, want)
				}
			}
			if len(got) > 0 {
				t.Errorf("after %q: too much came: %s", step.write, <-got)
			}
		}
	})
}

func TestSplitsDoNotMatter(t *testing.T) {
	whole := readAll(strings.NewReader(realistic), nil)
	same := func(name string, r io.Reader) {
		t.Helper()
		if got := readAll(r, nil); !equal(got, whole) {
			t.Fatalf("%s: got %+v\nwant %+v", name, got, whole)
		}
	}
	same("one byte a read", iotest.OneByteReader(strings.NewReader(realistic)))
	same("half reads", iotest.HalfReader(strings.NewReader(realistic)))
	same("EOF with the last bytes", iotest.DataErrReader(strings.NewReader(realistic)))
	for i := range len(realistic) + 1 {
		same("two reads", &chunks{[]string{realistic[:i], realistic[i:]}, io.EOF})
	}
}
