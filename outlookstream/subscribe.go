package outlookstream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
)

// A Subscription is the service's promise to tell of changes to a resource. It
// expires about 30 minutes after it was made, or after the last connection
// that listened to it ended.
type Subscription struct {
	ID         string // opaque
	Resource   string // URL, as the service repeats it
	ChangeType string // what will be told: "Created, Updated, Deleted, Missed"
	// ExpirationDateTime is zero: the service does not tell when a streaming
	// subscription expires before its first notification. It is read if sent.
	ExpirationDateTime time.Time
	Diagnostics
}

const typeSubscription = "#Microsoft.OutlookServices.StreamingSubscription"

type subscribeRequest struct {
	ODataType  string `json:"@odata.type"`
	Resource   string
	ChangeType string
}

type subscribeResponse struct {
	ID                             string `json:"Id"`
	Resource                       string
	ChangeType                     string
	SubscriptionExpirationDateTime string
}

// Subscribe asks the service to tell of changes to r. Nothing is delivered
// until the subscription's ID is passed to Open. One request, no retries,
// within a minute for the token and 30 s for the answer; what the service
// answered is in an *[Error], what else went wrong in a *[ConnectionError].
func (c *Client) Subscribe(ctx context.Context, r Resource) (*Subscription, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	scopes, err := c.opts.scopesFor([]Resource{r})
	if err != nil {
		return nil, err
	}
	lease := c.pool.Acquire()
	defer lease.Release()
	return c.subscribe(ctx, lease, r, scopes)
}

func (c *Client) subscribe(ctx context.Context, lease *reconnect.Lease, r Resource, scopes []string) (*Subscription, error) {
	c.remember(scopes)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var made subscribeResponse
	a, err := c.send(ctx, cancel, lease, request{
		op:       opSubscribe,
		resource: r.Path,
		method:   http.MethodPost,
		path:     "subscriptions",
		body: subscribeRequest{
			ODataType:  typeSubscription,
			Resource:   r.url(c.endpoint, c.user),
			ChangeType: r.Changes.String(),
		},
		into:   &made,
		scopes: scopes,
	})
	if err != nil {
		return nil, err
	}
	// Ids are logged, so one that is the token, or cannot be printed, is none.
	if made.ID == "" || a.present(made.ID, len(made.ID)) != made.ID {
		return nil, &ConnectionError{Op: opSubscribe, Resource: r.Path, Diagnostics: a.diagnostics,
			Err: fmt.Errorf("%w: a subscription without an Id that can be used", ErrMalformed)}
	}
	s := &Subscription{ID: made.ID, Resource: made.Resource, ChangeType: made.ChangeType, Diagnostics: a.diagnostics}
	s.ExpirationDateTime, _ = time.Parse(time.RFC3339Nano, made.SubscriptionExpirationDateTime)
	return s, nil
}

// Unsubscribe deletes a subscription. The service documents this for push
// subscriptions only; a streaming one that nobody listens to expires by itself.
func (c *Client) Unsubscribe(ctx context.Context, id string) error {
	lease := c.pool.Acquire()
	defer lease.Release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a, err := c.send(ctx, cancel, lease, request{
		op:     opUnsubscribe,
		method: http.MethodDelete,
		// Ids are base64 and may hold "/" and "=".
		path:   "subscriptions('" + url.PathEscape(id) + "')",
		scopes: c.rememberedScopes(),
	})
	if err != nil {
		return err
	}
	return a.Body.Close()
}
