package exchange

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// BackEnd is a mailbox server. Clients reach it through the front end, of which there is one.
type BackEnd struct {
	// Name is its FQDN, in lower case: "ve1pr03mb5854.eurprd03.prod.fake.test".
	Name string `json:"name"`
	// Grouping is GroupingInformation. The servers of one grouping serve each other's mailboxes; others do not.
	Grouping string `json:"grouping"`
	// URL is where its mailboxes are served. "": at this server, by the name under which the client reaches it. A call
	// for one of its mailboxes that comes in by another host name is refused.
	URL string `json:"url,omitzero"`
}

// defaultBackEnd is the server that has everything, unless there are others.
var defaultBackEnd = BackEnd{Name: "am0pr01mb0042.fake.test", Grouping: "AM0PR01"}

type backEnd struct {
	BackEnd
	dead bool
}

// topology knows which back-end has what. Its lock is never held with the store's.
type topology struct {
	mu       sync.Mutex
	backEnds []*backEnd          // in the order in which they were added
	homes    map[string]*backEnd // of mailboxes, by address in lower case
	moves    map[string]*move    // of mailboxes that are being moved

	lostIsFault    bool
	wholeContainer bool
}

// move is a mailbox on its way.
type move struct {
	to    *backEnd
	until time.Time
}

// newTopology puts the mailboxes that do not say where they are on the back-ends in turn.
func newTopology(o Options) *topology {
	t := &topology{homes: make(map[string]*backEnd, len(o.Mailboxes)), moves: make(map[string]*move)}
	list := o.BackEnds
	if len(list) == 0 {
		list = []BackEnd{defaultBackEnd}
	}
	for _, b := range list {
		t.set(b)
	}
	for i, m := range o.Mailboxes {
		home := t.backEnds[i%len(t.backEnds)]
		if m.BackEnd != "" {
			if home = t.find(m.BackEnd); home == nil {
				panic(fmt.Sprintf("exchange: mailbox %s is on %s, which is none of the back-ends", m.Address, m.BackEnd))
			}
		}
		t.homes[strings.ToLower(m.Address)] = home
	}
	return t
}

// set needs t.mu, as do the following.
func (t *topology) set(b BackEnd) {
	b.Name = strings.ToLower(b.Name)
	if known := t.find(b.Name); known != nil {
		known.BackEnd = b
		return
	}
	t.backEnds = append(t.backEnds, &backEnd{BackEnd: b})
}

func (t *topology) find(name string) *backEnd {
	i := slices.IndexFunc(t.backEnds, func(b *backEnd) bool { return strings.EqualFold(b.Name, name) })
	if i < 0 {
		return nil
	}
	return t.backEnds[i]
}

// neighbour is a server that can take over; nil if there is none.
func (t *topology) neighbour(of *backEnd) *backEnd {
	for _, b := range t.backEnds {
		if b != of && !b.dead && b.Grouping == of.Grouping && b.URL == of.URL {
			return b
		}
	}
	return nil
}

// home is where a mailbox is now; nil if there is no such mailbox. A move whose time is over ends here.
func (t *topology) home(address string) *backEnd {
	key := strings.ToLower(address)
	if m := t.moves[key]; m != nil && !time.Now().Before(m.until) {
		t.homes[key] = m.to
		delete(t.moves, key)
	}
	return t.homes[key]
}

// SetBackEnd adds a back-end, or changes the grouping and URL of the one with the same name.
func (s *Server) SetBackEnd(b BackEnd) error {
	if b.Name == "" {
		return fmt.Errorf("exchange: a back-end needs a name")
	}
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	s.topology.set(b)
	return nil
}

// BackEndState is what has become of a back-end.
type BackEndState struct {
	BackEnd
	Dead          bool `json:"dead"`
	Mailboxes     int  `json:"mailboxes"`
	Subscriptions int  `json:"subscriptions"`
}

// BackEnds returns them in the order in which they were added.
func (s *Server) BackEnds() []BackEndState {
	subs := make(map[string]int)
	for _, sub := range s.Subscriptions() {
		subs[sub.BackEnd]++
	}
	t := s.topology
	t.mu.Lock()
	defer t.mu.Unlock()
	boxes := make(map[*backEnd]int)
	for address := range t.homes {
		boxes[t.home(address)]++
	}
	var all []BackEndState
	for _, b := range t.backEnds {
		all = append(all, BackEndState{b.BackEnd, b.dead, boxes[b], subs[b.Name]})
	}
	return all
}

// Home is the name of the back-end that has a mailbox now; "" if there is no such mailbox.
func (s *Server) Home(mailbox string) string {
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	if b := s.topology.home(mailbox); b != nil {
		return b.Name
	}
	return ""
}

// KillBackEnd ends a back-end as a crash does: its streams are cut off in the middle, and its subscriptions are gone. Its
// mailboxes fail over to another one of the same grouping and URL; where there is none, they cannot be reached.
func (s *Server) KillBackEnd(name string) error {
	t := s.topology
	t.mu.Lock()
	b := t.find(name)
	if b == nil {
		t.mu.Unlock()
		return fmt.Errorf("exchange: there is no back-end %s", name)
	}
	b.dead = true
	if other := t.neighbour(b); other != nil {
		for address, home := range t.homes {
			if home == b {
				t.homes[address] = other
			}
		}
	}
	t.mu.Unlock()
	s.store.endAll("", func(sub *subscription) bool { return sub.backEnd == b.Name })
	s.cutStreams(b.Name)
	return nil
}

// ReviveBackEnd brings one back, without the subscriptions it had. Mailboxes that have failed over stay where they are.
func (s *Server) ReviveBackEnd(name string) error {
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	b := s.topology.find(name)
	if b == nil {
		return fmt.Errorf("exchange: there is no back-end %s", name)
	}
	b.dead = false
	return nil
}
