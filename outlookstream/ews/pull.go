package ews

import (
	"context"
	"encoding/xml"
	"fmt"
	"time"
)

// PullOptions configure a pull subscription. A nil *PullOptions and every zero
// field mean the default.
type PullOptions struct {
	// Timeout is after how long without a GetEvents the subscription expires,
	// in whole minutes from 1 to 1440; 30 min by default.
	Timeout time.Duration

	// Watermark is where another subscription to the same folders ended.
	// Default: now. One that the server does not know any more is
	// ErrInvalidState; an old one makes it search for long: then it is better
	// to begin anew, and to look at the folders themselves.
	Watermark string
}

const (
	defaultPullTimeout = 30 * time.Minute
	maxMinutes         = 1440 // of a Timeout or a StatusFrequency: the schema's
)

type pullTarget struct {
	target
	Watermark string `xml:"t:Watermark,omitempty"`
	Timeout   int64  `xml:"t:Timeout"`
}

// SubscribePull makes a pull subscription to m: events are collected until
// [Session.GetEvents] asks for them.
func (s *Session) SubscribePull(ctx context.Context, m Mailbox, opts *PullOptions) (*Subscription, error) {
	if err := m.validate(s.client.opts.Impersonate); err != nil {
		return nil, err
	}
	var o PullOptions
	if opts != nil {
		o = *opts
	}
	setDefault(&o.Timeout, defaultPullTimeout)
	timeout, err := minutesOf("PullOptions.Timeout", o.Timeout)
	if err != nil {
		return nil, err
	}
	return s.subscribe(ctx, m, s.version.Load(), func(t target) subscribeRequest {
		return subscribeRequest{Pull: &pullTarget{target: t, Watermark: o.Watermark, Timeout: timeout}}
	})
}

// minutesOf refuses what the schema would.
func minutesOf(option string, d time.Duration) (int64, error) {
	if d < time.Minute || d > maxMinutes*time.Minute || d%time.Minute != 0 {
		return 0, fmt.Errorf("ews: %s must be whole minutes from 1 to %d, not %v", option, maxMinutes, d)
	}
	return int64(d / time.Minute), nil
}

// A PullResult is what GetEvents brought.
type PullResult struct {
	Events    []*Event // in their order; none if nothing happened
	Watermark string   // to ask with the next time
	More      bool     // there are more events than fit: ask again at once
}

type getEventsRequest struct {
	XMLName        xml.Name `xml:"m:GetEvents"`
	SubscriptionID string   `xml:"m:SubscriptionId"`
	Watermark      string   `xml:"m:Watermark"`
}

type getEventsReply struct {
	Messages []notificationMessage `xml:"Body>GetEventsResponse>ResponseMessages>GetEventsResponseMessage"`
}

// GetEvents returns what happened after watermark; "" is where sub began. The
// service sends 50 events at most, and does not wait for any: how often to ask
// is the caller's choice. With the same watermark it sends the same events
// again, so keep the new one when they are dealt with, not before.
//
// An error that is outlookstream.ErrSubscriptionGone, outlookstream.ErrMissed or
// [ErrInvalidState] means that events are lost: subscribe again, and then look
// at the folders themselves.
func (s *Session) GetEvents(ctx context.Context, sub *Subscription, watermark string) (*PullResult, error) {
	setDefault(&watermark, sub.Watermark)
	var reply getEventsReply
	r := sub.request("GetEvents", getEventsRequest{SubscriptionID: sub.ID, Watermark: watermark})
	diagnostics, err := s.do(ctx, r, &reply, func() (all []responseMessage) {
		for _, m := range reply.Messages {
			all = append(all, m.responseMessage)
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	n := reply.Messages[0].Notification
	if n == nil {
		return nil, malformed(r, diagnostics, "neither a notification nor an error")
	}
	result := &PullResult{Events: n.events(sub.Mailbox), Watermark: n.watermark(), More: n.more()}
	setDefault(&result.Watermark, watermark)
	if result.Watermark == watermark {
		result.More = false // asking again at once may bring the same, without an end
	}
	return result, nil
}
