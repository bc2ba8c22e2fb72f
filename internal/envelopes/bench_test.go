package envelopes_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/envelopes"
)

// fifty is an envelope with as many events as the service puts into one, with
// ids as long as they are.
func fifty() string {
	long := strings.ReplaceAll(event, "AAAAAAB/AAAA=", strings.Repeat("AAAAAAB/", 10)+"AAAA=")
	return before + strings.Repeat(long, 50) + after
}

// BenchmarkReader cuts envelopes of fifty events, and says how much longer
// encoding/xml takes to find the end of one.
func BenchmarkReader(b *testing.B) {
	document := []byte(fifty())
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	r := envelopes.NewReader(&endless{data: document}, nil)
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
	perCut := b.Elapsed() / time.Duration(b.N)
	start, often := time.Now(), 0
	for ; often < 20; often++ {
		d := xml.NewDecoder(bytes.NewReader(document))
		for {
			if _, err := d.RawToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(time.Since(start)/time.Duration(often))/float64(max(perCut, 1)), "xml.Decoder/Reader")
}

// BenchmarkHeartbeat is what a quiet stream costs.
func BenchmarkHeartbeat(b *testing.B) {
	r := envelopes.NewReader(&endless{data: []byte(heartbeat)}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// endless delivers data over and over, one a time.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.data[e.at:])
	e.at = (e.at + n) % len(e.data)
	return n, nil
}
