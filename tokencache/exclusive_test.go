package tokencache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// oneTime is an authority whose refresh tokens are good for one use.
type oneTime struct {
	mu    sync.Mutex
	good  string
	uses  int
	fails int
}

func (o *oneTime) redeem(token string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if token != o.good {
		o.fails++
		return token
	}
	o.uses++
	o.good = fmt.Sprint("rt-", o.uses)
	return o.good
}

// refreshToken is the only one in the client's memory.
func refreshToken(c *client) string {
	entry, _ := c.has("RefreshToken")["key"].(map[string]any)
	token, _ := entry["secret"].(string)
	return token
}

func TestRenewalsComeOneAfterTheOther(t *testing.T) {
	dir := newDir(t)
	authority := &oneTime{good: "rt-0"}
	first := openTest(t, dir, nil)
	set := func(token string) func(map[string]map[string]any) {
		return func(sections map[string]map[string]any) {
			sections["RefreshToken"] = map[string]any{"key": map[string]any{"secret": token}}
		}
	}
	must(t, newClient(first.Account("alex")).change(t.Context(), set("rt-0")))

	// Two Stores are to each other as two processes are.
	stores := []*Store{first, openTest(t, dir, nil)}
	const renewers, each = 8, 5
	var inside atomic.Int32
	var wg sync.WaitGroup
	for i := range renewers {
		s := stores[i%len(stores)]
		wg.Go(func() {
			for range each {
				release, err := s.Exclusive(t.Context(), "alex")
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two renew at the same time")
				}
				c := newClient(s.Account("alex"))
				err = c.load(t.Context())
				token := authority.redeem(refreshToken(c))
				err = errors.Join(err, c.change(t.Context(), set(token)))
				inside.Add(-1)
				release()
				release() // changes nothing
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if authority.fails != 0 || authority.uses != renewers*each {
		t.Errorf("%d of %d renewals worked, %d used a token that was used up", authority.uses, renewers*each, authority.fails)
	}
}

func TestWaitingForARenewalEndsWithTheContext(t *testing.T) {
	dir := newDir(t)
	for name, another := range map[string]bool{"of this process": false, "of another process": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openTest(t, dir, nil)
				holder := s
				if another {
					holder = openTest(t, dir, nil)
				}
				release, err := holder.Exclusive(t.Context(), "alex")
				must(t, err)

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = s.Exclusive(ctx, "alex")
				wantError(t, err, context.DeadlineExceeded, "waiting for")

				why := errors.New("why")
				over, end := context.WithCancelCause(t.Context())
				end(why)
				_, err = s.Exclusive(over, "alex")
				wantError(t, err, why)
				wantError(t, err, context.Canceled)

				begun := time.Now()
				_, err = s.Exclusive(t.Context(), "alex")
				wantError(t, err, context.DeadlineExceeded)
				if waited := time.Since(begun); waited != renewWait {
					t.Errorf("without a deadline it waited %s, want %s", waited, renewWait)
				}

				// Meanwhile everything else goes on.
				must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
				must(t, s.Remove("alex"))
				must(t, s.RemoveAll())

				got := make(chan func())
				go func() {
					release, err := s.Exclusive(t.Context(), "alex")
					if err != nil {
						t.Error(err)
					}
					got <- release
				}()
				synctest.Wait()
				release()
				(<-got)()
			})
		})
	}
}

func TestRenewalsOfOtherAccountsGoOn(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	const held = 100
	stripes := map[int]bool{}
	for i := range 10_000 {
		id := fmt.Sprint("account-", i)
		stripe := renewalOf(s.sealer.name(id))
		if stripes[stripe] {
			continue
		}
		stripes[stripe] = true
		if len(stripes) > held { // each is an open file
			continue
		}
		release, err := s.Exclusive(t.Context(), id)
		must(t, err)
		defer release()
	}
	// Of 10,000 that renew at the same time, few may have to wait for each other.
	if len(stripes) < 1000 {
		t.Errorf("10,000 accounts have %d locks, want 1,000 at least", len(stripes))
	}
	if n := len(files(t, s.Dir(), func(name string) bool { return strings.HasPrefix(name, renewPrefix) && isLock(name) })); n != held {
		t.Errorf("%d locks are files, want %d", n, held)
	}
}

// renewForever gets the account and keeps it until it is killed.
func renewForever(s *Store) error {
	if _, err := s.Exclusive(context.Background(), "alex"); err != nil {
		return err
	}
	fmt.Println("got it")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestRenewalOfAProcessThatIsKilledIsOver(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, nil)
	cmd := process(t, "renew", dir, "")
	in, err := cmd.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "got it" {
		t.Errorf("the other process says %q, %v", lines.Text(), lines.Err())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	_, err = s.Exclusive(ctx, "alex")
	wantError(t, err, context.DeadlineExceeded, "another process")
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	release, err := s.Exclusive(t.Context(), "alex")
	must(t, err)
	release()
}
