package exchange

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// rights say who may do what. By default everybody may impersonate everybody, and nobody may open the mailbox of
// somebody else as themselves.
type rights struct {
	mu          sync.Mutex
	limited     bool                // impersonate counts
	impersonate map[string][]string // account, mailboxes; all in lower case
	open        map[string][]string
	failing     map[string]string // mailboxes that fail for good, with the code
	access      Access
}

func newRights() *rights {
	return &rights{impersonate: make(map[string][]string), open: make(map[string][]string), failing: make(map[string]string)}
}

// EveryMailbox in a list of mailboxes stands for all of them.
const EveryMailbox = "*"

// LimitImpersonation makes the right to impersonate one that has to be granted, as it is at the service, or one that
// everybody has.
func (s *Server) LimitImpersonation(on bool) {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	s.rights.limited = on
}

// GrantImpersonation says which mailboxes an account, by its name, may impersonate; none means none at all. It includes
// LimitImpersonation(true).
func (s *Server) GrantImpersonation(account string, mailboxes ...string) {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	s.rights.limited = true
	s.rights.impersonate[strings.ToLower(account)] = lower(mailboxes)
}

// GrantFullAccess says which mailboxes of others an account may open as itself.
func (s *Server) GrantFullAccess(account string, mailboxes ...string) {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	s.rights.open[strings.ToLower(account)] = lower(mailboxes)
}

// SetMailboxFailure makes every call for a mailbox fail with a code, until it is set to "": ErrorInvalidLicense,
// ErrorImpersonationDenied, ErrorNonExistentMailbox, ErrorAccessDenied, ErrorOrganizationAccessBlocked, ... The
// subscriptions that the mailbox has stay, and streams that impersonate others go on with them.
func (s *Server) SetMailboxFailure(mailbox, code string) {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	s.rights.failing[strings.ToLower(mailbox)] = code
}

func lower(names []string) []string {
	var low []string
	for _, name := range names {
		low = append(low, strings.ToLower(name))
	}
	return low
}

func granted(table map[string][]string, account, mailbox string) bool {
	list := table[strings.ToLower(account)]
	return slices.Contains(list, strings.ToLower(mailbox)) || slices.Contains(list, EveryMailbox)
}

// mayImpersonate is about the right ApplicationImpersonation.
func (s *Server) mayImpersonate(a Account, mailbox string) bool {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	return !s.rights.limited || granted(s.rights.impersonate, a.Name, mailbox)
}

// mayOpen says whether an account has full access to somebody else's mailbox, without impersonation.
func (s *Server) mayOpen(a Account, mailbox string) bool {
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	return granted(s.rights.open, a.Name, mailbox)
}

// permanent is how calls for a mailbox fail for good; nil if they do not. What is about who may act as whom fails
// before the operation is looked at.
func (s *Server) permanent(mailbox string) *failure {
	s.rights.mu.Lock()
	code := s.rights.failing[strings.ToLower(mailbox)]
	s.rights.mu.Unlock()
	if code == "" {
		return nil
	}
	f := failf(code, "%s", cmp.Or(messageTexts[code], "The operation failed."))
	f.fault = strings.HasPrefix(code, "ErrorImpersonat") || code == codeNonExistentMailbox || code == "ErrorOrganizationAccessBlocked"
	return f
}
