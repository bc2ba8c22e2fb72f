package jsonstream

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// Values returns the elements of the array in the document that r delivers, each decoded into a T by encoding/json as soon as
// its last byte has been read. opts may be nil.
//
// The sequence ends after the last element if the document then ends as it should. Everything else is an error, which comes as the last
// pair, with the zero T: those of [Decoder.Next], and encoding/json's own, wrapped, for an element that does not fit T.
// [ErrTooLarge] ends it as well; use a [Decoder] to go on after it.
//
// The sequence is for one use, since r is. While the loop body runs, nothing is read.
func Values[T any](r io.Reader, opts *Options) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		d := NewDecoder(r, opts)
		for {
			raw, err := d.Next()
			if err == io.EOF {
				return
			}
			var v T
			if err == nil {
				if err = json.Unmarshal(raw, &v); err != nil {
					err = fmt.Errorf("jsonstream: element at offset %d: %w", d.InputOffset()-int64(len(raw)), err)
				}
			}
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}
