//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The child holds the writing end of a pipe: when that is closed, it is gone.
func TestTokenCommandTakesItsChildrenAlong(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	life, end := context.WithCancel(t.Context())
	words := newLines()
	command, err := newTokenCommand(life, commandLine("wait"), commandEnviron(), io.Writer(writer))
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := command.Token(t.Context(), auth.Request{})
		failed <- errors.Join(err, writer.Close()) // ours; the children have copies
	}()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(words, reader)
	}()
	words.wait(t, "hanging: ")
	end()
	command.wait()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	<-gone
}
