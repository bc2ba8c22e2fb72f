package soak

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A journal is everything that was said during a run: the log at debug level,
// every trace and error in every form, and what happened. It is what a failure
// is explained with, and what is searched for secrets.
type journal struct {
	mu    sync.Mutex
	begin time.Time
	text  bytes.Buffer
	told  []string // what happened, for the reader
}

func newJournal() *journal { return &journal{begin: time.Now()} }

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// note is for the reader.
func (j *journal) note(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.told = append(j.told, fmt.Sprintf("%-12v %s", time.Since(j.begin), text))
}

func (j *journal) event(program int, e outlookstream.Event) {
	text := fmt.Sprintf("program %d: %v %s %s", program, e.Kind, e.Resource, e.ID)
	if e.Reason != nil {
		text += fmt.Sprintf(" because %v", e.Reason)
		j.error(e.Reason)
	}
	j.note(text)
}

// error says an error in every way, with its whole chain.
func (j *journal) error(err error) {
	for ; err != nil; err = errors.Unwrap(err) {
		j.say(err)
	}
}

func (j *journal) say(x any) {
	fmt.Fprintf(j, "%v %+v %#v\n", x, x, x)
}

// tail is the end of what happened.
func (j *journal) tail() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	const most = 150
	told := j.told
	if len(told) > most {
		told = append([]string{fmt.Sprintf("(%d lines before)", len(told)-most)}, told[len(told)-most:]...)
	}
	return strings.Join(told, "\n")
}

// find says how many of the secrets are in it. The end of one is enough to tell:
// the beginning may be the same in all of them.
func (j *journal) find(secrets []string) (found int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	told := []byte(strings.Join(j.told, "\n"))
	for _, secret := range secrets {
		end := []byte(secret[max(0, len(secret)-24):])
		if bytes.Contains(j.text.Bytes(), end) || bytes.Contains(told, end) {
			found++
		}
	}
	return found
}
