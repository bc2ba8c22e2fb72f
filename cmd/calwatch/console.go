package main

import (
	"context"
	"io"
	"sync"
	"time"
)

// A console writes to standard output and standard error so that they do not
// disturb each other where both are the same terminal: the status line is
// taken away before anything else is written, and put back after it.
//
// One goroutine does all the writing. Whoever asks for it waits for it, but
// not longer than the command's context lasts: a reader that has stopped
// reading must not keep a signal from ending the program.
type console struct {
	stdout, stderr io.Writer
	shared         bool       // stdout is a terminal, too
	statusLine     bool       // stderr is a terminal
	width          func() int // of it
	done           <-chan struct{}
	cause          func() error
	work           chan func()
	quit           chan struct{}
	quitting       sync.Once
	stopped        chan struct{}

	status string // what is shown now; belongs to the goroutine
}

// newConsole begins writing. terminal tells terminals from other writers. close
// has to be called.
func newConsole(ctx context.Context, stdout, stderr io.Writer, terminal func(any) bool) *console {
	c := &console{
		stdout:     stdout,
		stderr:     stderr,
		shared:     terminal(stdout),
		statusLine: terminal(stderr),
		width:      func() int { return columns(stderr) },
		done:       ctx.Done(),
		cause:      func() error { return context.Cause(ctx) },
		work:       make(chan func()),
		quit:       make(chan struct{}),
		stopped:    make(chan struct{}),
	}
	go c.write()
	return c
}

func (c *console) write() {
	defer close(c.stopped)
	for {
		select {
		case job := <-c.work:
			job()
		case <-c.quit:
			c.erase()
			return
		}
	}
}

// patience is how long a write that does not end is waited for when the program
// is about to end.
const patience = 300 * time.Millisecond

// close takes the status line away. What is written afterwards is lost.
func (c *console) close() {
	c.quitting.Do(func() { close(c.quit) })
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.stopped:
	case <-timer.C: // a write to a pipe cannot be interrupted
	}
}

// event writes to standard output.
func (c *console) event(line []byte) error {
	return c.do(func() error {
		if c.shared {
			c.erase()
			defer c.draw()
		}
		_, err := c.stdout.Write(line)
		return written(err)
	})
}

// Write writes whole lines to standard error. It never fails: a program that
// cannot complain goes on working.
func (c *console) Write(lines []byte) (int, error) {
	_ = c.do(func() error {
		c.erase()
		_, err := c.stderr.Write(lines)
		c.draw()
		return err
	})
	return len(lines), nil
}

// setStatus shows text as the status line, if there is one.
func (c *console) setStatus(text string) {
	if !c.statusLine {
		return
	}
	_ = c.do(func() error {
		c.erase()
		c.status = clip(plain(text), c.width()-1)
		c.draw()
		return nil
	})
}

// do has job run by the goroutine and waits for it; when the context has ended,
// for a moment only.
func (c *console) do(job func() error) error {
	result := make(chan error, 1)
	work, done := c.work, c.done
	var limit <-chan time.Time
	for {
		select {
		case work <- func() { result <- job() }:
			work = nil
		case err := <-result:
			return err
		case <-c.stopped:
			return io.ErrClosedPipe
		case <-done:
			done, limit = nil, time.After(patience)
		case <-limit:
			return c.cause()
		}
	}
}

// erase and draw run on the goroutine.
func (c *console) erase() {
	if c.statusLine && c.status != "" {
		_, _ = io.WriteString(c.stderr, "\r\x1b[K")
	}
}

func (c *console) draw() {
	if c.statusLine && c.status != "" {
		_, _ = io.WriteString(c.stderr, c.status)
	}
}
