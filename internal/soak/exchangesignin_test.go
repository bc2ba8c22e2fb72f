package soak

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// The schemes by which programs sign in.
const (
	byToken = "Bearer"
	byBasic = "Basic"
	byNTLM  = "NTLM"
)

// lockout is how many wrong passwords in a row lock an account. A program that
// is let in sends one with each request under way when it changes; nobody has
// as many of those here.
const lockout = 10

// services are the accounts of the programs that watch as nobody whose mailbox
// they watch, one for each.
var services = []string{"svc0@contoso.test", "svc1@contoso.test", "svc2@contoso.test"}

// passwords are those of the accounts, as the service has them and as their
// programs know them: whoever changes one takes a while to tell.
type passwords struct {
	mu     sync.Mutex
	valid  map[string]string
	known  map[string]string
	issued []string // all that there have been, and what Basic makes of them
}

func newPasswords(server *fakeserver.Server) *passwords {
	p := &passwords{valid: map[string]string{}, known: map[string]string{}}
	for _, account := range append(append([]string(nil), rooms...), services...) {
		p.change(server, account)
		p.tell(account)
	}
	return p
}

// change has the service take another password of an account.
func (p *passwords) change(server *fakeserver.Server, account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256(fmt.Append(nil, account, len(p.issued)))
	password := "open sesame " + hex.EncodeToString(sum[:])
	p.valid[account] = password
	p.issued = append(p.issued, password, base64.StdEncoding.EncodeToString([]byte(account+":"+password)))
	server.Authentication().SetAccount(httpauth.Account{User: account, Password: password})
}

// tell has the account's programs know the password.
func (p *passwords) tell(account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[account] = p.valid[account]
}

// isKnown says whether the programs know the right one.
func (p *passwords) isKnown(account string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[account] == p.valid[account]
}

// ask is the function of a program that its library asks.
func (p *passwords) ask(w *world, account string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if err := w.silenced(ctx); err != nil {
			return "", err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.known[account], nil
	}
}

// account is whom a program signs in as; "" is the application.
func (p *exchangeProgram) account() string {
	switch {
	case p.own:
		return p.addresses()[0]
	case p.scheme == byToken && !p.delegate:
		return ""
	}
	return services[p.number%len(services)]
}

// authenticator is how it does so.
func (s *exchange) authenticator(w *world, p *exchangeProgram) ews.Authenticator {
	account := p.account()
	name, _, _ := strings.Cut(account, "@")
	switch p.scheme {
	case byBasic:
		return ews.Basic(account, s.passwords.ask(w, account))
	case byNTLM:
		return ews.NTLM(`CONTOSO\`+name, s.passwords.ask(w, account))
	}
	return ews.Bearer(w.provider(account))
}

// rotate changes the password of a program, which hears of it after the step.
func (s *exchange) rotate(w *world, x step) {
	account := w.programs[x.n%len(w.programs)].(*exchangeProgram).account()
	if account == "" {
		return
	}
	s.judgeLockout(w)
	s.passwords.change(w.server, account)
	if x.mute {
		w.endpoint.Reset() // or it may be a while until anybody is asked for it
	}
	w.meanwhile(x)
	s.passwords.tell(account)
}

// renew is what a person does whose program was told that its password is not
// taken, though it is the right one: there is no telling, so there is a new one.
func (s *exchange) renew(w *world, account string) {
	if !s.passwords.isKnown(account) {
		return // somebody is about to tell it
	}
	s.judgeLockout(w)
	s.passwords.change(w.server, account)
	s.passwords.tell(account)
}

// judgeLockout expects that wrong passwords were sent so rarely that no account
// was locked.
func (s *exchange) judgeLockout(w *world) {
	for _, a := range w.server.Authentication().Accounts() {
		if a.Locked {
			w.wrongf("%s was locked by %d wrong passwords in a row", a.User, a.Wrong)
		}
	}
}

// judgeHandshakes expects that a connection was authenticated once, unless the
// service had refused it.
func (s *exchange) judgeHandshakes(w *world) {
	made := 0
	for _, p := range w.programs {
		p := p.(*exchangeProgram)
		if p.scheme != byNTLM {
			continue
		}
		made += int(p.dialed.Load())
		p.mu.Lock()
		made += len(p.refused)
		p.mu.Unlock()
	}
	if n := w.server.Authentication().Handshakes(); n > made {
		w.wrongf("%d handshakes of NTLM over %d connections", n, made)
	}
	w.result.handshakes = w.server.Authentication().Handshakes()
}

// resent: an answer may have been cut off on its way.
func (s *exchange) resent(w *world, refused fakeserver.Request, sent time.Time) bool {
	id := refused.Header.Get("client-request-id")
	heard := slices.ContainsFunc(w.programs, func(p program) bool { return p.(*exchangeProgram).heardRefusal(id) })
	return heard && sent.After(refused.Answered)
}

// heardRefusal says whether it was told that a request was refused.
func (p *exchangeProgram) heardRefusal(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused[id]
}

// authenticateMessage is how what NTLM answers a challenge with begins, in base64.
const authenticateMessage = "TlRMTVNTUAADAAAA"

func (s *exchange) secrets() []string {
	s.passwords.mu.Lock()
	defer s.passwords.mu.Unlock()
	return append([]string{authenticateMessage}, s.passwords.issued...)
}
