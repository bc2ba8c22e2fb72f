package tokencache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	lockPrefix = "lock-"

	// storeLock is the lock for what concerns the directory as a whole. Accounts have other ones.
	storeLock = lockPrefix + "store"

	// Between two tries for a lock: somebody holds it for about as long as an fsync takes.
	firstRetry = time.Millisecond
	lastRetry  = 20 * time.Millisecond

	// defaultWait is for callers whose context has no deadline.
	defaultWait = 10 * time.Second
)

// lockOf says which lock guards an account's file: one of 32, so that the locks, which stay, do not tell how many accounts there were.
func lockOf(name string) string { return lockPrefix + name[:1] }

// errLocked is what tryLock returns while somebody else has the lock.
var errLocked = errors.New("locked")

// lock takes the lock that is the file called name, and returns what gives it back. Each call opens the file anew, so that it excludes this
// process's other goroutines just as other processes. The file is never removed: who waited for a removed file would share his "lock"
// with nobody. A free lock is taken even if ctx is over; only waiting ends with it.
//
// The order is: an account's renewal (see Exclusive), then one lock of this kind. Nobody who has one asks for another.
func lock(ctx context.Context, root *os.Root, name string) (unlock func(), err error) {
	ctx, cancel := bounded(ctx, defaultWait)
	defer cancel()
	f, _, err := openOwn(root, name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := tryLock(f)
		if err == nil {
			return func() {
				releaseLock(f)
				_ = f.Close()
			}, nil
		}
		path := filepath.Join(root.Name(), name)
		if err != errLocked {
			return nil, join(fmt.Errorf("tokencache: locking %s: %w", path, err), f.Close())
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, join(fmt.Errorf("tokencache: waiting for %s, which another process holds: %w", path, ended(ctx)), f.Close())
		}
	}
}

// bounded is ctx with an end.
func bounded(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, wait)
}

// ended says why ctx is over. MSAL wants to see the context's own error; the caller, the cause.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}
