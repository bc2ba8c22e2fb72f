package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	flightTimeout   = 60 * time.Second // one call of the wrapped provider
	hardMargin      = 30 * time.Second // a token this close to its end is not handed out
	softMargin      = 5 * time.Minute  // a token this close to its end is replaced in the background
	backgroundPause = 30 * time.Second // between two background refreshes
	maxEntries      = 256              // different (tenant, scopes) kept
)

// Cached keeps the tokens of p in memory, one for each tenant and set of scopes, and returns them until shortly before
// they expire. It is safe for concurrent use.
//
// Calls of p are single flights: there is at most one at a time for each tenant and set of scopes, and all callers in need
// of its token wait for it, each no longer than its own ctx. The flight itself runs apart from every caller's ctx (it sees
// the values of the first caller's, but not its end) for at most 60 s, so that one impatient caller does not spoil the
// call for the others. A panic in p is returned to the waiters as an error.
//
// A token is handed out until 30 s before ExpiresOn, and replaced in the background from RefreshOn on, or from 5 min before
// ExpiresOn if there is no RefreshOn; for a token that lives for minutes only, the margins are a quarter and a half of its
// life. As long as the old token is good nobody waits for a background refresh and nobody sees its errors; after one, the
// next is 30 s away. A refresh is started by a call of Token, never by a timer: a cache that nobody asks does nothing, and
// no goroutine remains but that of a flight, which ends with p's call.
//
// A value that came as Request.Rejected is not returned again, whoever asks: it is passed on to p, and if p returns it
// again, the answer is ErrRejected. The last 64 such values are remembered, as hashes. Request.Claims always cause a call
// of p, except that callers refused with the same token and the same claims share one.
//
// 256 tokens are kept; after that the one not used for the longest time is forgotten.
func Cached(p Provider) Provider {
	switch p := p.(type) {
	case nil:
		return Func(func(context.Context, Request) (Token, error) {
			return Token{}, fmt.Errorf("%w: auth.Cached was given no provider", ErrMisconfigured)
		})
	case *cachedProvider:
		return p
	}
	c := &cached{p: p, entries: map[key]*entry{}}
	return &cachedProvider{c.Token}
}

// cachedProvider keeps a cache where fmt does not reach: it prints unexported fields without asking their methods, and
// follows even a pointer in one when the verb does not fit. Of a function it has nothing but the address.
type cachedProvider struct {
	token func(context.Context, Request) (Token, error)
}

// Token implements Provider.
func (p *cachedProvider) Token(ctx context.Context, r Request) (Token, error) { return p.token(ctx, r) }

// cached is the cache behind it. mu is never held while p is called or anything is waited for.
type cached struct {
	p       Provider
	mu      sync.Mutex
	entries map[key]*entry
	recent  *entry // the one asked for last, most often the only one
	refused refused
}

// key says what a cached token is for.
type key struct {
	tenant string
	scopes string // sorted, without repeats, separated by spaces
}

func keyOf(r Request) key {
	if len(r.Scopes) == 1 {
		return key{r.TenantID, r.Scopes[0]}
	}
	return key{r.TenantID, strings.Join(slices.Compact(slices.Sorted(slices.Values(r.Scopes))), " ")}
}

// entry is what is known about one key. All fields are guarded by cached.mu.
type entry struct {
	key      key
	tok      Token     // the current token, if Value is not ""
	hard     time.Time // tok is not handed out from then on; zero: no such time
	soft     time.Time // tok is replaced in the background from then on; zero: no such time
	claims   string    // tok was fetched with these
	rejected string    // the last value that a server refused, to be passed on to p
	flight   *flight   // the call of p under way, or nil
	used     time.Time
}

// usable says whether the entry's token can be handed out.
func (e *entry) usable(now time.Time) bool {
	return e.tok.Value != "" && (e.hard.IsZero() || now.Before(e.hard))
}

// store makes tok the entry's token and decides how long it is used.
func (e *entry) store(tok Token, claims string, now time.Time) {
	// Without the monotonic clock, which stands still while a machine sleeps.
	tok.ExpiresOn, tok.RefreshOn = tok.ExpiresOn.Round(0), tok.RefreshOn.Round(0)
	e.tok, e.claims, e.rejected = tok, claims, ""
	e.hard, e.soft = time.Time{}, tok.RefreshOn
	if tok.ExpiresOn.IsZero() {
		return
	}
	// A token that lives shorter than the margins must still be used for a while, or every call would fetch one.
	life := tok.ExpiresOn.Sub(now)
	e.hard = tok.ExpiresOn.Add(-min(hardMargin, life/4))
	if e.soft.IsZero() {
		e.soft = tok.ExpiresOn.Add(-min(softMargin, life/2))
	}
}

// Token returns the answer to r.
func (c *cached) Token(ctx context.Context, r Request) (Token, error) {
	k := keyOf(r)
	for {
		if ctx.Err() != nil {
			return Token{}, context.Cause(ctx)
		}
		tok, f := c.lookup(ctx, k, r)
		if f == nil {
			return tok, nil
		}
		tok, err := f.wait(ctx)
		if err != nil {
			return Token{}, err
		}
		// A flight that was under way already may have been without these claims: then look again.
		if r.Claims == "" || r.Claims == f.claims {
			return tok, nil
		}
	}
}

// lookup returns the token that answers r now, or the flight to wait for.
func (c *cached) lookup(ctx context.Context, k key, r Request) (Token, *flight) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(k, now)
	if r.Rejected != "" {
		c.refuse(r.Rejected)
		if e.tok.Value == "" {
			e.rejected = r.Rejected
		}
	}
	if e.usable(now) && answers(e, r) {
		if e.flight == nil && !e.soft.IsZero() && !now.Before(e.soft) {
			c.start(ctx, e, r, "")
		}
		return e.tok, nil
	}
	if e.flight == nil {
		c.start(ctx, e, r, r.Claims)
	}
	return Token{}, e.flight
}

// refuse takes value out of every entry.
func (c *cached) refuse(value string) {
	if !c.refused.add(value) {
		return
	}
	for _, e := range c.entries {
		if e.tok.Value == value {
			e.tok, e.rejected = Token{}, value
		}
	}
}

// answers says whether the entry's token is an answer to the claims of r: only if it was fetched for them after another
// token had been refused.
func answers(e *entry, r Request) bool {
	return r.Claims == "" || (r.Rejected != "" && e.claims == r.Claims)
}

// entry returns the entry of k, making room for it if needed.
func (c *cached) entry(k key, now time.Time) *entry {
	if c.recent != nil && c.recent.key == k {
		c.recent.used = now
		return c.recent
	}
	e := c.entries[k]
	if e == nil {
		if len(c.entries) >= maxEntries {
			c.forgetOne()
		}
		e = &entry{key: k}
		c.entries[k] = e
	}
	e.used = now
	c.recent = e
	return e
}

// forgetOne drops the entry that was not used for the longest time, unless p is working on all of them.
func (c *cached) forgetOne() {
	var oldest *entry
	for _, e := range c.entries {
		if e.flight == nil && (oldest == nil || e.used.Before(oldest.used)) {
			oldest = e
		}
	}
	if oldest != nil {
		delete(c.entries, oldest.key)
	}
}
