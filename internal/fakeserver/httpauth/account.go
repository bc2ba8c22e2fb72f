package httpauth

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// Account is somebody who signs in with a password.
type Account struct {
	User     string `json:"user"`           // address, for example "svc@contoso.test": by this name it is known, and it can sign in with it
	Logon    string `json:"logon,omitzero"` // another name to sign in with, `CONTOSO\svc`; default: the domain and what is before the @
	Password string `json:"password"`
}

// account is an Account and what has become of it.
type account struct {
	Account
	wrong    int // passwords in a row
	attempts int // with a password, right or wrong
}

// SetAccount adds an account, or changes the one with the same User. That also ends its being locked out.
func (s *Server) SetAccount(a Account) {
	if a.Logon == "" {
		name, _, _ := strings.Cut(a.User, "@")
		a.Logon = s.opts.Domain + `\` + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.names[strings.ToLower(a.User)]; known != nil && strings.EqualFold(known.User, a.User) {
		known.Account, known.wrong = a, 0
		s.nameAll()
		return
	}
	made := &account{Account: a}
	s.accounts = append(s.accounts, made)
	s.name(made)
}

// name makes an account be found by its names. There may be thousands of accounts. s.mu is held.
func (s *Server) name(a *account) {
	_, bare, _ := strings.Cut(a.Logon, `\`)
	s.names[strings.ToLower(a.User)] = a
	for _, name := range []string{a.Logon, bare} {
		if _, taken := s.names[strings.ToLower(name)]; !taken && name != "" {
			s.names[strings.ToLower(name)] = a
		}
	}
}

// nameAll does it anew, as names have changed. s.mu is held.
func (s *Server) nameAll() {
	clear(s.names)
	for _, a := range s.accounts {
		s.name(a)
	}
}

// RemoveAccount removes one. Connections that it has authenticated stay so.
func (s *Server) RemoveAccount(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = slices.DeleteFunc(s.accounts, func(x *account) bool { return strings.EqualFold(x.User, user) })
	s.nameAll()
}

// AccountState is what has become of an account. The password is not in it.
type AccountState struct {
	User     string `json:"user"`
	Logon    string `json:"logon"`
	Attempts int    `json:"attempts"` // with a password, right or wrong
	Wrong    int    `json:"wrong"`    // since the last right one
	Locked   bool   `json:"locked"`
}

// Accounts returns those that can sign in with a password, in the order in which they were added.
func (s *Server) Accounts() []AccountState {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]AccountState, len(s.accounts))
	for i, a := range s.accounts {
		all[i] = AccountState{a.User, a.Logon, a.attempts, a.wrong, s.locked(a)}
	}
	return all
}

// locked needs s.mu.
func (s *Server) locked(a *account) bool { return s.opts.Lockout > 0 && a.wrong >= s.opts.Lockout }

// find takes the forms that a domain controller takes: user@domain, DOMAIN\user and, for the server's own domain,
// the bare name. s.mu is held.
func (s *Server) find(name string) *account { return s.names[strings.ToLower(name)] }

// check finds an account and lets it be judged by right, with s.mu held.
func (s *Server) check(name string, right func(*account) bool) (user string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.find(name)
	if a == nil {
		return "", false
	}
	a.attempts++
	if s.locked(a) {
		return "", false
	}
	if !right(a) {
		a.wrong++
		return "", false
	}
	a.wrong = 0
	return a.User, true
}

func (s *Server) checkBasic(r *http.Request) (user string, ok bool) {
	name, password, ok := r.BasicAuth()
	if !ok {
		return "", false
	}
	return s.check(name, func(a *account) bool {
		return subtle.ConstantTimeCompare([]byte(password), []byte(a.Password)) == 1
	})
}
