package main

import (
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
)

// optionFlags are the flags for what the library names in its errors: who runs
// the tool has no Options.
var optionFlags = strings.NewReplacer(
	"set Options.Impersonate", "use --impersonate",
	"Options.Impersonate", "--impersonate",
	"Options.URL", "--ews-url",
	"Options.Version", "--ews-version",
	"Options.UserAgent", "--user-agent",
	"Options.Autodiscover.Servers", "--autodiscover-server",
	" (Options.MaxStreams)", "",
)

// A flagError is an error in the tool's words.
type flagError struct{ error }

func (e *flagError) Error() string { return optionFlags.Replace(e.error.Error()) }

func (e *flagError) Unwrap() error { return e.error }

// inFlags has errors speak of flags.
func inFlags(events outlookstream.Events) outlookstream.Events {
	return func(yield func(outlookstream.Event, error) bool) {
		for event, err := range events {
			switch {
			case err != nil:
				err = &flagError{err}
			case event.Kind == outlookstream.Ended:
				event.Reason = &flagError{event.Reason}
			}
			if !yield(event, err) {
				return
			}
		}
	}
}
