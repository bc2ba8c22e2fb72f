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
func watchedPipe(t *testing.T, silence, whole time.Duration) (*IdleReader, *io.PipeWriter) {
	return pipeOf(t, NewWatchdog(silence, whole))
}

func pipeOf(t *testing.T, w *Watchdog) (*IdleReader, *io.PipeWriter) {
	pr, pw := io.Pipe()
	r := w.Watch(pr, func(overdue bool) {
		if overdue {
			pw.CloseWithError(errSlow)
		} else {
			pw.CloseWithError(errSilent)
		}
	})
	t.Cleanup(r.Stop)
	return r, pw
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
		r, pw := watchedPipe(t, 35*time.Second, time.Hour)
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
			r, pw := watchedPipe(t, 35*time.Second, 5*time.Minute)
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
		r := NewWatchdog(time.Hour, 20*time.Millisecond).Watch(endless{}, overdue.Store)
		r.Begin()
		_, err := io.Copy(io.Discard, r)
		r.Stop()
		if err == nil || !overdue.Load() {
			t.Errorf("%v, declared overdue: %v", err, overdue.Load())
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestIdleReaderGivesEachThingItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, pw := watchedPipe(t, 35*time.Second, 5*time.Minute)
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
		r := NewWatchdog(35*time.Second, 5*time.Minute).Watch(pr, func(bool) { t.Error("dead, though nobody was reading") })
		defer r.Stop()
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

// One timer serves all, and each is found at its own moment.
func TestAWatchdogFindsEachOfManyAtItsMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 1000
		w := NewWatchdog(35*time.Second, 5*time.Minute)
		var readers sync.WaitGroup
		for i := range many {
			r, pw := pipeOf(t, w)
			begins, gets := time.Duration(i*37%1000)*time.Millisecond, time.Duration(i*61%30_000)*time.Millisecond
			readers.Go(func() {
				time.Sleep(begins) // synctest: virtual, as are those below
				start := time.Now()
				readers.Go(func() {
					time.Sleep(gets) // synctest: virtual
					_, _ = pw.Write([]byte("x"))
				})
				_, err := io.Copy(io.Discard, r)
				if got := time.Since(start); err != errSilent || got != gets+35*time.Second {
					t.Errorf("%v after %v, want %v", err, got, gets+35*time.Second)
				}
			})
		}
		readers.Wait()
	})
}

func TestAWatchdogHoldsNothingWithoutReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatchdog(35*time.Second, 5*time.Minute)
		stopped, _ := pipeOf(t, w)
		other, _ := pipeOf(t, w)
		stopped.Stop()
		stopped.Stop() // changes nothing
		w.mu.Lock()
		if len(w.readers) != 1 || w.timer == nil {
			t.Errorf("%d readers, a timer: %v", len(w.readers), w.timer != nil)
		}
		w.mu.Unlock()
		if _, err := other.Read(make([]byte, 1)); err != errSilent {
			t.Errorf("the other: %v", err)
		}
		synctest.Wait()
		other.Stop() // it is out already
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.readers != nil || w.timer != nil {
			t.Errorf("%d readers, a timer: %v", len(w.readers), w.timer != nil)
		}
	})
}

// A reader that is stopped is not called for, also if its Read waits.
func TestAStoppedReaderIsLetBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, pw := io.Pipe()
		r := NewWatchdog(35*time.Second, 5*time.Minute).Watch(pr, func(bool) { t.Error("dead, though it was stopped") })
		read := make(chan error, 1)
		go func() {
			_, err := r.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		r.Stop()
		time.Sleep(time.Hour) // synctest: virtual
		_ = pw.Close()
		if err := <-read; err != io.EOF {
			t.Error(err)
		}
	})
}
