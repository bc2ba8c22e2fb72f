package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A rate is how many changes are to be made.
type rate struct {
	PerSecond int
	Mailboxes int // in turn, in the first so many
}

// changes is a goroutine that makes them.
type changes struct {
	stop chan struct{}
	done chan struct{}
	made int
	err  error
}

// tick is how often some are made: a change at a time would be a matter of how
// well a process sleeps.
const tick = 5 * time.Millisecond

func (c *changes) begin(service *fakeserver.Server, every rate) error {
	if c.stop != nil {
		return errors.New("changes are being made already")
	}
	c.stop, c.done, c.made, c.err = make(chan struct{}), make(chan struct{}), 0, nil
	go func() {
		defer close(c.done)
		c.err = c.make(service, every)
	}()
	return nil
}

func (c *changes) make(service *fakeserver.Server, every rate) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	started, item := time.Now(), simpleItem()
	for {
		select {
		case <-c.stop:
			return nil
		case <-ticker.C:
		}
		for due := int(time.Since(started).Seconds() * float64(every.PerSecond)); c.made < due; c.made++ {
			// A step that has no factor in common with the number of
			// mailboxes: neighbours change at different times.
			if _, err := service.Change(fakeserver.Change{Resource: resource(c.made * 7919 % every.Mailboxes), ChangeType: "Created", Data: item}); err != nil {
				return err
			}
		}
	}
}

// end returns how many were made.
func (c *changes) end() (int, error) {
	if c.stop == nil {
		return 0, errors.New("no changes are being made")
	}
	close(c.stop)
	<-c.done
	c.stop = nil
	return c.made, c.err
}

// changeAll makes one change of 70 KB in each mailbox, not all of them at once.
func (s *serving) changeAll() error {
	items, err := richItems()
	if err != nil {
		return err
	}
	const atOnce, pause = 20, 20 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for i := range s.config.Mailboxes {
		change := fakeserver.Change{Resource: resource(i), ChangeType: "Created", Data: items[i%len(items)]}
		if _, err := s.service.Change(change); err != nil {
			return fmt.Errorf("%s: %w", resource(i), err)
		}
		if i%atOnce == atOnce-1 {
			<-ticker.C
		}
	}
	return nil
}

// A made change is one that has to be delivered or announced.
type made struct {
	Resource, ID string
	At           time.Time
}

// ledgerOf are the changes that were made in a service.
func ledgerOf(service *fakeserver.Server) []made {
	var all []made
	for _, e := range service.Ledger() {
		all = append(all, made{e.Resource, e.ID, e.Time})
	}
	return all
}
