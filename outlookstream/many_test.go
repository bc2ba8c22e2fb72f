package outlookstream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// What two hundred watches have in common is one Client: its tokens, its pool
// of connections, its memory of what was refused. Nothing that happens to one
// of them may cost another a change.
func TestManyWatchesOfOneClientLoseNothingSilently(t *testing.T) {
	for protocol, size := range map[string]int{"h1": 40, "h2": 160} { // over HTTP/1.1 each has a connection of its own, and TLS costs
		if testing.Short() {
			size /= 2
		}
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, protocol, size)
				for _, trouble := range c.troubles() {
					c.suffer(trouble)
				}
				c.settle()
				c.check()
			})
		})
	}
}

// manyPaths are collections of two mailboxes.
var manyPaths = []string{
	"me/events", "me/messages", "me/contacts", "me/tasks", "me/mailfolders('inbox')/messages", "me/calendars('team')/events",
	"users/room1@contoso.test/events", "users/room1@contoso.test/messages",
}

// A crowd is many watches of one Client.
type crowd struct {
	*world
	random   *rand.Rand
	members  []*member
	renewals atomic.Int64 // calls of the provider behind auth.Cached
	expiries int          // of all tokens
	changes  int
}

// A member of the crowd watches some resources, in a way of its own.
type member struct {
	paths  []string
	events outlookstream.Events
	slow   time.Duration // what its loop's body takes for an event

	mu    sync.Mutex
	seen  []fakeserver.Seen
	leave bool // at the next event
	err   error
	loops sync.WaitGroup
}

func newCrowd(t *testing.T, protocol string, size int) *crowd {
	t.Helper()
	c := &crowd{
		world:  newWorld(t, protocol, &fakeserver.Options{MaxConcurrent: -1, TokenLifetime: 1000 * time.Hour}),
		random: rand.New(rand.NewPCG(4, uint64(size))),
	}
	c.opts.Logger = nil // as many lines say nothing
	c.opts.MaxElement = 64 << 10
	c.opts.KeepAlive = 30 * time.Second
	c.opts.Scopes = []string{"https://outlook.office.com/.default"} // so that there is one token for all of them
	c.provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		c.renewals.Add(1)
		<-time.After(time.Second) // in which everybody else is refused
		return auth.Token{Value: c.server.Token(user), ExpiresOn: time.Now().Add(1000 * time.Hour)}, nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	client := c.client()
	for i := range size {
		m := &member{paths: []string{manyPaths[i%len(manyPaths)]}}
		if i%5 == 0 { // two at once, over one connection
			m.paths = append(m.paths, manyPaths[(i+3)%len(manyPaths)])
		}
		var resources []outlookstream.Resource
		for _, path := range m.paths {
			resources = append(resources, outlookstream.Resource{Path: path})
		}
		m.events = client.Watch(ctx, resources...)
		switch i % 7 {
		case 1:
			m.events = outlookstream.Dedup(100, m.events)
		case 2:
			m.events = outlookstream.Buffer(1000, m.events)
		case 3: // it overflows
			m.events, m.slow = outlookstream.Buffer(2, outlookstream.Dedup(100, m.events)), 10*time.Second
		case 4:
			m.slow = 100 * time.Millisecond
		}
		c.members = append(c.members, m)
	}
	t.Cleanup(func() {
		cancel()
		for _, m := range c.members {
			m.loops.Wait()
		}
	})
	for _, m := range c.members {
		c.join(m)
	}
	<-time.After(time.Minute)
	return c
}

// join has a member range over its events.
func (c *crowd) join(m *member) {
	m.loops.Go(func() {
		for event, err := range m.events {
			if err != nil {
				m.mu.Lock()
				m.err = err
				m.mu.Unlock()
				return
			}
			if m.slow > 0 {
				<-time.After(m.slow)
			}
			if m.saw(event, c.server.LedgerSeq()) {
				return
			}
		}
	})
}

// saw notes an event, and reports whether that is enough.
func (m *member) saw(event outlookstream.Event, seq int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, fakeserver.Seen{
		Resource: event.Resource, ChangeType: event.Kind.String(), ID: event.ID, Version: event.Version,
		Resync: event.Kind == outlookstream.Resync, LedgerSeq: seq,
	})
	return m.leave
}

// A trouble is something that happens to everybody.
type trouble struct {
	name  string
	begin func()
	end   func() // nil: nothing
}

func (c *crowd) troubles() []trouble {
	fault := func(f fakeserver.Fault) func() { return func() { c.arm(f) } }
	most := len(c.members) / 2
	return []trouble{
		{"half of the streams are cut", fault(fakeserver.Fault{On: "stream", Do: "cut", Times: most}), nil},
		{"elements are cut in two", fault(fakeserver.Fault{On: "stream", Do: "cutMidElement", Times: most}), nil},
		{"all connections freeze", c.endpoint.Freeze, nil},
		{"some elements are too large, or twice there, or of no type, or out of order", func() {
			for _, do := range []string{"hugeElement", "duplicate", "unknownElement", "skipSequence"} {
				c.arm(fakeserver.Fault{On: "stream", Do: do, Bytes: 100 << 10, Times: 20})
			}
		}, nil},
		{"subscriptions expire", func() { c.server.ExpireSubscriptions(); c.endpoint.Reset() }, nil},
		{"the token expires", c.expireTokens, nil},
		{"the service cannot be reached", func() { c.endpoint.Refuse(true); c.endpoint.Reset() }, func() { c.endpoint.Refuse(false) }},
		{"the service is busy", func() {
			c.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, RetryAfter: "20", Times: most})
			c.endpoint.Reset()
		}, nil},
		{"the service missed something, and removes subscriptions", func() {
			for _, path := range manyPaths {
				c.change("Missed", path)
				c.change("SubscriptionRemoved", path)
			}
		}, nil},
		{"a third leaves, and comes back", func() { c.third(true) }, func() { c.third(false) }},
		{"the token expires while subscriptions do", func() { c.server.ExpireSubscriptions(); c.expireTokens() }, nil},
	}
}

func (c *crowd) expireTokens() {
	c.expiries++
	c.server.SignIn().ExpireTokens()
	c.arm(fakeserver.Fault{On: "stream", Do: "earlyEnd", Times: len(c.members)}) // so that all come back at the same instant
}

// third has every third member leave its loop at the next event, which there is
// soon, or begin a new one.
func (c *crowd) third(leave bool) {
	for i := 0; i < len(c.members); i += 3 {
		m := c.members[i]
		m.mu.Lock()
		m.leave = leave
		m.mu.Unlock()
		if !leave {
			c.join(m)
		}
	}
	if leave {
		for _, path := range manyPaths {
			c.changes++
			c.change("Updated", path)
		}
		for i := 0; i < len(c.members); i += 3 {
			c.members[i].loops.Wait()
		}
	}
}

// suffer has changes go on before, while and after something happens.
func (c *crowd) suffer(what trouble) {
	c.busy(5)
	what.begin()
	c.busy(15)
	<-time.After(70 * time.Second) // longer than silence is put up with
	c.busy(5)
	if what.end != nil {
		what.end()
	}
	<-time.After(90 * time.Second) // longer than anybody waits for the next attempt
	c.server.Disarm()
}

// busy makes changes of random items in random resources, some at once and some
// apart.
func (c *crowd) busy(n int) {
	for range n {
		c.changes++
		path := manyPaths[c.random.IntN(len(manyPaths))]
		if _, err := c.server.Change(fakeserver.Change{
			Resource: path, ChangeType: []string{"Created", "Updated", "Deleted"}[c.random.IntN(3)], ID: fmt.Sprint(c.random.IntN(10)),
		}); err != nil {
			c.t.Fatal(err)
		}
		if c.random.IntN(2) == 0 {
			<-time.After(time.Duration(c.random.IntN(1000)) * time.Millisecond)
		}
	}
}

// settle makes sure that everybody gets a last change itself, now that nothing
// goes wrong any more: nobody has been left behind.
func (c *crowd) settle() {
	c.t.Helper()
	<-time.After(3 * time.Minute) // the slowest take as long for what they have
	last := map[string]string{}
	for _, path := range manyPaths {
		c.changes++
		last[path] = c.change("Created", path)
	}
	<-time.After(30 * time.Second)
	synctest.Wait()
	for i, m := range c.members {
		for _, path := range m.paths {
			m.mu.Lock()
			got := slices.ContainsFunc(m.seen, func(s fakeserver.Seen) bool { return s.ID == last[path] && !s.Resync })
			err := m.err
			m.mu.Unlock()
			if !got {
				c.t.Errorf("watch %d of %s did not get the last change (%v)", i, path, err)
			}
		}
	}
}

func (c *crowd) check() {
	c.t.Helper()
	delivered, announced, lost := 0, 0, 0
	for i, m := range c.members {
		m.mu.Lock()
		for _, path := range m.paths {
			if entries := c.server.LostSilently(user, path, m.seen); len(entries) > 0 {
				lost += len(entries)
				c.t.Errorf("watch %d lost %d changes of %s silently, the first is %+v", i, len(entries), path, entries[0])
			}
		}
		for _, s := range m.seen {
			if s.Resync {
				announced++
			} else {
				delivered++
			}
		}
		m.mu.Unlock()
	}
	if got, want := c.renewals.Load(), int64(1+c.expiries); got != want {
		c.t.Errorf("%d renewals, want %d: one at the start, and one for everybody whose token was refused", got, want)
	}
	refused, tokens := map[string]int{}, map[string]bool{}
	for _, r := range c.server.Requests() {
		if tokens[r.Token] = true; r.Status == 401 {
			refused[r.Token]++
		}
	}
	if len(tokens) != 1+c.expiries || len(refused) != c.expiries {
		c.t.Errorf("%d tokens were sent and %d refused, after %d expiries", len(tokens), len(refused), c.expiries)
	}
	most := 0 // whether others are on their way already when the first one is refused is up to the scheduler
	for token, times := range refused {
		if most = max(most, times); times > len(c.members) {
			c.t.Errorf("%s was refused %d times: nobody was to send it twice", token, times)
		}
	}
	if most < 2 {
		c.t.Errorf("no token was refused to many at once, after %d expiries", c.expiries)
	}
	c.t.Logf("many watches of one Client, %s: %d watches, %d changes, %d delivered, %d announced, %d requests, lost silently: %d",
		c.protocol, len(c.members), c.changes, delivered, announced, len(c.server.Requests()), lost)
	for _, m := range c.members {
		if m.err != nil && !errors.Is(m.err, context.Canceled) {
			c.t.Errorf("a watch has ended: %v", m.err)
		}
	}
}
