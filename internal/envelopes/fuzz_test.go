package envelopes_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/internal/envelopes"
)

var seeds = []string{
	"", " ", "<a/>", "<a></a>", "<a/><b/>", "<a>", "</a>", "<a></b>", "<?xml version='1.0'?><a/>", "<?xml ?>", "<?x?>", "<??>", "<!-- --><a/>", "<!--->", "<!---->", "<!----->",
	"<a><!-- </a> --></a>", "<a><![CDATA[</a>]]]></a>", "<a b='>' c=\"'\"/>", "<a b='<'/>", "<a / >", "<a/ >", "<a //>", "<a><?b ?c?>?></a>", "<!DOCTYPE a><a/>", "<html/>", "<x:html/>",
	"<html5/>", "<HTML>", "\xef\xbb\xbf<a/>\xef\xbb\xbf", "\xef\xbb", "\xff", "<a>\xff</a>", "<é/>", "<a b=c/>", "<a>&lt;&#62;&amp</a>", "x", "<a/>x", "<![CDATA[ ]]>", "<a ' ></a>'/></a>",
	heartbeat, events, heartbeat + events, before, after, "<a:b:c/>", "<:/>", "<_/>", "<-/>", "<a\n></a\t><a\r/>",
}

// cut returns a reader of data that gives as many bytes a call as cuts says,
// over and over, and the end with the last bytes if the first cut is odd.
func cut(data []byte, cuts []byte) io.Reader {
	if !slices.ContainsFunc(cuts, func(c byte) bool { return c > 0 }) {
		cuts = []byte{1}
	}
	source, i := strings.NewReader(string(data)), 0
	var r io.Reader = readerFunc(func(p []byte) (int, error) {
		n := min(int(cuts[i%len(cuts)]), len(p))
		if i++; n == 0 && source.Len() > 0 && i%len(cuts) < 50 {
			return 0, nil
		}
		return source.Read(p[:max(n, 1)])
	})
	if cuts[0]%2 == 1 {
		r = iotest.DataErrReader(r)
	}
	return r
}

// FuzzAgainstEncodingXML checks that what encoding/xml takes for documents
// comes back, to the byte, and that nothing is returned as one document in which
// encoding/xml sees more or less than one.
func FuzzAgainstEncodingXML(f *testing.F) {
	realistic, _ := realistic()
	for i, seed := range append(seeds, realistic) {
		f.Add([]byte(seed), []byte{byte(i), 1, 0, 7})
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		got := readAll(cut(data, cuts), nil)
		want := spans(data)
		if len(got.documents) < len(want) {
			t.Fatalf("%d documents, and %v; encoding/xml finds %d", len(got.documents), got.err, len(want))
		}
		for i, s := range want {
			if got.offsets[i] != s.to || got.documents[i] != string(data[s.from:s.to]) {
				t.Fatalf("document %d: %q at %d, want %q at %d", i, got.documents[i], got.offsets[i], data[s.from:s.to], s.to)
			}
		}
		for i, document := range got.documents {
			if end := got.offsets[i]; string(data[end-int64(len(document)):end]) != document {
				t.Fatalf("document %d is %q, which is not what is before %d", i, document, end)
			}
			if alone := spans([]byte(document)); len(alone) > 1 || len(alone) == 1 && alone[0] != (span{0, int64(len(document))}) {
				t.Fatalf("document %d is %q, in which encoding/xml finds %v", i, document, alone)
			}
		}
	})
}

// FuzzCuts checks that it makes no difference how the input is cut, and that a
// limit leaves out documents and changes nothing else.
func FuzzCuts(f *testing.F) {
	realistic, _ := realistic()
	for i, seed := range append(seeds, realistic) {
		f.Add([]byte(seed), []byte{byte(i), 1, 0, 7}, uint16(3*i))
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte, maxBytes uint16) {
		opts := &envelopes.Options{MaxBytes: int(maxBytes)}
		whole := readAll(strings.NewReader(string(data)), opts)
		if apart := readAll(cut(data, cuts), opts); !equal(whole, apart) {
			t.Fatalf("at once: %+v\nin parts: %+v", whole, apart)
		}
		all := readAll(cut(data, cuts), &envelopes.Options{MaxBytes: 1 << 30})
		if kind(all.err) != kind(whole.err) || all.end != whole.end || all.tooLarge != 0 {
			t.Fatalf("with a limit: %+v\nwithout: %+v", whole, all)
		}
		if maxBytes > 0 {
			all.documents = slices.DeleteFunc(all.documents, func(d string) bool { return len(d) > int(maxBytes) })
		}
		left := len(all.offsets) - len(all.documents)
		inTheLast := all.err != io.EOF && whole.tooLarge == left+1 // in one that was too large before it turned out to be broken
		if !slices.Equal(all.documents, whole.documents) || whole.tooLarge != left && !inTheLast {
			t.Fatalf("with a limit of %d: %+v\nwithout: %+v", maxBytes, whole, all)
		}
	})
}
