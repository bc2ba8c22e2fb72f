package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// An encoder makes the line, or lines, that are printed for an event.
type encoder func(outlookstream.Event) ([]byte, error)

// outputFlag is -o of the commands that print events or accounts.
type outputFlag struct{ format string }

// register takes what is printed.
func (o *outputFlag) register(f *flags, what string) {
	f.cmd.Flags().VarP(oneOf(&o.format, "text", "json"), "output", "o",
		f.doc("output", "how "+what+" are printed", "text on a terminal, json otherwise"))
}

// text says whether it is to be for people.
func (o *outputFlag) text(terminal bool) bool {
	return o.format == "text" || o.format == "" && terminal
}

func (o *outputFlag) encoder(terminal, coloured bool) encoder {
	if o.text(terminal) {
		return textEncoder(coloured)
	}
	return encodeJSON
}

// reasonName returns the word by which programs know the reason of a Resync.
func reasonName(reason error) string {
	return named(reason, []reasonWord{
		{ews.ErrPulling, "pulling"},
		{outlookstream.ErrStarted, "started"},
		{outlookstream.ErrReconnected, "reconnected"},
		{outlookstream.ErrRemoved, "removed"},
		{outlookstream.ErrResubscribed, "resubscribed"},
		{outlookstream.ErrSequence, "sequence"},
		{outlookstream.ErrOverflow, "overflow"},
		{outlookstream.ErrTooLarge, "too-large"},
	}, "missed") // what a program does about it is right for every reason
}

// endName returns the word by which programs know why a mailbox is watched no
// longer.
func endName(reason error) string {
	return named(reason, []reasonWord{
		{outlookstream.ErrMailboxUnavailable, "unavailable"},
		{outlookstream.ErrForbidden, "forbidden"},
		{outlookstream.ErrUnauthorized, "unauthorized"},
		{ews.ErrTakenOver, "taken-over"},
		{ews.ErrLimit, "limit"},
	}, "failed")
}

// A reasonWord is what an error is called in the output.
type reasonWord struct {
	is   error
	word string
}

func named(reason error, words []reasonWord, otherwise string) string {
	for _, r := range words {
		if errors.Is(reason, r.is) {
			return r.word
		}
	}
	return otherwise
}

// notification returns what the service itself said; nothing, if it did not.
func notification(event outlookstream.Event) *outlookstream.Notification {
	if n, ok := event.Native.(*outlookstream.Notification); ok && n != nil {
		return n
	}
	return new(outlookstream.Notification)
}

// errReaderGone says that whoever read standard output has read enough.
var errReaderGone = errors.New("nobody reads standard output any more")

// written explains what went wrong with writing to standard output. That its
// reader has gone is told apart here, as a network connection can break in the
// same way.
func written(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		return errReaderGone
	default:
		return fmt.Errorf("standard output: %w", err)
	}
}

// remembering keeps the first error of a writer, for those who do not look at
// it: cobra, when it prints help.
type remembering struct {
	w   io.Writer
	err error
}

func (r *remembering) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}
