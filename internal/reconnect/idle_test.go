package reconnect

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleReaderFiresWhenOneReadWaitsForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := errors.New("silent")
		pr, pw := io.Pipe()
		r := NewIdleReader(pr, 35*time.Second, func() { pw.CloseWithError(silent) })
		go func() {
			time.Sleep(30 * time.Second) // synctest: virtual
			_, _ = pw.Write([]byte("x"))
		}()
		start := time.Now()
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the read that got its byte in time: %v", err)
		}
		if _, err := r.Read(make([]byte, 1)); err != silent {
			t.Fatalf("the silent read: %v", err)
		}
		if got := time.Since(start); got != 65*time.Second {
			t.Errorf("declared idle after %v, want 65s", got)
		}
	})
}

func TestIdleReaderLetsASlowCallerBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, pw := io.Pipe()
		r := NewIdleReader(pr, 35*time.Second, func() { t.Error("idle, though nobody was reading") })
		go func() { _, _ = pw.Write([]byte("xy")) }()
		for range 2 {
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // synctest: virtual
		}
	})
}
