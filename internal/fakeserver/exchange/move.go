package exchange

import (
	"fmt"
	"strings"
	"time"
)

// FailOver makes another back-end of the same grouping a mailbox's home. Nobody is told, and the subscriptions stay
// where they are; so it shows who relies on X-AnchorMailbox where it takes a cookie.
func (s *Server) FailOver(mailbox, backEnd string) error {
	t := s.topology
	t.mu.Lock()
	defer t.mu.Unlock()
	from, to, err := t.journey(mailbox, backEnd)
	if err != nil {
		return err
	}
	if from.Grouping != to.Grouping || from.URL != to.URL {
		return fmt.Errorf("exchange: %s is of another grouping or URL than %s: a mailbox moves there", to.Name, from.Name)
	}
	t.homes[strings.ToLower(mailbox)] = to
	return nil
}

// MoveMailbox moves a mailbox to another back-end. For some time, which may be 0, calls for it are answered with
// ErrorMailboxMoveInProgress; then it is there, and Autodiscover says so. Its subscriptions end at once: streams are
// told ErrorMailboxMoveInProgress.
func (s *Server) MoveMailbox(mailbox, backEnd string, during time.Duration) error {
	t := s.topology
	t.mu.Lock()
	_, to, err := t.journey(mailbox, backEnd)
	if err == nil {
		t.moves[strings.ToLower(mailbox)] = &move{to, time.Now().Add(during)}
	}
	t.mu.Unlock()
	if err != nil {
		return err
	}
	s.store.endAll(codeMoveInProgress, func(sub *subscription) bool { return strings.EqualFold(sub.mailbox.address, mailbox) })
	return nil
}

// journey finds both ends. t.mu is held.
func (t *topology) journey(mailbox, backEnd string) (from, to *backEnd, err error) {
	if from = t.home(mailbox); from == nil {
		return nil, nil, fmt.Errorf("exchange: there is no mailbox %s", mailbox)
	}
	if to = t.find(backEnd); to == nil {
		return nil, nil, fmt.Errorf("exchange: there is no back-end %s", backEnd)
	}
	return from, to, nil
}
