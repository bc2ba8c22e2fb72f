package soak

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// An exchange is programs that watch over Exchange Web Services.
type exchange struct {
	connection time.Duration // how long a stream is to last
	discover   bool          // programs ask Autodiscover, and there are two sites
	bare       bool          // heartbeats say no more than OK
	dropping   bool          // a subscription with too much in it is dropped, as by gromox
	withheld   bool          // a proxy lets streams be opened, and holds back what they bring
	streams    int           // how many an account may have
	programs   []exchangeSpec

	passwords *passwords
}

// An exchangeSpec is one program that watches.
type exchangeSpec struct {
	mailboxes []int // indexes into rooms
	folders   []string
	few       bool // not of all types
	own       bool // the first of the mailboxes, as its user
	delegate  bool // as an account that has full access to them; not with discover
	scheme    string
	set       bool // mailboxes come and go
	pace
}

var rooms = []string{"room0@contoso.test", "room1@contoso.test", "room2@contoso.test", "room3@contoso.test", "room4@fabrikam.test", "room5@fabrikam.test"}

// exchangeResources are the places of changes, and the folders that these are to Exchange.
var exchangeResources = []string{"me/events", "me/mailfolders('inbox')/messages", "me/contacts"}

var folderOf = map[string]fake.Folder{
	"me/events":                        {Name: "calendar", Class: "IPF.Appointment"},
	"me/mailfolders('inbox')/messages": {Name: "inbox", Class: "IPF.Note"},
	"me/contacts":                      {Name: "contacts", Class: "IPF.Contact"},
}

// fewTypes are of every change of an item one event at least, and not all.
var fewTypes = []ews.EventType{ews.CreatedEvent, ews.ModifiedEvent, ews.DeletedEvent, ews.MovedEvent}

// The servers: two of one site that can take each other's mailboxes over, and one of another.
var servers = []fake.BackEnd{
	{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
	{Name: "ve1pr03mb0002.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
	{Name: "am0pr01mb0001.eurprd01.prod.fake.test", Grouping: "AM0PR01"},
}

const (
	onStream     = fake.OnStream
	manyStreams  = 10 // are allowed at a time; or a few
	fewStreams   = 3
	pullInterval = time.Minute
	// silentFor is when a connection is dead: two heartbeats and a little patience.
	silentFor = 95 * time.Second
)

func (s *exchange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "streams of %v, %d an account, withheld: %v, Autodiscover: %v, bare heartbeats: %v, queues that overflow are dropped: %v\n", s.connection, s.streams, s.withheld, s.discover, s.bare, s.dropping)
	for i, p := range s.programs {
		fmt.Fprintf(&b, "  program %d: %v of %v, few types: %v, by %s, as its user: %v, as a delegate: %v, Set: %v, %v\n", i, p.folders, p.addresses(), p.few, p.scheme, p.own, p.delegate, p.set, p.pace)
	}
	return b.String()
}

// addresses are those of its mailboxes.
func (p exchangeSpec) addresses() (addresses []string) {
	for _, i := range p.mailboxes {
		addresses = append(addresses, rooms[i])
	}
	if p.own {
		addresses = addresses[:1]
	}
	return addresses
}

// servers are the back-ends there are.
func (s *exchange) servers() []fake.BackEnd {
	if s.discover {
		return servers
	}
	return servers[:2] // who does not ask knows one site
}

func (s *exchange) start(w *world) (server *fakeserver.Server, endpoint *fakeserver.Endpoint, programs []program) {
	var accounts []signin.Account
	for _, address := range rooms {
		accounts = append(accounts, signin.Account{User: address, Name: "Room"})
	}
	for _, address := range services {
		accounts = append(accounts, signin.Account{User: address, Name: "Service"})
	}
	server = fakeserver.New(&fakeserver.Options{
		Accounts:      accounts,
		MaxConcurrent: -1,
		SignIn:        w.signIn(),
		Lockout:       lockout,
		Exchange:      &fake.Options{BackEnds: s.servers(), BareHeartbeats: s.bare, DropOverflowing: s.dropping, MaxQueue: 1000, Limits: s.limits()},
	})
	for _, address := range services {
		server.Exchange().GrantFullAccess(address, rooms...)
	}
	endpoint = w.listen(server)
	s.passwords = newPasswords(server)
	for i, spec := range s.programs {
		p := newExchangeProgram(w, i, spec)
		var err error
		p.client, err = ews.New(s.authenticator(w, p), &ews.Options{
			URL:               endpoint.EWS(),
			Impersonate:       !p.own && !p.delegate,
			HTTPClient:        &http.Client{Transport: p.transport(endpoint), Timeout: 30 * time.Second},
			ConnectionTimeout: s.connection,
			MaxStreams:        s.streams,
			PullInterval:      pullInterval,
			MaxEnvelope:       1 << 20,
			Discover:          s.discover,
			Autodiscover:      ews.AutodiscoverOptions{Servers: []string{endpoint.URL}},
			Logger:            w.journal.logger(),
			Trace:             p.trace(),
		})
		if err != nil {
			panic(err)
		}
		programs = append(programs, p)
	}
	return server, endpoint, programs
}

// transport counts the connections that are made.
func (p *exchangeProgram) transport(endpoint *fakeserver.Endpoint) *http.Transport {
	t := p.world.transport(endpoint, "h1")
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		p.dialed.Add(1)
		return dial(ctx, network, address)
	}
	return t
}

// limits are those of the service.
func (s *exchange) limits() fake.Limits { return fake.Limits{Streams: s.streams} }

func (s *exchange) arm(w *world) {
	if s.withheld {
		w.arm(fakeserver.Fault{On: onStream, Do: "stall", Times: -1})
	}
}

func (s *exchange) places() (_, _ []string) { return rooms, exchangeResources }

// patience is the longest that a program may take to be live again, after the
// last that was in its way: calls that wait for their answer, one after the
// other, and the waits between them.
func (s *exchange) patience(w *world) time.Duration {
	const (
		answer  = 30 * time.Second
		ceiling = time.Minute
	)
	longest := silentFor + 10*(answer+ceiling) + pauseOfSupervisor + s.withholding() + w.delays()
	for _, p := range s.programs {
		longest += 3 * time.Duration(len(p.mailboxes)) * p.listing
	}
	for _, x := range w.steps {
		if x.do == move || x.do == throttle {
			longest += x.span
		}
		longest += x.fault.Delay * time.Duration(max(x.fault.Times, 1)) // of BackOffMilliseconds
	}
	return longest
}

// withholding is how long it takes to find out that streams bring nothing.
func (s *exchange) withholding() time.Duration {
	if s.withheld {
		return 10 * silentFor
	}
	return 0
}

func (s *exchange) prompt() time.Duration { return pullInterval + 5*time.Second + s.withholding() }

func (s *exchange) silence() time.Duration { return 45 * time.Second }

// alone says whether no two programs have a mailbox in common.
func (s *exchange) alone() bool {
	var all []string
	for _, p := range s.programs {
		all = append(all, p.addresses()...)
	}
	slices.Sort(all)
	return len(slices.Compact(slices.Clone(all))) == len(all)
}
