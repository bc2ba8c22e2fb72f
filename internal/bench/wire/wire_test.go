package wire

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
)

func TestMain(m *testing.M) {
	if played, err := PlayRole(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// brief is the least of everything.
func brief() Plan {
	return Plan{
		Passes: 1,
		Floods: []string{overTLS, overH2, overTCP}, Kinds: []data.Kind{data.Simple}, FloodFor: 20 * time.Millisecond,
		Isolated: 30, Gap: 200 * time.Microsecond, Streams: 20,
		LatencyKinds: []data.Kind{data.Simple, data.Rich14K}, Samples: 20, Batch: 10,
		IdleRounds: 3,
	}
}

// Every measurement is made, by every contestant, over real connections, and
// each number is one that can be. How fast anything is, is not looked at here.
func TestEverythingIsMeasured(t *testing.T) {
	var log bytes.Buffer
	f, err := Run(t.Context(), brief(), &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	want := []string{"wire.idle.read512_ns.bare", "wire.idle.read512_ns.watched", "wire.idle.read512_beyond_bare_ns"}
	for _, name := range contestants() {
		for _, over := range []string{overTLS, overH2, overTCP} {
			want = append(want, "wire."+over+".simple.share."+name, "wire."+over+".simple.cpu_us."+name)
		}
		for _, cell := range []string{"simple", "rich14k", "keepalive", "keepalive_many"} {
			want = append(want, "wire.isolated."+cell+".cpu_ratio."+name)
		}
	}
	for _, name := range latencyContestants() {
		for _, cell := range []string{"tcp.simple", "tls.rich14k", "tls.rich14k.lastbyte"} {
			want = append(want, "wire.latency."+cell+".p50_us."+name, "wire.latency."+cell+".p50_beyond_bare_us."+name)
		}
	}
	for _, key := range want {
		value, measured := f.Values[key]
		if !measured {
			t.Errorf("%s is not measured", key)
		}
		if !strings.Contains(key, "beyond") && (value <= 0 || value > 1e6) {
			t.Errorf("%s = %v", key, value)
		}
	}
	for _, ratio := range []string{"wire.tls.simple.share.bare", "wire.isolated.simple.cpu_ratio.bare"} {
		if f.Values[ratio] != 1 {
			t.Errorf("%s = %v: not held against itself", ratio, f.Values[ratio])
		}
	}
	if f.Values["wire.latency.tcp.simple.p50_us.bare"] > f.Values["wire.latency.tcp.simple.p99_us.bare"] {
		t.Error("the median is above the 99th percentile")
	}
	if len(f.Tables) != 4 || f.Suite != "wire" {
		t.Errorf("%d tables of %q", len(f.Tables), f.Suite)
	}
	if err := f.Write(t.TempDir() + "/wire.json"); err != nil {
		t.Error(err)
	}
}

// A contestant whose connection breaks off has no result, instead of a better one.
func TestAStreamThatEndsEarlyIsAnError(t *testing.T) {
	w, err := newWorld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, name := range contestants() {
		c := w.client(name, overTLS, data.Simple)
		c.Warm, c.Count = 1, 5
		h, err := w.hang(t.Context(), c, order{Form: whole})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.send(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if _, err := w.control(t.Context(), "end?group="+h.order.Group, nil); err != nil {
			t.Fatal(err)
		}
		if r, err := result[clientResult](h.client); err == nil {
			t.Errorf("%s measured %v of 5 elements after the first", name, r)
		}
	}
}

// A contestant that delivers something else is found out.
func TestTheDigestSeesEveryField(t *testing.T) {
	one := func() *header1 {
		return &header1{ODataType: "t", SubscriptionID: "s", SequenceNumber: 1, ChangeType: "c", Resource: "r", ResourceData: []byte("{}"), Status: "ok"}
	}
	sum := func(h *header1) uint64 {
		var d digest
		if err := d.add(h); err != nil {
			t.Fatal(err)
		}
		return d.sum
	}
	for i, change := range []func(*header1){
		func(h *header1) { h.ODataType = "" },
		func(h *header1) { h.ID = "x" },
		func(h *header1) { h.SubscriptionID = "" },
		func(h *header1) { h.SubscriptionExpirationDateTime = time.Unix(1, 0) },
		func(h *header1) { h.SequenceNumber = 2 },
		func(h *header1) { h.ChangeType = "" },
		func(h *header1) { h.Resource = "" },
		func(h *header1) { h.ResourceData = []byte("{ }") },
		func(h *header1) { h.Status = "" },
	} {
		h := one()
		change(h)
		if sum(h) == sum(one()) {
			t.Errorf("change %d makes no difference", i)
		}
	}
}

// A bare read counts bytes, so it has to know how many there are.
func TestSourceKnowsItsSizes(t *testing.T) {
	for _, kind := range data.Kinds() {
		for _, numbered := range []bool{false, true} {
			s := newSource(kind, numbered)
			for _, i := range []int{0, 1, 8, 9, 10, 97, 98, 99, 100, 127, 128, 997, 998, 999, 12345} {
				e := s.append(nil, i)
				if i > 0 {
					e = e[1:]
				}
				if len(e) != s.size(i) {
					t.Errorf("%v %d: %d bytes, not %d", kind, i, len(e), s.size(i))
				}
				if number := fmt.Sprintf(`%s%d,`, numberName, i+1); numbered && kind != data.KeepAlive && !bytes.Contains(e, []byte(number)) {
					t.Errorf("%v %d is not numbered so", kind, i)
				}
			}
		}
	}
}

// A bare read has an element at its last byte, and not before.
func TestBareKnowsWhereElementsEnd(t *testing.T) {
	src := newSource(data.Simple, true)
	r, w := io.Pipe()
	came := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- runBare(r, src, func(any) error { came <- struct{}{}; return nil })
	}()
	write := func(b []byte) {
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte(data.Head))
	for i := range 200 {
		e := src.append(nil, i)
		write(e[:len(e)-1])
		write(nil) // returns when what was before it has been dealt with
		select {
		case <-came:
			t.Fatalf("element %d came without its end", i)
		default:
		}
		write(e[len(e)-1:])
		<-came
	}
	_ = w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
