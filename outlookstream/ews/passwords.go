package ews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	// passwordTimeout bounds one call of a password function that honours its context.
	passwordTimeout = time.Minute
	// maxRefused bounds the memory of what was refused.
	maxRefused = 16
)

var errPasswordTimeout = fmt.Errorf("the password function gave no answer within %v", passwordTimeout)

// passwords gives out the password of one user, and sees to it that a wrong one
// is sent once: a handful of failures lock an account. It is safe for concurrent use.
type passwords struct {
	user string
	hint string // what else may be wrong where the password is right
	ask  func(context.Context) (string, error)
	turn chan struct{} // holds one, while a password is tried that nobody has been let in with

	mu      sync.Mutex
	current hidden // nil: there is none yet, or it was refused
	proven  bool   // somebody has been let in with current
	refused []hidden
}

func newPasswords(user string, ask func(context.Context) (string, error)) *passwords {
	return &passwords{user: user, ask: ask, turn: make(chan struct{}, 1)}
}

// grant returns the password, and who waits for it to be tried by another waits here.
func (p *passwords) grant(ctx context.Context) (*grant, error) {
	if password, proven := p.known(); proven {
		return p.granted(password, nil), nil
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	endTurn := func() { <-p.turn }
	handedOver := false
	defer func() { // also if ask panics
		if !handedOver {
			endTurn()
		}
	}()
	password, proven := p.known()
	if proven {
		return p.granted(password, nil), nil
	}
	if password == nil {
		var err error
		if password, err = p.get(ctx); err != nil {
			return nil, err
		}
	}
	handedOver = true
	return p.granted(password, endTurn), nil
}

func (p *passwords) granted(password hidden, end func()) *grant {
	return &grant{password: password, secrets: []string{password()}, over: func(o outcome, _ string) {
		p.note(password, o)
		if end != nil {
			end()
		}
	}}
}

func (p *passwords) known() (password hidden, proven bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current, p.proven
}

// get asks for a password, and checks that it can be sent and has not been refused.
func (p *passwords) get(ctx context.Context) (hidden, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, passwordTimeout, errPasswordTimeout)
	defer cancel()
	if p.ask == nil {
		return nil, fmt.Errorf("%w: there is no function to ask for the password of %q", auth.ErrMisconfigured, p.user)
	}
	value, err := p.ask(ctx)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errPasswordTimeout):
		return nil, errPasswordTimeout
	case err != nil:
		return nil, err
	case p.user == "":
		return nil, fmt.Errorf("%w: the user name is empty", auth.ErrMisconfigured)
	case value == "":
		return nil, fmt.Errorf("%w: the password of %q is empty", auth.ErrMisconfigured, p.user)
	case strings.ContainsFunc(value, unicode.IsControl):
		return nil, fmt.Errorf("%w: the password of %q has a control character in it (a line break, read along?)", auth.ErrMisconfigured, p.user)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.ContainsFunc(p.refused, func(h hidden) bool { return h() == value }) {
		return nil, &refusedPasswordError{p.user, p.hint}
	}
	p.current = func() string { return value }
	return p.current, nil
}

// note remembers what became of a password.
func (p *passwords) note(password hidden, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	isCurrent := p.current != nil && p.current() == password()
	switch {
	case o == accepted && isCurrent:
		p.proven = true
	case o == refused:
		if isCurrent {
			p.current, p.proven = nil, false
		}
		if slices.ContainsFunc(p.refused, func(h hidden) bool { return h() == password() }) {
			return
		}
		p.refused = append(p.refused, password)
		if len(p.refused) > maxRefused {
			p.refused = slices.Delete(p.refused, 0, 1)
		}
	}
}

// A refusedPasswordError is auth.ErrRejected of a user's password.
type refusedPasswordError struct{ user, hint string }

func (e *refusedPasswordError) Error() string {
	return fmt.Sprintf("the service has refused the password of %q, which is not sent again (a few more attempts would lock the account): find out the right one%s", e.user, e.hint)
}

func (*refusedPasswordError) Is(target error) bool { return target == auth.ErrRejected }
