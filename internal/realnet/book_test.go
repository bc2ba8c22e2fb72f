//go:build realnet && linux

package realnet

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A book has every change that was made, whatever became of the server that
// made it: the service's own ledger dies with its process.
type book struct {
	mu    sync.Mutex
	asked map[string]string // resources, by the ids that a server was asked to make
	made  []made
}

// made is a change that a server has made. Each is of an item of its own.
type made struct {
	resource string // where the item is
	id       string
	at       time.Time
}

func newBook() *book { return &book{asked: make(map[string]string)} }

// next returns the id of the next change, which is to be of a resource.
func (b *book) next(resource string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := fmt.Sprintf("AAMkChange%04d=", len(b.asked)+1)
	b.asked[id] = resource
	return id
}

func (b *book) add(m made) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = append(b.made, m)
}

// A verdict says what became of all changes.
type verdict struct {
	made, delivered, announced int
	lost                       []string // neither
	invented                   []string // delivered, and never made
	disordered                 []string // delivered for the first time after a later one of its resource
}

// judge compares the book with what a client saw. A change is announced if a
// Resync of its resource came after it: the caller lists then, and finds it.
func (b *book) judge(seen []record) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	var v verdict
	lastResync := make(map[string]time.Time) // by resource
	delivered := make(map[string]bool)
	for _, r := range seen {
		switch {
		case r.What != whatEvent:
		case r.Kind == "resync":
			lastResync[r.Resource] = r.At
		case r.Kind != "created" || b.asked[r.ID] != r.Resource:
			v.invented = append(v.invented, r.Kind+" "+r.ID+" of "+r.Resource)
		case !delivered[r.ID]:
			for id := range delivered {
				if id > r.ID && b.asked[id] == r.Resource { // ids are in the order of the changes
					v.disordered = append(v.disordered, r.ID)
					break
				}
			}
			delivered[r.ID] = true
		}
	}
	for _, m := range b.made {
		switch {
		case delivered[m.id]:
			v.delivered++
		case m.at.Before(lastResync[m.resource]):
			v.announced++
		default:
			v.lost = append(v.lost, m.id)
		}
	}
	slices.Sort(v.lost)
	v.made = len(b.made)
	return v
}
