package micro_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/micro"
)

// BenchmarkMicro is named Micro/task/kind/reads/contestant. One op is one
// element delivered.
func BenchmarkMicro(b *testing.B) {
	contestants := micro.Contestants()
	for _, kind := range data.Kinds() {
		elements := data.Elements(kind)
		reads := []int{micro.Whole, 1400, 16 << 10}
		if kind == data.Rich70K {
			reads = append(reads, 64, 1)
		}
		for _, task := range []micro.Task{micro.Frame, micro.Notification} {
			for _, size := range reads {
				for _, c := range contestants {
					if c.Task == task && (size >= 1400 || size == micro.Whole || c.Name == micro.Ours || c.Name == "encoding-json") {
						b.Run(fmt.Sprintf("%s/%v/%s/%s", task, kind, micro.ReadsName(size), c.Name), func(b *testing.B) { benchmark(b, c, elements, size) })
					}
				}
			}
		}
		b.Run(fmt.Sprintf("watch/%v/16k/%s", kind, micro.Ours), func(b *testing.B) { benchmarkWatch(b, kind, elements, 16<<10) })
		limits(b, kind, elements)
	}
}

func benchmark(b *testing.B, c micro.Contestant, elements [][]byte, reads int) {
	head, chunks := micro.Chunks(elements, c.Concatenated)
	w, err := c.Open(micro.NewEndless(head, chunks, reads))
	if err != nil {
		b.Fatal(err)
	}
	if w.Close != nil {
		defer w.Close()
	}
	perElement(b, elements)
	for b.Loop() {
		if err := w.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// perElement has bytes counted as the mean of the elements.
func perElement(b *testing.B, elements [][]byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(bytes.Join(elements, nil)) / len(elements)))
}

// benchmarkWatch is of the loop over Watch. Keep-alives do not reach its body:
// there is a change after so many of them that it does not count, and one
// time in so many that one keep-alive is waited for, all are.
func benchmarkWatch(b *testing.B, kind data.Kind, elements [][]byte, reads int) {
	between := 0
	if kind == data.KeepAlive {
		between = 1000
		elements = micro.Between(between-1, elements[0], data.Elements(data.Simple))
	}
	head, chunks := micro.Chunks(elements, false)
	next, stop, err := micro.Watch(micro.NewEndless(head, chunks, reads))
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	perElement(b, elements)
	wait := 0
	for b.Loop() {
		if wait > 1 {
			wait--
			continue
		}
		if err := next(); err != nil {
			b.Fatal(err)
		}
		wait = between
	}
}

// limits are what nobody who does the same on this machine can be faster than.
func limits(b *testing.B, kind data.Kind, elements [][]byte) {
	at := 0
	turn := func() []byte {
		e := elements[at]
		if at++; at == len(elements) {
			at = 0
		}
		return e
	}
	run := func(name string, op func(e []byte) int) {
		b.Run(fmt.Sprintf("limit/%v/whole/%s", kind, name), func(b *testing.B) {
			perElement(b, elements)
			sum := 0
			for b.Loop() {
				sum += op(turn())
			}
			if sum == 0 {
				b.Fatal("nothing was done")
			}
		})
	}
	buf := make([]byte, 1<<20)
	run("memcpy", func(e []byte) int { return copy(buf, e) })
	run("indexbyte-absent", func(e []byte) int { return -bytes.IndexByte(e, 0) })
	var kept []byte
	run("allocate-and-copy", func(e []byte) int { kept = bytes.Clone(e); return len(kept) })
	for _, reads := range []int{micro.Whole, 16 << 10} {
		b.Run(fmt.Sprintf("limit/%v/%s/reader", kind, micro.ReadsName(reads)), func(b *testing.B) {
			head, chunks := micro.Chunks(elements, false)
			r := micro.NewEndless(head, chunks, reads)
			perElement(b, elements)
			for b.Loop() {
				for want := len(turn()) + 1; want > 0; { // as many bytes as the element has
					n, err := r.Read(buf[:min(want, 16<<10)])
					if err != nil {
						b.Fatal(err)
					}
					want -= n
				}
			}
		})
	}
}
