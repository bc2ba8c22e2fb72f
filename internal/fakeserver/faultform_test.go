package fakeserver

import (
	"strings"
	"testing"
	"time"
)

func TestFaultsOfForm(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		check func(t *testing.T, f *fixture, text string)
	}{
		"bom": {Fault{Do: "bom"}, func(t *testing.T, f *fixture, text string) {
			rest, ok := strings.CutPrefix(text, "\xEF\xBB\xBF"+preamble)
			if !ok || elementsOf(rest) != 2 {
				t.Errorf("text %q", text)
			}
		}},
		"doubleBrace": {Fault{Do: "doubleBrace"}, func(t *testing.T, f *fixture, text string) {
			if !strings.HasPrefix(text, "{ "+preamble) {
				t.Errorf("text %q", text)
			}
		}},
		"pretty": {Fault{Do: "pretty"}, func(t *testing.T, f *fixture, text string) {
			if !strings.Contains(text, ",\n    {\n      \"@odata.type\": ") {
				t.Errorf("no white space between elements: %q", text)
			}
			if list := f.elements(text); len(list) != 3 || list[1].Data.ID != "two" {
				t.Errorf("elements %+v", list)
			}
		}},
		"byteByByte": {Fault{Do: "byteByByte"}, func(t *testing.T, f *fixture, text string) {
			if list := f.elements(text); len(list) != 3 {
				t.Errorf("text %q", text)
			}
		}},
		"okUpperCase": {Fault{Do: "okUpperCase"}, func(t *testing.T, f *fixture, text string) {
			if !strings.HasSuffix(text, `"Status":"OK"}]}`) {
				t.Errorf("text %q", text)
			}
		}},
		"otherHost": {Fault{Do: "otherHost"}, func(t *testing.T, f *fixture, text string) {
			for _, n := range f.elements(text)[:2] {
				if !strings.HasPrefix(n.Resource, "https://outlook365.fake.test/api/beta/Users(") || n.Data.URL != n.Resource {
					t.Errorf("URLs %q and %q", n.Resource, n.Data.URL)
				}
			}
		}},
		"duplicate": {Fault{Do: "duplicate", After: 1}, func(t *testing.T, f *fixture, text string) {
			list := f.elements(text)
			if len(list) != 4 || string(list[1].Raw) != string(list[2].Raw) || list[1].Sequence != 2 {
				t.Errorf("text %q", text)
			}
		}},
		"skipSequence": {Fault{Do: "skipSequence", After: 1, Times: 1}, func(t *testing.T, f *fixture, text string) {
			list := f.elements(text)
			if list[0].Sequence != 1 || list[1].Sequence != 3 {
				t.Errorf("numbers %d, %d, want 1, 3", list[0].Sequence, list[1].Sequence)
			}
		}},
		"lose": {Fault{Do: "lose"}, func(t *testing.T, f *fixture, text string) {
			list := f.elements(text)
			if len(list) != 2 || list[0].Sequence != 2 || list[0].Data.ID != "two" {
				t.Errorf("text %q, want the second notification alone, with its number", text)
			}
		}},
		"hugeElement": {Fault{Do: "hugeElement"}, func(t *testing.T, f *fixture, text string) {
			list := f.elements(text)
			if len(list) != 3 || len(list[0].Raw) != 2<<20 || list[0].Data.ID != "one" || len(list[1].Raw) > 1000 {
				t.Errorf("%d elements, the first of %d bytes", len(list), len(list[0].Raw))
			}
		}},
		"hugeElement of a size": {Fault{Do: "hugeElement", Bytes: 70_001}, func(t *testing.T, f *fixture, text string) {
			if n := len(f.elements(text)[0].Raw); n != 70_001 {
				t.Errorf("%d bytes, want 70001", n)
			}
		}},
		"unknownElement": {Fault{Do: "unknownElement", After: 1}, func(t *testing.T, f *fixture, text string) {
			list := f.elements(text)
			if len(list) != 4 || list[1].Type != "#Microsoft.OutlookServices.FutureNotification" || list[2].Data.ID != "two" {
				t.Errorf("text %q", text)
			}
		}},
		"loseBetween": {Fault{Do: "loseBetween"}, func(t *testing.T, f *fixture, text string) {
			if elementsOf(text) != 0 {
				t.Errorf("text %q", text)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(t *testing.T, f *fixture) {
				got := f.struck(c.fault)
				if got.failed {
					t.Fatalf("the stream failed: %s", got.text)
				}
				c.check(t, f, got.text)
			})
		})
	}
}

func TestLoseBetweenUsesUpSequenceNumbers(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.arm(Fault{On: "stream", Do: "loseBetween"})
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 2})
		f.wantGone("unknown") // a call that fails does not use the fault up
		r := f.listen(id)
		r.now()
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		r.now()
		if list := f.elements(r.text); len(list) != 1 || list[0].Sequence != 3 {
			t.Errorf("elements %+v, want one with number 3", list)
		}
	})
}

func TestByteByByteWritesChunksOfOneByte(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.arm(Fault{On: "stream", Do: "byteByByte"})
		r := f.listen(id)
		for i := range preamble {
			if chunk := <-r.chunks; len(chunk) != 1 || chunk[0] != preamble[i] {
				t.Fatalf("chunk %d is %q, want %q", i, chunk, preamble[i])
			}
		}
	})
}

func TestCoalesceWritesSeveralElementsAndThePreambleTogether(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.arm(Fault{On: "stream", Do: "coalesce", After: 3})
		r := f.listen(id)
		for range 2 {
			f.change(Change{Resource: "me/events", ChangeType: "Created"})
			if got := r.now(); got != "" {
				t.Fatalf("too early came %q", got)
			}
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		if chunk := <-r.chunks; !strings.HasPrefix(chunk, preamble) || elementsOf(chunk) != 3 {
			t.Errorf("the first piece is %q", chunk)
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		r.cancel() // what is held back goes to the next one
		wait(31 * time.Second)
		r2 := f.listen(id)
		if n := elementsOf(r2.now()); n != 1 {
			t.Errorf("%d elements were given back, want 1", n)
		}
	})
}
