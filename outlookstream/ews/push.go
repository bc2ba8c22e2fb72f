package ews

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// PushOptions configure a push subscription. URL is needed; every other zero
// field means the default.
type PushOptions struct {
	// URL is where the service sends notifications: that of a [PushHandler],
	// reachable for the server. Anybody who knows it can send something there:
	// https, and a part that nobody can guess, keep others away.
	URL string

	// StatusFrequency is how often the service sends something if nothing
	// happens, and for how long it tries again if nobody takes it, in whole
	// minutes from 1 to 1440; 30 min by default.
	StatusFrequency time.Duration

	// CallerData is for Exchange's own use, from Exchange 2013. Default: none.
	CallerData string

	// Watermark is as in [PullOptions].
	Watermark string
}

const (
	defaultStatusFrequency = 30 * time.Minute
	maxPushURL             = 2082 // the schema's
)

type pushTarget struct {
	target
	Watermark       string `xml:"t:Watermark,omitempty"`
	StatusFrequency int64  `xml:"t:StatusFrequency"`
	URL             string `xml:"t:URL"`
	CallerData      string `xml:"t:CallerData,omitempty"`
}

// SubscribePush makes a push subscription to m. Its first notification comes at
// once, maybe before SubscribePush returns: [PushHandler.Subscribe] knows how to
// wait for that. A push subscription ends by answering Unsubscribe, or by not
// answering at all; Unsubscribe does not know it.
func (s *Session) SubscribePush(ctx context.Context, m Mailbox, opts *PushOptions) (*Subscription, error) {
	if err := m.validate(s.client.opts.Impersonate); err != nil {
		return nil, err
	}
	o := opts.withDefaults()
	frequency, err := minutesOf("PushOptions.StatusFrequency", o.StatusFrequency)
	if err != nil {
		return nil, err
	}
	if err := validatePushURL(o.URL); err != nil {
		return nil, err
	}
	return s.subscribe(ctx, m, s.version.Load(), func(t target) subscribeRequest {
		return subscribeRequest{Push: &pushTarget{
			target: t, Watermark: o.Watermark, StatusFrequency: frequency, URL: o.URL, CallerData: o.CallerData,
		}}
	})
}

func (o *PushOptions) withDefaults() PushOptions {
	var out PushOptions
	if o != nil {
		out = *o
	}
	setDefault(&out.StatusFrequency, defaultStatusFrequency)
	return out
}

// validatePushURL does not show the URL: a part of it may be a secret.
func validatePushURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("ews: PushOptions.URL must be an absolute http or https URL")
	case len(raw) > maxPushURL:
		return fmt.Errorf("ews: PushOptions.URL must have at most %d bytes, not %d", maxPushURL, len(raw))
	}
	return nil
}
