package outlookstream_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A response that is cut at any byte, over real TLS: never a hang, never an
// event of something that did not happen, always a Resync.
func TestACutAtEveryByteOfARealResponse(t *testing.T) {
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			server := fakeserver.New(&fakeserver.Options{MaxConcurrent: -1})
			endpoint, err := server.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Close() })
			client := endpoint.Client(protocol)
			// Thousands of connections, so: no signatures, and the cheapest key exchange.
			config := client.Transport.(*http.Transport).TLSClientConfig
			config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			config.CurvePreferences = []tls.CurveID{tls.CurveP256}
			provider := auth.Static(server.Token(user))
			length := responseLength(t, server, provider, client, endpoint.API())
			step := 1
			if testing.Short() {
				step = 5
			}
			for offset := 0; offset < length; offset += step {
				cutAt(t, server, provider, client, endpoint.API(), offset)
				server.ExpireSubscriptions() // they would all be told of the next changes
			}
			t.Logf("every %d of %d offsets", step, length)
		})
	}
}

// prepare makes a change to the subscription that was just made, so that it is
// in the response from its start.
func prepare(server *fakeserver.Server) (id string, err error) {
	entries, err := server.Change(fakeserver.Change{
		Resource: "me/events", ChangeType: "Created",
		Data: json.RawMessage(`{"Subject":"zwei é 会 {\"value\":[","Categories":["a","b"]}`),
	})
	if err != nil {
		return "", err
	}
	return entries[0].ID, nil
}

var cutResource = outlookstream.Resource{Path: "me/events", Select: []string{"Subject", "Categories"}}

// responseLength returns how long the part of the response is that tells of
// the changes.
func responseLength(t *testing.T, server *fakeserver.Server, provider auth.Provider, client *http.Client, api string) int {
	t.Helper()
	body := &counter{Transport: client.Transport}
	c, err := outlookstream.New(provider, &outlookstream.Options{Endpoint: api, HTTPClient: &http.Client{Transport: body}})
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := c.Subscribe(t.Context(), cutResource)
	if err != nil {
		t.Fatal(err)
	}
	_, err = prepare(server)
	if err != nil {
		t.Fatal(err)
	}
	body.n = 0
	stream, err := c.Open(t.Context(), subscription.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if n, err := stream.Next(); err != nil || n.ChangeType != "Created" {
		t.Fatalf("%+v, %v", n, err)
	}
	if body.n < 500 {
		t.Fatalf("a response of %d bytes cannot be right", body.n)
	}
	return body.n
}

// A counter counts the bytes of responses' bodies.
type counter struct {
	Transport http.RoundTripper
	n         int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.Transport.RoundTrip(r)
	if err == nil {
		resp.Body = &countedBody{resp.Body, c}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	counter *counter
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.counter.n += n
	return n, err
}

func cutAt(t *testing.T, server *fakeserver.Server, provider auth.Provider, client *http.Client, api string, offset int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a hang
	defer cancel()
	if err := server.Arm(fakeserver.Fault{On: "stream", Do: "cutAtByte", Bytes: offset}); err != nil {
		t.Fatal(err)
	}
	var id string
	var unprepared error
	c, err := outlookstream.New(provider, &outlookstream.Options{
		Endpoint: api, HTTPClient: client,
		Backoff: outlookstream.Backoff{Initial: time.Microsecond, Max: time.Millisecond},
		Trace: &outlookstream.Trace{Answered: func(a outlookstream.TraceAnswered) {
			if a.Op == "subscribe" && a.Err == nil {
				id, unprepared = prepare(server) // before it listens
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var resyncs []error
	for event, failure := range c.Watch(ctx, cutResource) {
		switch {
		case failure != nil || unprepared != nil:
			t.Fatalf("offset %d: %v, %v", offset, failure, unprepared)
		case event.Kind == outlookstream.Resync:
			resyncs = append(resyncs, event.Reason)
		case event.Kind != outlookstream.Created || event.ID != id:
			t.Fatalf("offset %d: %v did not happen", offset, event)
		}
		if len(resyncs) == 2 {
			break
		}
	}
	if !errors.Is(resyncs[0], outlookstream.ErrStarted) || !errors.Is(resyncs[1], outlookstream.ErrReconnected) {
		t.Fatalf("offset %d: %v", offset, resyncs)
	}
}
