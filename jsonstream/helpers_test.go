package jsonstream_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/jsonstream"
)

// A result is all that a document gave.
type result struct {
	elements []string
	offsets  []int64 // after each element
	err      error   // that ended it
	tooLarge int     // elements over the limit
	end      int64   // InputOffset after the end
}

// readAll reads from r until the error that is final.
func readAll(r io.Reader, opts *jsonstream.Options) (got result) {
	d := jsonstream.NewDecoder(r, opts)
	for {
		switch raw, err := d.Next(); {
		case err == nil:
			got.elements = append(got.elements, string(raw))
			got.offsets = append(got.offsets, d.InputOffset())
		case errors.Is(err, jsonstream.ErrTooLarge):
			got.tooLarge++
		default:
			got.err, got.end = err, d.InputOffset()
			return got
		}
	}
}

// drain calls Next until the end of the document and fails the test if it does not end well.
func drain(t *testing.T, d *jsonstream.Decoder) (elements []string) {
	t.Helper()
	for {
		raw, err := d.Next()
		if err == io.EOF {
			return elements
		}
		if err != nil {
			t.Fatalf("after %d elements: %v", len(elements), err)
		}
		elements = append(elements, string(raw))
	}
}

// chunks is a reader that delivers one chunk a call, then the error.
type chunks struct {
	data []string
	err  error
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, c.err
	}
	n := copy(p, c.data[0])
	if c.data[0] = c.data[0][n:]; c.data[0] == "" {
		c.data = c.data[1:]
	}
	return n, nil
}

// readerFunc is a Read method.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// doc wraps elements into a document.
func doc(elements ...string) string { return `{"value":[` + strings.Join(elements, ",") + `]}` }

// realistic is a document with everything that can lie in the way; every element of it is one of realisticElements.
const realistic = "\xef\xbb\xbf" + ` {"@odata.context" : "https://outlook.office.com/api/beta/metadata#Notifications",
 "noise":{"value":[{"value":1}],"]":"}"} , "n":-1.5e+10,
 "value" : [
  {"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"Ok"},
  {"Id":null,"value":[{"value":[]},"]}"],"Subject":"\"Grüße\" \\ \/ \u00e9 \ud83d\ude00 😀 {[,:","ok":true} , "a string, with \"]\"",
  -0.5e-3, 42 ,true,false,null,[],{} , [1,[2,{"value":[3]}] ]
 ], "later":[false,{"value":null}],"@odata.nextLink" : "x"
} `

var realisticElements = []string{
	`{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"Ok"}`,
	`{"Id":null,"value":[{"value":[]},"]}"],"Subject":"\"Grüße\" \\ \/ \u00e9 \ud83d\ude00 😀 {[,:","ok":true}`,
	`"a string, with \"]\""`, `-0.5e-3`, `42`, `true`, `false`, `null`, `[]`, `{}`, `[1,[2,{"value":[3]}] ]`,
}

// equal reports whether two runs gave the same, errors by their text.
func equal(a, b result) bool {
	return slices.Equal(a.elements, b.elements) && slices.Equal(a.offsets, b.offsets) &&
		a.err.Error() == b.err.Error() && a.tooLarge == b.tooLarge && a.end == b.end
}
