package ews_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	fakediscover "github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// hoster is where domains may have their mailboxes looked after.
const hoster = "hoster.test"

// domains is a network in which every domain has its Autodiscover on the same
// server, but for those that are dead: they let everybody wait.
type domains struct {
	http.RoundTripper
	server string
	slow   time.Duration // how much longer each domain takes than the one before

	mu      sync.Mutex
	dead    map[string]bool
	waiting int // how many wait
	most    int // how many have waited at a time
}

func (d *domains) RoundTrip(r *http.Request) (*http.Response, error) {
	domain := strings.TrimPrefix(r.URL.Host, "autodiscover.")
	if domain == d.server {
		return d.RoundTripper.RoundTrip(r)
	}
	if d.isDead(domain) {
		d.wait(1)
		defer d.wait(-1)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	var number int
	_, _ = fmt.Sscanf(domain, "d%d", &number)
	<-time.After(time.Duration(number) * d.slow)
	sent := r.Clone(r.Context())
	sent.URL.Host, sent.Host = d.server, d.server
	if domain == hoster {
		sent.Host = hoster
	}
	return d.RoundTripper.RoundTrip(sent)
}

func (d *domains) isDead(domain string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead[domain]
}

func (d *domains) set(domain string, dead bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead[domain] = dead
}

func (d *domains) wait(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting += n
	d.most = max(d.most, d.waiting)
}

// inDomains runs test in a world with a room in each of n domains. The first of
// them are dead.
func inDomains(t *testing.T, n, dead int, test func(t *testing.T, w *world, network *domains)) {
	t.Helper()
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		var accounts []signin.Account
		for i := range n {
			accounts = append(accounts, signin.Account{User: inDomain(i)})
		}
		w.serve(accounts, site)
		u, err := url.Parse(w.endpoint.URL)
		if err != nil {
			t.Fatal(err)
		}
		network := &domains{RoundTripper: w.opts.HTTPClient.Transport, server: u.Host, dead: make(map[string]bool)}
		for i := range dead {
			network.set(domain(i), true)
		}
		w.opts.HTTPClient = &http.Client{Transport: network}
		w.opts.Discover = true
		test(t, w, network)
	})
}

func domain(i int) string   { return fmt.Sprintf("d%02d.test", i) }
func inDomain(i int) string { return "room@" + domain(i) }

func inboxes(n int) (mailboxes []ews.Mailbox) {
	for i := range n {
		mailboxes = append(mailboxes, ews.Mailbox{Address: inDomain(i), Folders: ews.Distinguished("calendar")})
	}
	return mailboxes
}

func TestADomainThatIsDeadKeepsNoOtherWaiting(t *testing.T) {
	inDomains(t, 4, 2, func(t *testing.T, w *world, network *domains) {
		var lost []ews.TraceNotFound
		w.opts.Trace = &ews.Trace{NotFound: func(n ews.TraceNotFound) { lost = append(lost, n) }}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, inboxes(4)...) })
		events := watcher.after(2 * time.Second)
		if len(events) != 2 || resyncs(events, outlookstream.ErrStarted) != 2 || events[0].Resource != inDomain(2) || events[1].Resource != inDomain(3) {
			t.Errorf("%v", events)
		}
		if events := watcher.after(10 * time.Minute); len(events) != 0 || len(lost) < 4 {
			t.Errorf("%v, %v", events, lost)
		}
		for _, n := range lost {
			if n.Err == nil || n.Delay <= 0 || n.Delay > time.Minute || n.Mailbox != inDomain(0) && n.Mailbox != inDomain(1) {
				t.Errorf("%+v", n)
			}
		}
		network.set(domain(0), false)
		events = watcher.after(4 * time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != 1 || events[0].Resource != inDomain(0) {
			t.Errorf("%v", events)
		}
	})
}

// Those that are never found must not keep out the others for ever.
func TestMoreDeadDomainsThanAreAskedAtATimeTakeTurns(t *testing.T) {
	inDomains(t, 30, 20, func(t *testing.T, w *world, network *domains) {
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, inboxes(30)...) })
		events := watcher.after(10 * time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != 10 {
			t.Errorf("%v", events)
		}
		if network.most != 8 {
			t.Errorf("%d searches at a time", network.most)
		}
	})
}

// A group's stream has to be opened again for each mailbox that comes alone.
func TestDomainsThatAreFoundOneByOneDoNotOpenAStreamEach(t *testing.T) {
	inDomains(t, 30, 1, func(t *testing.T, w *world, network *domains) {
		network.slow = 30 * time.Millisecond
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, inboxes(30)...) })
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != 29 {
			t.Errorf("%v", events)
		}
		if opened := len(w.requests("GetStreamingEvents")); opened < 2 || opened > 8 {
			t.Errorf("%d streams were opened", opened)
		}
	})
}

func TestAMailboxThatComesIsNotKeptWaitingByOthers(t *testing.T) {
	inDomains(t, 3, 1, func(t *testing.T, w *world, network *domains) {
		set, err := ews.NewSet(inboxes(1)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(5 * time.Second)
		if err := set.Add(inboxes(3)...); err != nil {
			t.Fatal(err)
		}
		if events := watcher.after(3 * time.Second); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
	})
}

// One search of a domain at a time: its server is asked about as many mailboxes
// as it takes.
func TestTheMailboxesOfADomainAreLookedForTogether(t *testing.T) {
	for _, servers := range []bool{false, true} {
		inDomains(t, 1, 0, func(t *testing.T, w *world, network *domains) {
			var accounts []signin.Account
			var mailboxes []ews.Mailbox
			for i := range 20 {
				address := fmt.Sprintf("room%d@d%02d.test", i, i%2)
				accounts = append(accounts, signin.Account{User: address})
				mailboxes = append(mailboxes, ews.Mailbox{Address: address, Folders: ews.Distinguished("calendar")})
			}
			client := w.opts.HTTPClient
			w.serve(accounts, site)
			network.RoundTripper, w.opts.HTTPClient, w.opts.Discover = w.opts.HTTPClient.Transport, client, true
			want := 4 // for each domain one without credentials
			if servers {
				w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
				want = 1
			}
			c := w.client()
			watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, mailboxes...) })
			if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != 20 {
				t.Errorf("%v", events)
			}
			asked := 0
			for _, r := range w.server.Requests() {
				if strings.HasSuffix(r.Path, "/autodiscover.svc") {
					asked++
				}
			}
			if asked != want {
				t.Errorf("servers %v: %d requests", servers, asked)
			}
		})
	}
}

func TestAutodiscoverAsksDomainsSideBySide(t *testing.T) {
	inDomains(t, 12, 6, func(t *testing.T, w *world, network *domains) {
		var addresses []string
		for i := range 12 {
			addresses = append(addresses, inDomain(i))
		}
		start := time.Now()
		settings, err := w.client().Autodiscover(t.Context(), append(addresses, "nowhere")...)
		if err != nil || len(settings) != 13 {
			t.Fatalf("%v, %v", settings, err)
		}
		if took := time.Since(start); took > 3*time.Minute { // two servers of a domain, a minute for each
			t.Errorf("it took %v", took)
		}
		for i, address := range addresses {
			if s := settings[address]; (s.Err != nil) != (i < 6) || i >= 6 && s.URL != w.opts.URL {
				t.Errorf("%s: %+v", address, s)
			}
		}
		if settings["nowhere"].Err == nil {
			t.Error("an address without a domain was found")
		}
	})
}

func TestAllowRedirectIsAskedOneQuestionAtATime(t *testing.T) {
	inDomains(t, 6, 0, func(t *testing.T, w *world, network *domains) {
		asking, asked := 0, 0
		w.opts.Autodiscover.AllowRedirect = func(string, *url.URL) bool {
			if asking++; asking > 1 {
				t.Error("two at a time")
			}
			time.Sleep(time.Second) // of virtual time
			asking--
			asked++
			return true
		}
		var addresses []string
		for i := range 6 {
			w.server.Exchange().Redirect(inDomain(i), fakediscover.Entry{RedirectURL: "https://" + hoster})
			addresses = append(addresses, inDomain(i))
		}
		_, err := w.client().Autodiscover(t.Context(), addresses...)
		if err != nil || asked < 6 {
			t.Errorf("%v, asked %d times", err, asked)
		}
	})
}

// What is refused is refused everywhere, and must not be tried for.
func TestARefusalOfOneDomainEndsAutodiscoverOfAll(t *testing.T) {
	inDomains(t, 12, 6, func(t *testing.T, w *world, network *domains) {
		refused := fmt.Errorf("no: %w", auth.ErrRejected)
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{}, refused })
		var addresses []string
		for i := range 12 {
			addresses = append(addresses, inDomain(i))
		}
		start := time.Now()
		if _, err := w.client().Autodiscover(t.Context(), addresses...); !errors.Is(err, auth.ErrRejected) || time.Since(start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAPanicWhileDomainsAreAskedIsTheCallers(t *testing.T) {
	inDomains(t, 4, 1, func(t *testing.T, w *world, network *domains) {
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) { panic("provider") })
		defer func() {
			if thrown := recover(); thrown != "provider" {
				t.Errorf("%v", thrown)
			}
		}()
		_, err := w.client().Autodiscover(t.Context(), inDomain(0), inDomain(1), inDomain(2))
		t.Errorf("it returned: %v", err)
	})
}
