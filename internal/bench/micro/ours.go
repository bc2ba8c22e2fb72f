package micro

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/jsonstream"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// ours is this module: jsonstream, and the whole public path above it.
func ours() []Contestant {
	return []Contestant{
		{Name: Ours, Task: Frame, Open: func(r io.Reader) (*Walk, error) {
			return frames(jsonstream.NewDecoder(r, nil).Next), nil
		}},
		{Name: Ours, Task: Notification, Open: openStream},
	}
}

func openStream(r io.Reader) (*Walk, error) {
	client, err := newClient(r)
	if err != nil {
		return nil, err
	}
	stream, err := client.Open(context.Background(), data.SubscriptionID)
	if err != nil {
		return nil, err
	}
	var last *outlookstream.Notification
	return &Walk{
		Next: func() (err error) {
			last, err = stream.Next()
			return err
		},
		Last:  func() ([]byte, *Header) { return nil, headerOf(last) },
		Close: func() { _ = stream.Close() },
	}, nil
}

func headerOf(n *outlookstream.Notification) *Header {
	h := &Header{n.ODataType, n.ID, n.SubscriptionID, n.SubscriptionExpirationDateTime, n.SequenceNumber, n.ChangeType, n.Resource, n.ResourceData, n.Status, nil}
	if n.Error != nil {
		h.Error = &HeaderError{n.Error.Code, n.Error.Message}
	}
	return h
}

// newClient returns a Client of a service that streams what r reads.
func newClient(r io.Reader) (*outlookstream.Client, error) {
	return outlookstream.New(auth.Static("token"), &outlookstream.Options{
		Endpoint:   "https://outlook.test/api/beta",
		HTTPClient: &http.Client{Transport: service{r}},
	})
}

// A service answers in memory.
type service struct{ stream io.Reader }

// RoundTrip implements http.RoundTripper.
func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(s.stream),
	}
	if strings.HasSuffix(r.URL.Path, "/subscriptions") {
		resp.StatusCode, resp.Status = http.StatusCreated, "201 Created"
		resp.Body = io.NopCloser(strings.NewReader(`{"Id":"` + data.SubscriptionID + `","Resource":"x","ChangeType":"Created, Updated, Deleted, Missed"}`))
	}
	return resp, nil
}
