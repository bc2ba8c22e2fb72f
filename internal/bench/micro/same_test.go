package micro_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/micro"
)

// TestAllDeliverTheSame: what contestants are compared by would mean nothing
// otherwise. What they give away has to be the caller's, too, so headers are
// looked at when the contestant has gone on.
func TestAllDeliverTheSame(t *testing.T) {
	kinds := map[string][][]byte{"keepalive-varied": data.VariedKeepAlives()}
	for _, kind := range data.Kinds() {
		kinds[kind.String()] = data.Elements(kind)
	}
	for kind, elements := range kinds {
		var want []*micro.Header
		for _, e := range elements {
			h := new(micro.Header)
			if err := json.Unmarshal(e, h); err != nil {
				t.Fatal(err)
			}
			want = append(want, h)
		}
		for _, reads := range []int{micro.Whole, 16 << 10, 1400, 64, 1} {
			walks := len(elements) + 10 // once around, and on
			if len(elements[0]) > 10_000 {
				walks = 24
			}
			if reads < 1400 {
				walks = 6
			}
			for _, c := range micro.Contestants() {
				t.Run(fmt.Sprintf("%s/%s/%d/%s", c.Task, kind, reads, c.Name), func(t *testing.T) { walk(t, c, elements, want, reads, walks) })
			}
		}
	}
}

func walk(t *testing.T, c micro.Contestant, elements [][]byte, want []*micro.Header, reads, walks int) {
	head, chunks := micro.Chunks(elements, c.Concatenated)
	w, err := c.Open(micro.NewEndless(head, chunks, reads))
	if err != nil {
		t.Fatal(err)
	}
	if w.Close != nil {
		defer w.Close()
	}
	var got []*micro.Header
	for i := range walks {
		if err := w.Next(); err != nil {
			t.Fatalf("element %d: %v", i, err)
		}
		raw, header := w.Last()
		if want := elements[i%len(elements)]; c.Task == micro.Frame && !bytes.Equal(bytes.TrimSpace(raw), want) {
			t.Fatalf("element %d is\n%s\nwant\n%s", i, raw, want)
		}
		got = append(got, header)
	}
	for i, h := range got {
		if want := want[i%len(want)]; c.Task == micro.Notification && !reflect.DeepEqual(h, want) {
			t.Fatalf("header %d is\n%+v\nwant\n%+v", i, h, want)
		}
	}
}

// TestWatchGivesEveryChange: and whatever is between does not hide any.
func TestWatchGivesEveryChange(t *testing.T) {
	elements := micro.Between(3, data.Elements(data.KeepAlive)[0], data.Elements(data.Simple))
	head, chunks := micro.Chunks(elements, false)
	source := &counting{Endless: micro.NewEndless(head, chunks, micro.Whole)}
	next, stop, err := micro.Watch(source)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	bytes, chunk := len(head), 0
	for i := range 300 {
		if err := next(); err != nil {
			t.Fatal(err)
		}
		// Each change is the fourth of its own, and the head has the first of all.
		for ; chunk < 4*(i+1)-1; chunk++ {
			bytes += len(chunks[chunk%len(chunks)])
		}
		if source.bytes != bytes {
			t.Fatalf("change %d came after %d bytes, and ended with number %d", i, source.bytes, bytes)
		}
	}
}

type counting struct {
	*micro.Endless
	bytes int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Endless.Read(p)
	c.bytes += n
	return n, err
}
