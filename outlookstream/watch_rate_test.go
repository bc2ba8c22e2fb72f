package outlookstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A booked service is down, and keeps book of who asked when.
type booked struct {
	mu    sync.Mutex
	first map[string]time.Duration // of each who asked
	asked []time.Duration
	start time.Time
}

func (b *booked) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := time.Since(b.start)
	b.asked = append(b.asked, at)
	what, err := io.ReadAll(r.Body) // which resource it is to be subscribed to
	if err != nil {
		return nil, err
	}
	if _, ok := b.first[string(what)]; !ok {
		b.first[string(what)] = at
	}
	return nil, errors.New("the service is down")
}

func TestAStormOfWatchesKeepsToTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const watches, perSecond = 1000, 50
		service := &booked{first: make(map[string]time.Duration), start: time.Now()}
		client, err := outlookstream.New(auth.Static("token"), &outlookstream.Options{
			Endpoint:    "https://outlook.example/api",
			HTTPClient:  &http.Client{Transport: service},
			ConnectRate: perSecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var watching sync.WaitGroup
		for i := range watches {
			watching.Go(func() {
				for _, err := range client.Watch(ctx, outlookstream.Resource{Path: "users/" + strconv.Itoa(i) + "/events"}) {
					if err != cause {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Minute) // synctest: virtual
		cancel(cause)
		end := time.Now()
		watching.Wait()
		if took := time.Since(end); took != 0 {
			t.Errorf("ending took %v", took)
		}

		service.mu.Lock()
		defer service.mu.Unlock()
		for i := perSecond; i < len(service.asked); i++ { // the first go at once
			if i >= 2*perSecond && service.asked[i]-service.asked[i-perSecond] < time.Second-time.Millisecond {
				t.Fatalf("%d attempts within %v", perSecond+1, service.asked[i]-service.asked[i-perSecond])
			}
		}
		if n := len(service.asked); n < 60*perSecond || n > 61*perSecond {
			t.Errorf("%d attempts in a minute, want what the rate allows: the back-off alone would have made more", n)
		}
		if len(service.first) != watches {
			t.Errorf("%d watches had their turn, want %d", len(service.first), watches)
		}
		for who, at := range service.first {
			if at > watches/perSecond*time.Second {
				t.Errorf("%s had its first turn after %v: somebody was let in before", who, at)
			}
		}
	})
}

// What has a connection keeps it while it waits for its turn, so that a storm
// does not dial once for each watch.
func TestAStormSharesConnectionsBeforeAnyStreamIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const watches = 60
		w := newWorld(t, "h2", &fakeserver.Options{MaxConcurrent: 2 * watches})
		w.opts.ConnectRate = 10
		var dials atomic.Int32
		transport := w.opts.HTTPClient.Transport.(*http.Transport)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx, network, address)
		}
		client := w.client()
		all := make([]*watcher, watches)
		for i := range all {
			all[i] = w.watchWith(client, events)
		}
		for _, one := range all {
			one.resync(outlookstream.ErrStarted)
		}
		if n := dials.Swap(0); n != 1 {
			t.Fatalf("%d connections for the start of %d watches, want one", n, watches)
		}
		w.server.ExpireSubscriptions()
		w.endpoint.Reset()
		for _, one := range all {
			one.resync(outlookstream.ErrResubscribed)
		}
		// The first ones may find a turn at once, and nobody else there.
		if n := dials.Load(); n > 5 {
			t.Errorf("%d connections dialled for the return of %d watches", n, watches)
		}
	})
}
