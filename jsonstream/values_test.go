package jsonstream_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/jsonstream"
)

type point struct{ X, Y int }

// collect ranges over all pairs and fails the test if one comes after an error.
func collect[T any](t *testing.T, r io.Reader, opts *jsonstream.Options) (values []T, err error) {
	t.Helper()
	for v, e := range jsonstream.Values[T](r, opts) {
		if err != nil {
			t.Fatalf("a pair after the error %v", err)
		}
		if err = e; err == nil {
			values = append(values, v)
		}
	}
	return values, err
}

func TestValuesDecodesEveryElementAndEndsWithoutAnError(t *testing.T) {
	got, err := collect[point](t, strings.NewReader(`{"value":[{"X":1},{"Y":2},null,{"X":3,"Y":4}],"a":1}`), nil)
	if want := []point{{X: 1}, {Y: 2}, {}, {3, 4}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestValuesTakesTheOptions(t *testing.T) {
	got, err := collect[int](t, strings.NewReader(`{"n":[1,2]}`), &jsonstream.Options{Member: "n"})
	if err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestValuesMayBeKept(t *testing.T) {
	got, err := collect[json.RawMessage](t, strings.NewReader(doc(`{"a":1}`, `{"b":2}`, `{"c":3}`)), nil)
	if err != nil || string(slices.Concat(got...)) != `{"a":1}{"b":2}{"c":3}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestValuesYieldsEveryErrorLastWithTheZeroValue(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		in   string
		err  error
		opts *jsonstream.Options
		is   func(error) bool
	}{
		"truncated": {`{"value":[{"X":1},{"X":2`, io.EOF, nil, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"reader":    {`{"value":[{"X":1},{"X":2`, broken, nil, func(err error) bool { return err == broken }},
		"syntax": {`{"value":[{"X":1},{"X":2,}`, io.EOF, nil, func(err error) bool {
			_, ok := errors.AsType[*jsonstream.SyntaxError](err)
			return ok
		}},
		"too large": {doc(`{"X":1}`, `{"X":2,"Y":3}`, `{"X":4}`), io.EOF, &jsonstream.Options{MaxBytes: 8}, func(err error) bool {
			return errors.Is(err, jsonstream.ErrTooLarge)
		}},
		"type": {doc(`{"X":1}`, `{"X":2,"Y":"three"}`, `{"X":4}`), io.EOF, nil, func(err error) bool {
			_, ok := errors.AsType[*json.UnmarshalTypeError](err)
			return ok && strings.HasPrefix(err.Error(), "jsonstream: element at offset 18: ")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var values []point
			var last error
			for v, err := range jsonstream.Values[point](&chunks{[]string{test.in}, test.err}, test.opts) {
				values, last = append(values, v), err
			}
			if !slices.Equal(values, []point{{X: 1}, {}}) || last == nil || !test.is(last) {
				t.Errorf("got %v, %v", values, last)
			}
		})
	}
}

func TestValuesStopsReadingWhenTheLoopIsLeft(t *testing.T) {
	for v, err := range jsonstream.Values[int](lastReads(t, `{"value":[1,2,`, 1), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if v == 2 {
			break
		}
	}
}
