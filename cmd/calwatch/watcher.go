package main

import (
	"context"

	"github.com/calwatch/calwatch/outlookstream"
)

// An observer sees each event right after it was printed.
type observer func(outlookstream.Event)

// A watcher prints the events of one watch, after somebody has signed in, if
// that is needed.
type watcher struct {
	session     *session
	credentials *credentials
	source      source
	count       int // end after as many changes; 0: never
}

// run watches until ctx ends, count is reached or something fails for good.
// The end of ctx is no error: somebody wanted it.
func (w *watcher) run(ctx context.Context) error {
	scopes, err := w.source.scopes()
	if err != nil {
		return err
	}
	// Nobody is asked to sign in later on: there may be nobody there to see a
	// prompt. Then the watch ends.
	provider, err := w.credentials.provider(ctx, scopes)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && w.credentials.advise != nil:
		return w.credentials.advise(err)
	case err != nil:
		return err
	}
	events, err := w.source.events(ctx, provider)
	if err != nil {
		return usage(err)
	}
	err = w.print(events)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && w.credentials.advise != nil:
		err = w.credentials.advise(err)
	}
	return withTrustAdvice(err)
}

// print returns what the watch ended with.
func (w *watcher) print(events outlookstream.Events) error {
	changes := 0
	for event, err := range events {
		if err != nil {
			return err
		}
		line, err := w.session.encode(event)
		if err != nil {
			return err
		}
		if err := w.session.console.event(line); err != nil {
			return err
		}
		if w.session.observed != nil {
			w.session.observed(event)
		}
		if isChange(event.Kind) {
			changes++
		}
		if w.count > 0 && changes >= w.count {
			return nil
		}
	}
	return nil
}

// isChange says whether an event of a kind is about something that changed.
func isChange(kind outlookstream.Kind) bool {
	return kind != outlookstream.Resync && kind != outlookstream.Ended
}
