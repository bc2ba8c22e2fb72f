package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// An observer sees each event right after it was printed.
type observer func(outlookstream.Event)

// A watcher prints the events of one watch, after somebody has signed in, if
// that is needed.
type watcher struct {
	session     *session
	credentials *credentials
	options     outlookstream.Options
	resources   []outlookstream.Resource
	count       int // end after as many changes; 0: never
}

// run watches until ctx ends, count is reached or something fails for good.
// The end of ctx is no error: somebody wanted it.
func (w *watcher) run(ctx context.Context) error {
	scopes, err := scopesOf(&w.options, w.resources)
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
	client, err := outlookstream.New(provider, &w.options)
	if err != nil {
		return usage(err)
	}
	err = w.watch(ctx, client)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && w.credentials.advise != nil:
		err = w.credentials.advise(err)
	}
	return withTrustAdvice(err)
}

// scopesOf returns the permissions that watching the resources needs. Its errors
// are about what is to be watched.
func scopesOf(options *outlookstream.Options, resources []outlookstream.Resource) ([]string, error) {
	client, err := outlookstream.New(auth.Static(""), options)
	if err != nil {
		return nil, usage(err)
	}
	scopes, err := client.Scopes(resources...)
	switch {
	case errors.Is(err, outlookstream.ErrScopesNeeded):
		text := strings.TrimSuffix(strings.TrimPrefix(err.Error(), "outlookstream: "), ": set Options.Scopes")
		return nil, usage(fmt.Errorf("%s: name it with --scope", text))
	case err != nil:
		return nil, usage(err)
	}
	return scopes, nil
}

// watch returns what the watch ended with.
func (w *watcher) watch(ctx context.Context, client *outlookstream.Client) error {
	changes := 0
	for event, err := range client.Watch(ctx, w.resources...) {
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
		if event.Kind != outlookstream.Resync {
			changes++
		}
		if w.count > 0 && changes >= w.count {
			return nil
		}
	}
	return nil
}
