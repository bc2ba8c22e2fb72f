package main

import (
	"context"
	"net/http"
	"os"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// ewsSource is Exchange Web Services.
type ewsSource struct {
	options     ews.Options
	permissions []string // none: Exchange Online's
	login       *login   // nil: tokens
	mailboxes   *mailboxes
	set         *ews.Set // of them
	hangups     func() (heard <-chan os.Signal, stop func())
}

func (e *ewsSource) begin(s *session, client *http.Client, c *credentials) {
	e.login, e.mailboxes.session = c.login, s
	st := newEWSStatus(s, &e.options)
	st.show("connecting to %s", st.host)
	e.options.HTTPClient, e.options.Logger, e.options.Trace = client, s.libraryLog(), st.trace()
}

func (e *ewsSource) scopes() ([]string, error) {
	if len(e.permissions) == 0 {
		return []string{ews.OnlineScope}, nil
	}
	return e.permissions, nil
}

func (e *ewsSource) events(ctx context.Context, provider auth.Provider) (outlookstream.Events, error) {
	client, err := ews.New(e.authenticator(provider), &e.options)
	if err != nil {
		return nil, err
	}
	if e.mailboxes.file != "" {
		if heard, stop := e.hangups(); heard != nil {
			return inFlags(e.changing(ctx, client, heard, stop)), nil
		}
	}
	all, err := e.mailboxes.read()
	if err != nil {
		return nil, err
	}
	return inFlags(client.Watch(ctx, all...)), nil
}

// changing is for mailboxes that may come and go.
func (e *ewsSource) changing(ctx context.Context, client *ews.Client, heard <-chan os.Signal, stop func()) outlookstream.Events {
	return func(yield func(outlookstream.Event, error) bool) {
		defer stop()
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		defer func() {
			cancel()
			<-done
		}()
		go func() {
			defer close(done)
			e.mailboxes.follow(ctx, e.set, heard)
		}()
		client.WatchSet(ctx, e.set)(yield)
	}
}

func (e *ewsSource) authenticator(provider auth.Provider) ews.Authenticator {
	if e.login != nil {
		return e.login.authenticator()
	}
	return ews.Bearer(provider, e.permissions...)
}
