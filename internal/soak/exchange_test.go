package soak

import (
	"fmt"
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
	programs   []exchangeSpec
}

// An exchangeSpec is one program that watches.
type exchangeSpec struct {
	mailboxes []int // indexes into rooms
	folders   []string
	few       bool // not of all types
	own       bool // the first of the mailboxes, as its user
	set       bool // mailboxes come and go
	pace
}

var rooms = []string{"room0@contoso.test", "room1@contoso.test", "room2@contoso.test", "room3@contoso.test", "room4@contoso.test", "room5@contoso.test"}

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
	pullInterval = time.Minute
	// silentFor is when a connection is dead: two heartbeats and a little patience.
	silentFor = 95 * time.Second
)

func (s *exchange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "streams of %v, Autodiscover: %v, bare heartbeats: %v, queues that overflow are dropped: %v\n", s.connection, s.discover, s.bare, s.dropping)
	for i, p := range s.programs {
		fmt.Fprintf(&b, "  program %d: %v of %v, few types: %v, as its user: %v, Set: %v, %v\n", i, p.folders, p.addresses(), p.few, p.own, p.set, p.pace)
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
	server = fakeserver.New(&fakeserver.Options{
		Accounts:      accounts,
		MaxConcurrent: -1,
		SignIn:        w.signIn(),
		Exchange:      &fake.Options{BackEnds: s.servers(), BareHeartbeats: s.bare, DropOverflowing: s.dropping, MaxQueue: 1000},
	})
	endpoint = w.listen(server)
	for i, spec := range s.programs {
		p := newExchangeProgram(w, i, spec)
		user := ""
		if spec.own {
			user = p.addresses()[0]
		}
		var err error
		p.client, err = ews.New(ews.Bearer(w.provider(user)), &ews.Options{
			URL:               endpoint.EWS(),
			Impersonate:       !spec.own,
			HTTPClient:        &http.Client{Transport: w.transport(endpoint, "h1"), Timeout: 30 * time.Second},
			ConnectionTimeout: s.connection,
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

func (s *exchange) places() (_, _ []string) { return rooms, exchangeResources }

// patience is the longest that a program may take to be live again, after the
// last that was in its way: calls that wait for their answer, one after the
// other, and the waits between them.
func (s *exchange) patience(w *world) time.Duration {
	const (
		answer  = 30 * time.Second
		ceiling = time.Minute
	)
	longest := silentFor + 10*(answer+ceiling) + pauseOfSupervisor + w.delays()
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

func (s *exchange) prompt() time.Duration { return pullInterval + 5*time.Second }

func (s *exchange) silence() time.Duration { return 45 * time.Second }

func (s *exchange) resent(refused, sent time.Time) bool { return sent.After(refused) }

// alone says whether no two programs have a mailbox in common.
func (s *exchange) alone() bool {
	var all []string
	for _, p := range s.programs {
		all = append(all, p.addresses()...)
	}
	slices.Sort(all)
	return len(slices.Compact(slices.Clone(all))) == len(all)
}
