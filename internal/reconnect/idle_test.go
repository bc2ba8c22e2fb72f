package reconnect

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errSilent, errSlow = errors.New("silent"), errors.New("slow")

// watchedPipe returns both ends of a pipe, the reading one watched over.
// Whoever writes has to have ended when the bubble does.
func watchedPipe(silence, whole time.Duration) (*IdleReader, *io.PipeWriter) {
	pr, pw := io.Pipe()
	return NewIdleReader(pr, silence, whole, func(overdue bool) {
		if overdue {
			pw.CloseWithError(errSlow)
		} else {
			pw.CloseWithError(errSilent)
		}
	}), pw
}

// trickle writes a byte every so often until nobody reads any more.
func trickle(w io.Writer, every time.Duration) {
	for {
		time.Sleep(every) // synctest: virtual
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
	}
}

func TestIdleReaderFiresWhenOneReadWaitsForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, pw := watchedPipe(35*time.Second, time.Hour)
		go func() {
			time.Sleep(30 * time.Second) // synctest: virtual
			_, _ = pw.Write([]byte("x"))
		}()
		start := time.Now()
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the read that got its byte in time: %v", err)
		}
		if _, err := r.Read(make([]byte, 1)); err != errSilent {
			t.Fatalf("the silent read: %v", err)
		}
		if got := time.Since(start); got != 65*time.Second {
			t.Errorf("declared idle after %v, want 65s", got)
		}
	})
}

func TestIdleReaderFiresWhenBytesTrickleAndNothingBecomesWhole(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{
		1100 * time.Millisecond: 5 * time.Minute,
		34 * time.Second:        5 * time.Minute,
		36 * time.Second:        35 * time.Second, // the bytes after the first are too late anyhow
	} {
		synctest.Test(t, func(t *testing.T) {
			r, pw := watchedPipe(35*time.Second, 5*time.Minute)
			var writer sync.WaitGroup
			defer writer.Wait()
			writer.Go(func() { trickle(pw, every) })
			time.Sleep(time.Hour) // synctest: virtual; nobody has begun to read
			r.Begin()
			start := time.Now()
			_, err := io.Copy(io.Discard, r)
			// The first byte was on its way when the reading began.
			if got := time.Since(start); got != want || want == 5*time.Minute && err != errSlow || want < time.Minute && err != errSilent {
				t.Errorf("a byte every %v: %v after %v, want %v", every, err, got, want)
			}
		})
	}
}

func TestIdleReaderFiresWhenBytesComeSoFastThatNoReadWaits(t *testing.T) {
	for range 2 {
		var overdue atomic.Bool
		r := NewIdleReader(endless{}, time.Hour, 20*time.Millisecond, overdue.Store)
		r.Begin()
		if _, err := io.Copy(io.Discard, r); err == nil || !overdue.Load() {
			t.Errorf("%v, declared overdue: %v", err, overdue.Load())
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestIdleReaderGivesEachThingItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, pw := watchedPipe(35*time.Second, 5*time.Minute)
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() { trickle(pw, 30*time.Second) })
		for thing := range 100 {
			r.Begin()
			for range 9 { // four and a half minutes
				if _, err := r.Read(make([]byte, 1)); err != nil {
					t.Fatalf("thing %d: %v", thing, err)
				}
			}
		}
		pw.Close()
	})
}

func TestIdleReaderLetsASlowCallerBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, pw := io.Pipe()
		r := NewIdleReader(pr, 35*time.Second, 5*time.Minute, func(bool) { t.Error("dead, though nobody was reading") })
		go func() { _, _ = pw.Write([]byte("xy")) }()
		for range 2 {
			r.Begin()
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // synctest: virtual
		}
	})
}
