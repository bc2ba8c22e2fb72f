package ews

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Set is the mailboxes of a watch, which may come and go while it runs. It is
// safe for concurrent use, and good for one watch after the other.
type Set struct {
	mu        sync.Mutex
	mailboxes map[string]listed // by key
	added     int               // how many mailboxes were, so far
	changed   chan struct{}     // closed at the next change
}

// listed is a mailbox of a Set. The number, from 1, is another one when it was
// removed and added again: then it is to be watched anew.
type listed struct {
	Mailbox
	number int
}

// NewSet returns a Set of mailboxes, which may be none; see [Set.Add].
func NewSet(mailboxes ...Mailbox) (*Set, error) {
	s := &Set{mailboxes: make(map[string]listed), changed: make(chan struct{})}
	return s, s.Add(mailboxes...)
}

// Add adds mailboxes. One that is there already, by its Address, is replaced,
// and if anything about it is new, watched anew. What is added, removed and added
// within a second costs its group one reopening; what is only added, one within
// five seconds. An error says which Mailbox is wrong, and means that nothing was
// changed.
func (s *Set) Add(mailboxes ...Mailbox) error {
	for _, m := range mailboxes {
		if err := m.validate(true); err != nil && m.Address != "" { // what depends on the Client's options is checked by its watch
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range mailboxes {
		if before, known := s.mailboxes[m.key()]; known && before.same(m) {
			continue
		}
		m.Folders, m.Events = slices.Clone(m.Folders), slices.Clone(m.Events)
		s.added++
		s.mailboxes[m.key()] = listed{m, s.added}
	}
	s.tell()
	return nil
}

// Remove removes mailboxes by their Address. Those that are not there do no
// harm. No event of a removed mailbox comes once the watch has heard of it,
// which is soon.
func (s *Set) Remove(addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, address := range addresses {
		delete(s.mailboxes, Mailbox{Address: address}.key())
	}
	s.tell()
}

// Addresses returns those of the mailboxes that are in the Set, sorted. "" is that
// of who signs in.
func (s *Set) Addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	addresses := make([]string, 0, len(s.mailboxes))
	for _, m := range s.mailboxes {
		addresses = append(addresses, m.Address)
	}
	slices.Sort(addresses)
	return addresses
}

// tell wakes those who wait for a change. s.mu is held.
func (s *Set) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// now returns what is in the Set, and a channel that is closed when that changes.
func (s *Set) now() (map[string]listed, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.mailboxes), s.changed
}

// key is what tells mailboxes apart: addresses are the same in any case.
func (m Mailbox) key() string { return strings.ToLower(m.Address) }

// same reports whether two mailboxes ask for the same.
func (m Mailbox) same(o Mailbox) bool {
	return m.Address == o.Address && m.Grouping == o.Grouping && slices.Equal(m.Folders, o.Folders) && slices.Equal(m.Events, o.Events)
}

var errNoMailbox = errors.New("ews: Watch needs at least one Mailbox")

// distinct makes a Set of what Watch was given.
func distinct(mailboxes []Mailbox) (*Set, error) {
	if len(mailboxes) == 0 {
		return nil, errNoMailbox
	}
	seen := make(map[string]bool)
	for _, m := range mailboxes {
		if seen[m.key()] {
			return nil, fmt.Errorf("ews: %s is there twice: name all its folders in one Mailbox", m.name())
		}
		seen[m.key()] = true
	}
	return NewSet(mailboxes...)
}
