package soak

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// A rest is programs that watch over the REST API.
type rest struct {
	protocol   string        // "h1" or "h2"
	keepAlive  time.Duration // what the programs ask for
	connection time.Duration // how long a connection is to last
	shared     bool          // all programs of an account use one Client
	programs   []programSpec

	spacing // of all of them; guarded by world.mu
}

// A programSpec is one program that watches.
type programSpec struct {
	user      int // index into users
	resources []string
	dedup     bool
	pace
}

var users = []string{"alex@contoso.test", "room1@contoso.test"}

var resources = []string{"me/events", "me/messages", "me/contacts", "me/mailfolders('inbox')/messages"}

func (s *rest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, keep-alive %v, connections of %v, one Client each: %v\n", s.protocol, s.keepAlive, s.connection, !s.shared)
	for i, p := range s.programs {
		fmt.Fprintf(&b, "  program %d: %s, %s, Dedup: %v, %v\n", i, users[p.user], strings.Join(p.resources, " "), p.dedup, p.pace)
	}
	return b.String()
}

func (s *rest) start(w *world) (server *fakeserver.Server, endpoint *fakeserver.Endpoint, programs []program) {
	server = fakeserver.New(&fakeserver.Options{
		MaxConcurrent: -1, // throttling is a fault of its own here
		SignIn:        w.signIn(),
	})
	endpoint = w.listen(server)
	shared := map[int]*outlookstream.Client{}
	for i, spec := range s.programs {
		p := &restProgram{programSpec: spec, rest: s}
		p.player = player{world: w, number: i, script: p}
		switch {
		case !s.shared:
			p.client = s.client(w, endpoint, spec.user, p.trace())
		case shared[spec.user] == nil:
			shared[spec.user] = s.client(w, endpoint, spec.user, s.trace(w))
			fallthrough
		default:
			p.client = shared[spec.user]
		}
		programs = append(programs, p)
	}
	return server, endpoint, programs
}

func (s *rest) client(w *world, endpoint *fakeserver.Endpoint, user int, trace *outlookstream.Trace) *outlookstream.Client {
	c, err := outlookstream.New(w.provider(users[user]), &outlookstream.Options{
		Endpoint:          endpoint.API(),
		HTTPClient:        &http.Client{Transport: w.transport(endpoint, s.protocol)},
		KeepAlive:         s.keepAlive,
		ConnectionTimeout: s.connection,
		MaxElement:        64 << 10,
		Logger:            w.journal.logger(),
		Trace:             trace,
	})
	if err != nil {
		panic(err)
	}
	return c
}

func (s *rest) do(*world, step) bool { return false }

func (s *rest) arm(*world) {}

func (s *rest) heal(*world) {}

func (s *rest) secrets() []string { return nil }

func (s *rest) judge(*world) {}

func (s *rest) places() (_, _ []string) { return users, resources }

// patience is the longest that a program may take to be live again, after the
// last that was in its way.
func (s *rest) patience(w *world) time.Duration {
	const (
		answer  = 30 * time.Second // for a request
		ceiling = time.Minute      // of the back-off
	)
	longest := 2*s.keepAlive + 5*time.Second + // a silent connection is found out
		4*(answer+ceiling) + // requests under way are given up
		pauseOfSupervisor + w.delays()
	for _, p := range s.programs {
		longest += 3 * time.Duration(len(p.resources)) * p.listing
	}
	return longest
}

func (s *rest) prompt() time.Duration { return 5 * time.Second }

func (s *rest) silence() time.Duration { return s.keepAlive }

func (s *rest) resent(_ *world, refused fakeserver.Request, sent time.Time) bool {
	return !s.shared && !sent.Before(refused.Answered)
}
