package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// restSource is the Outlook REST API.
type restSource struct {
	options   outlookstream.Options
	resources []outlookstream.Resource
}

func (r *restSource) begin(s *session, client *http.Client, _ *credentials) {
	if isMicrosoft(r.options.Endpoint) {
		s.log.Warn("Microsoft has switched off the service at this endpoint; expect 410 Gone. "+
			"--endpoint names a server that still speaks this protocol; 'calwatch demo' and 'calwatch fakeserver' bring their own",
			"endpoint", r.options.Endpoint)
	}
	st := newStatus(s, r.options.Endpoint)
	st.show("connecting to %s", st.host)
	r.options.HTTPClient, r.options.Logger, r.options.Trace = client, s.libraryLog(), st.trace()
}

func (r *restSource) scopes() ([]string, error) { return scopesOf(&r.options, r.resources) }

func (r *restSource) events(ctx context.Context, provider auth.Provider) (outlookstream.Events, error) {
	client, err := outlookstream.New(provider, &r.options)
	if err != nil {
		return nil, err
	}
	return client.Watch(ctx, r.resources...), nil
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
