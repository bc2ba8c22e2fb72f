package exchange

import (
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
)

// Lookup implements autodiscover.Directory: it says where a mailbox is now, unless [Server.Redirect] says otherwise.
// While a mailbox is being moved that is where it was.
func (s *Server) Lookup(address string) (autodiscover.Entry, bool) {
	if e, ok := s.redirects.Lookup(address); ok {
		return e, true
	}
	known, ok := s.store.known[strings.ToLower(address)]
	if !ok {
		return autodiscover.Entry{}, false
	}
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	home := s.topology.home(address)
	return autodiscover.Entry{EWSURL: home.URL, Grouping: home.Grouping, DisplayName: known.Name}, true
}

// Redirect makes Autodiscover say something else of an address, which need not be a mailbox's: that it is elsewhere,
// has another name, or cannot be told of now. The zero Entry takes that back.
func (s *Server) Redirect(address string, e autodiscover.Entry) {
	if e == (autodiscover.Entry{}) {
		s.redirects.Remove(address)
		return
	}
	s.redirects.Set(address, e)
}
