package tokencache

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

const (
	renewPrefix = "renew-"

	// renewLocks is how many renewals can be under way at the same time. The locks stay; so they must not be too many, nor
	// tell how many accounts there were.
	renewLocks = 1024

	// renewWait is for callers whose context has no deadline: as long as a slow authority may take for the one before.
	renewWait = time.Minute
)

// Exclusive waits until nobody else, in this process or another, is renewing the account's tokens, and keeps others from it until
// release is called. A refresh token may be good for one use only: if two processes redeem the same one, the account has to sign
// in again. So a renewal is: Exclusive; load the account's cache by the accessor's Replace, in which somebody may
// have put new tokens meanwhile; if it is still needed, ask the authority; Export; release.
//
// It keeps nobody from reading or storing. Waiting ends with ctx, or after a minute if that has no deadline. release may be called more than once;
// when a process dies, its locks are free at once.
//
// There are 1,024 locks for all accounts, so that two may share one. Do not call Exclusive, be it for another account, before release:
// it may wait for its own caller. Accessors, Remove and RemoveAll may be used meanwhile.
func (s *Store) Exclusive(ctx context.Context, id string) (release func(), err error) {
	ctx, cancel := bounded(ctx, renewWait)
	defer cancel()
	stripe := renewalOf(s.sealer.name(id))
	if ctx.Err() != nil {
		return nil, fmt.Errorf("tokencache: %w", ended(ctx))
	}
	// Of this process, only one at a time waits at the file, so that the others need neither a descriptor nor to look again and again.
	turn := s.renewals.of(stripe)
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("tokencache: waiting for a renewal of tokens that is under way: %w", ended(ctx))
	}
	unlock, err := lock(ctx, s.root, fmt.Sprintf("%s%04d", renewPrefix, stripe))
	if err != nil {
		<-turn
		return nil, err
	}
	return sync.OnceFunc(func() {
		unlock()
		<-turn
	}), nil
}

// renewalOf says which lock is for the renewals of the account whose file is called name.
func renewalOf(name string) int {
	raw, _ := namesEncoding.DecodeString(name) // a name of ours
	return int(binary.BigEndian.Uint16(raw)) % renewLocks
}

// turns are channels, one for each lock that somebody in this process has asked for. Each holds an element while somebody has, or wants, that lock.
type turns struct {
	mu   sync.Mutex
	made map[int]chan struct{}
}

func newTurns() *turns { return &turns{made: map[int]chan struct{}{}} }

func (t *turns) of(stripe int) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn, ok := t.made[stripe]
	if !ok {
		turn = make(chan struct{}, 1)
		t.made[stripe] = turn
	}
	return turn
}
