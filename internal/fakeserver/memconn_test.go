package fakeserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemConnDeliversWhatWasWrittenBeforeClose(t *testing.T) {
	a, b := newMemPair(memAddr("a"), memAddr("b"))
	if n, err := a.Write([]byte("hello")); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	a.Close()
	got, err := io.ReadAll(b)
	if string(got) != "hello" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to a closed end: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading after Close: %v", err)
	}
	if err := a.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	if a.LocalAddr().String() != "a" || a.RemoteAddr().String() != "b" || b.LocalAddr().String() != "b" {
		t.Error("the addresses are mixed up")
	}
}

func TestMemConnResetFailsBothEndsAfterWhatHasArrived(t *testing.T) {
	a, b := newMemPair(memAddr("a"), memAddr("b"))
	a.Write([]byte("x"))
	a.reset()
	buf := make([]byte, 4)
	if n, err := b.Read(buf); n != 1 || err != nil {
		t.Errorf("what had arrived: %d, %v", n, err)
	}
	for _, c := range []net.Conn{a, b} {
		if _, err := c.Read(buf); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read: %v", err)
		}
		if _, err := c.Write(buf); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Write: %v", err)
		}
	}
}

func TestMemConnHoldsAWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newMemPair(memAddr("a"), memAddr("b"))
		data := bytes.Repeat([]byte("0123456789"), memBuffer/5)
		written := make(chan error, 1)
		go func() {
			_, err := a.Write(data)
			written <- errors.Join(err, a.Close())
		}()
		synctest.Wait()
		select {
		case <-written:
			t.Error("more was taken than there is room for")
		default:
		}
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

func TestMemConnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newMemPair(memAddr("a"), memAddr("b"))
		defer b.Close()
		defer a.Close()
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Minute))
		a.SetReadDeadline(start.Add(time.Second)) // moved
		_, err := a.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Read: %v after %v", err, time.Since(start))
		}
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
		a.SetWriteDeadline(start.Add(time.Minute))
		if n, err := a.Write(make([]byte, memBuffer+1)); n != memBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %d, %v", n, err)
		}
		a.SetDeadline(time.Time{}) // none
		go func() {
			wait(time.Hour)
			b.Write([]byte("y"))
		}()
		if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("without a deadline: %d, %v", n, err)
		}
	})
}
