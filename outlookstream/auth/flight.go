package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flight is one call of the wrapped provider, or two. tok and err may be read once done is closed.
type flight struct {
	claims   string
	ctx      context.Context // of the call; ends after done is closed, or after flightTimeout
	done     chan struct{}
	tok      Token
	err      error
	repeated bool // the second call; guarded by cached.mu
}

var (
	errTimeout = fmt.Errorf("auth: the provider gave no token within %s: is the sign-in service reachable?", flightTimeout)
	errEmpty   = errors.New("auth: the provider returned neither a token nor an error")
	errExited  = errors.New("auth: the provider ended its goroutine instead of returning a token")
)

// wait returns the flight's result, or the cause of ctx's end if that is earlier.
func (f *flight) wait(ctx context.Context) (Token, error) {
	select {
	case <-f.done:
		return f.tok, f.err
	case <-ctx.Done():
		return Token{}, context.Cause(ctx)
	case <-f.ctx.Done():
	}
	select {
	case <-f.done:
		return f.tok, f.err
	default:
		return Token{}, errTimeout // the provider does not look at its ctx; its waiters do
	}
}

// start begins a flight for e. c.mu is held.
func (c *cached) start(ctx context.Context, e *entry, r Request, claims string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimeout)
	f := &flight{claims: claims, ctx: ctx, done: make(chan struct{})}
	e.flight = f
	r.Claims, r.Rejected = claims, e.rejected
	r.Scopes = slices.Clone(r.Scopes) // the caller may be gone, and its slice reused, while the flight lasts
	go func() {
		defer cancel()
		landed := false
		defer func() {
			if !landed { // the provider called runtime.Goexit, as testing's FailNow does: leave nobody waiting
				c.land(e, f, Token{}, errExited)
			}
		}()
		for !landed {
			tok, err := c.ask(ctx, r)
			landed = c.land(e, f, tok, err)
			r.Rejected = tok.Value
		}
	}()
}

// ask calls the provider once, and checks what it returns.
func (c *cached) ask(ctx context.Context, r Request) (Token, error) {
	tok, err := call(ctx, c.p, r)
	switch {
	case err != nil && ctx.Err() != nil:
		// Not the context's own error: a caller would take it for the end of its own.
		return Token{}, errTimeout
	case err != nil:
		return Token{}, err
	case tok.Value == "":
		return Token{}, errEmpty
	case tok.Value == r.Rejected:
		return Token{}, errAgain()
	}
	return tok, nil
}

func errAgain() error {
	return fmt.Errorf("%w: the provider returned the refused token again: sign in again, or check that it can refresh",
		ErrRejected)
}

// land makes the result known to the waiters and to the cache. It reports false if there is none yet, because the token is
// known to be refused, from a caller for another key or since the flight began: then the provider is to be told, once.
func (c *cached) land(e *entry, f *flight, tok Token, err error) bool {
	now := time.Now()
	c.mu.Lock()
	if err == nil && c.refused.has(tok.Value) {
		if !f.repeated {
			f.repeated = true
			c.mu.Unlock()
			return false
		}
		err = errAgain()
	}
	e.flight = nil
	if err == nil {
		f.tok = tok
		e.store(tok, f.claims, now)
	} else {
		f.err = err
	}
	if pause := now.Add(backgroundPause); !e.soft.IsZero() && e.soft.Before(pause) {
		e.soft = pause
	}
	c.mu.Unlock()
	close(f.done)
	return true
}
