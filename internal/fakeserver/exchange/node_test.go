package exchange

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "<a/>", "<a><b/>text<c x='1'>more</c></a>", "<?xml version='1.0'?>\n<!-- c --><a xmlns='u' xmlns:p='v'><p:b p:x='1'/></a>",
		"<a/><b/>", "<a>", "<!DOCTYPE a><a/>", strings.Repeat("<a>", 70), "<a>\xff</a>", "<a>&amp;&#x10FFFF;</a>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := parse(document)
		if err != nil {
			if root != nil {
				t.Error("there is a root and an error")
			}
			return
		}
		var walk func(n *node, depth int)
		walk = func(n *node, depth int) {
			if depth > maxDepth {
				t.Fatalf("it nests deeper than %d", maxDepth)
			}
			if !bytes.HasPrefix(n.raw, []byte("<")) || !bytes.HasSuffix(n.raw, []byte(">")) || n.line < 1 {
				t.Fatalf("the element %s is %q, in line %d", n.name.Local, n.raw, n.line)
			}
			for _, c := range n.children {
				walk(c, depth+1)
			}
		}
		walk(root, 1)
		schemaSubscribe.check(root) // whatever it is, there is an answer
	})
}

func xmlName(space, local string) xml.Name { return xml.Name{Space: space, Local: local} }

func TestSchemaPlaces(t *testing.T) {
	leaf := func(name string) *element { return typesText(name, anyText) }
	e := types("x", optional(leaf("a")), one(leaf("b"), leaf("c")), some(leaf("d")), optional(leaf("e")))
	for content, good := range map[string]bool{
		"b d": true, "a b d": true, "a c d d d e": true, "c d e": true,
		"": false, "a": false, "b": false, "d": false, "b c d": false, "a a b d": false, "b d a": false, "b d e e": false, "b d f": false,
	} {
		n := &node{name: xmlName(nsTypes, "x")}
		for name := range strings.FieldsSeq(content) {
			n.children = append(n.children, &node{name: xmlName(nsTypes, name)})
		}
		if v := e.check(n); (v == nil) != good {
			t.Errorf("%q: %+v", content, v)
		}
	}
}

func FuzzWatermark(f *testing.F) {
	f.Add("")
	f.Add(watermarkOf(0))
	f.Add(watermarkOf(1 << 60))
	f.Add("AAAAAP8AAAAAAAAAAQ==")
	f.Fuzz(func(t *testing.T, text string) {
		seq, ok := parseWatermark(text)
		if !ok {
			return
		}
		if again, ok := parseWatermark(watermarkOf(seq)); !ok || again != seq {
			t.Errorf("%q is %d, and that %d", text, seq, again)
		}
	})
}

func TestWatermarksAndChangeKeysLookLikeExchanges(t *testing.T) {
	if got := watermarkOf(0x1234); got != "AAAAADQSAAAAAAAAAQ==" {
		t.Errorf("the watermark is %s", got)
	}
	if got := ChangeKey(9); got != "CQAAAA==" {
		t.Errorf("version 9 is %s", got)
	}
}

func TestASubscriptionIDNamesItsBackEnd(t *testing.T) {
	for version, want := range map[ServerVersion]string{VersionSE: "am1.fake.test", Version2013: "am1.fake.test", Version2010: ""} {
		id := newSubscriptionID(version, "am1.fake.test", guid{1}, longAgo)
		if got, _ := backEndOf(id); got != want {
			t.Errorf("%d.%d: %s names %q", version.Major, version.Minor, id, got)
		}
	}
}
