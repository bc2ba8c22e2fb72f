package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
	asked := &askedFor{provider: w.credentials.provider}
	client, err := outlookstream.New(asked, &w.options)
	if err != nil {
		return usage(err)
	}
	begun, err := w.watch(ctx, client)
	if !begun && w.credentials.signIn != nil && errors.Is(err, auth.ErrInteractionRequired) {
		// Nobody has signed in yet. If a person is needed later on, there
		// may be nobody there to see a prompt: then the watch ends.
		if err = w.credentials.signIn(ctx, asked.lastScopes()); err == nil {
			_, err = w.watch(ctx, client)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && asked.lastScopes() == nil:
		// Before anything was sent: what to watch was wrong.
		if w.needsScope(ctx) {
			err = fmt.Errorf("%w (on the command line: --scope)", err)
		}
		return usage(err)
	default:
		return withTrustAdvice(err, err)
	}
}

// needsScope says whether the watch, which has not begun, would have if it had
// been told a permission: whether it would have got as far as asking for a token
// with it.
func (w *watcher) needsScope(ctx context.Context) bool {
	if len(w.options.Scopes) > 0 {
		return false
	}
	asked := false
	provider := auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		asked = true
		return auth.Token{}, auth.ErrMisconfigured // which ends the watch
	})
	client, err := outlookstream.New(provider, &outlookstream.Options{Endpoint: w.options.Endpoint, Scopes: []string{"any"}})
	if err != nil {
		return false
	}
	for range client.Watch(ctx, w.resources...) {
	}
	return asked
}

// watch returns whether there was any event, and what the watch ended with.
func (w *watcher) watch(ctx context.Context, client *outlookstream.Client) (begun bool, err error) {
	changes := 0
	for event, err := range client.Watch(ctx, w.resources...) {
		if err != nil {
			return begun, err
		}
		begun = true
		line, err := w.session.encode(event)
		if err != nil {
			return begun, err
		}
		if err := w.session.console.event(line); err != nil {
			return begun, err
		}
		if w.session.observed != nil {
			w.session.observed(event)
		}
		if event.Kind != outlookstream.Resync {
			changes++
		}
		if w.count > 0 && changes >= w.count {
			return begun, nil
		}
	}
	return begun, nil
}

// askedFor remembers which permissions were asked for: those to sign in for.
type askedFor struct {
	provider auth.Provider

	mu     sync.Mutex
	scopes []string
}

// Token implements auth.Provider.
func (a *askedFor) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	a.mu.Lock()
	a.scopes = slices.Clone(r.Scopes)
	a.mu.Unlock()
	return a.provider.Token(ctx, r)
}

func (a *askedFor) lastScopes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.scopes
}
