package main

import (
	"errors"
	"testing"
)

func TestErrorsOfExchangeSpeakOfFlags(t *testing.T) {
	err := &flagError{errors.New("10 streams at a time (Options.MaxStreams), and more: set Options.Impersonate, or Options.URL")}
	if want := "10 streams at a time, and more: use --impersonate, or --ews-url"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
