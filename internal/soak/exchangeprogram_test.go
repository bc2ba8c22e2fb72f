package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// An exchangeProgram is a program that watches mailboxes over Exchange Web
// Services. One that has ended, since it failed for good, is tried again by and
// by: by a new watch, or by taking it out of the Set and putting it back.
type exchangeProgram struct {
	player
	exchangeSpec
	client *ews.Client
	set    *ews.Set

	mu       sync.Mutex // groups of mailboxes have goroutines of their own
	wanted   map[string]bool
	removed  map[string]time.Time // when those that are not wanted were removed
	busyTill time.Time            // when the loop's body was last done with an event that took time
	began    []time.Time          // of its watches
	unheard  []time.Time          // when something broke off that the service said, or may have
	refusals int                  // of tokens, since a watch began
	refused  map[string]bool      // requests that were, by client-request-id
	rejected bool                 // a watch has ended because the password is not taken
	pulled   bool
	streams  map[string]*streamSeen // by subscription
	opened   int                    // streams, so far
	resynced map[string]int         // by mailbox: how many streams had been opened then
	attempts spacing                // guarded by world.mu
	dialed   atomic.Int64
}

func newExchangeProgram(w *world, number int, spec exchangeSpec) *exchangeProgram {
	p := &exchangeProgram{exchangeSpec: spec, wanted: map[string]bool{}, removed: map[string]time.Time{}, refused: map[string]bool{}, streams: map[string]*streamSeen{}, resynced: map[string]int{}}
	p.player = player{world: w, number: number, script: p}
	if p.own {
		p.exchangeSpec.set, p.delegate = false, false
	}
	p.delegate = p.delegate && !w.source.(*exchange).discover
	if p.delegate && len(p.folders) == 0 {
		p.folders = []string{"calendar", "inbox"} // all of another person's cannot be had
	}
	var err error
	if p.set, err = ews.NewSet(); err != nil {
		panic(err)
	}
	for _, address := range p.addresses() {
		p.want(address)
	}
	return p
}

// mailbox is how a program names a mailbox.
func (p *exchangeProgram) mailbox(address string) ews.Mailbox {
	m := ews.Mailbox{Address: address, Folders: ews.Distinguished(p.folders...)}
	if p.few {
		m.Events = fewTypes
	}
	if p.own {
		m.Address = ""
	}
	if p.delegate { // a few streams, of one account
		m.Grouping = fmt.Sprint("site ", slices.Index(rooms, address)%3)
	}
	return m
}

// want adds a mailbox to the Set.
func (p *exchangeProgram) want(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted[address] = true
	if !p.exchangeSpec.set {
		return
	}
	if err := p.set.Add(p.mailbox(address)); err != nil {
		panic(err)
	}
}

// toggle adds a mailbox to the Set, or removes it.
func (p *exchangeProgram) toggle(address string) {
	p.mu.Lock()
	in := p.wanted[address]
	p.wanted[address] = false
	p.removed[address] = time.Now()
	p.mu.Unlock()
	if in {
		p.set.Remove(strings.ToUpper(address))
	} else {
		p.want(address)
	}
}

// complete adds all that are missing.
func (p *exchangeProgram) complete() {
	for _, address := range p.addresses() {
		p.mu.Lock()
		in := p.wanted[address]
		p.mu.Unlock()
		if !in {
			p.want(address)
		}
	}
}

// again takes a mailbox that has ended out of the Set, and puts it back.
func (p *exchangeProgram) again(address string) {
	p.mu.Lock()
	in := p.wanted[address]
	p.mu.Unlock()
	if in {
		p.set.Remove(address)
		p.want(address)
	}
}

func (p *exchangeProgram) events(ctx context.Context) outlookstream.Events {
	var events outlookstream.Events
	if p.exchangeSpec.set {
		events = p.client.WatchSet(ctx, p.set)
	} else {
		var mailboxes []ews.Mailbox
		for _, address := range p.addresses() {
			mailboxes = append(mailboxes, p.mailbox(address))
		}
		events = p.client.Watch(ctx, mailboxes...)
	}
	if p.buffer > 0 {
		events = outlookstream.Buffer(p.buffer, events)
	}
	return events
}

func (p *exchangeProgram) begin() {
	p.mu.Lock()
	rejected := p.rejected
	p.rejected = false
	p.mu.Unlock()
	if rejected {
		p.world.source.(*exchange).renew(p.world, p.account())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = append(p.began, time.Now())
	p.refusals = 0
	clear(p.streams)
	clear(p.resynced)
}

// knows says whether it knows what the service has said in a span of time: no
// watch began in it, and no answer broke off.
func (p *exchangeProgram) knows(from, to time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	within := func(at time.Time) bool { return !at.Before(from) && !at.After(to) }
	return !slices.ContainsFunc(p.began, within) && !slices.ContainsFunc(p.unheard, within)
}

func (p *exchangeProgram) left() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, st := range p.streams {
		if !st.ended {
			p.wrongf("the loop was left, and a stream is open")
		}
	}
}

func (p *exchangeProgram) target(of int) (user, resource string, watched bool) {
	addresses := p.addresses()
	places := exchangeResources
	if len(p.folders) > 0 {
		places = slices.DeleteFunc(slices.Clone(places), func(r string) bool { return !slices.Contains(p.folders, folderOf[r].Name) })
	}
	if of >= len(addresses)*len(places) {
		return "", "", false
	}
	return addresses[of%len(addresses)], places[of/len(addresses)], true
}

// address is that of the mailbox that an event is about.
func (p *exchangeProgram) address(event outlookstream.Event) string {
	if p.own {
		return p.addresses()[0]
	}
	return event.Resource
}

func (p *exchangeProgram) first(event outlookstream.Event) bool {
	switch event.Kind {
	case outlookstream.Ended:
		return true
	case outlookstream.Resync:
		return errors.Is(event.Reason, outlookstream.ErrStarted) || p.buffer > 0 && errors.Is(event.Reason, outlookstream.ErrOverflow)
	default:
		return false
	}
}

func (p *exchangeProgram) enough(event outlookstream.Event) bool {
	if event.Kind != outlookstream.Ended {
		return false
	}
	if !p.mayEnd(event.Reason) {
		p.wrongf("%s was given up, which it need not be: %v", event.Resource, event.Reason)
	}
	p.world.told.Add(1)
	if !p.exchangeSpec.set {
		return true
	}
	time.AfterFunc(pauseOfSupervisor, func() { p.again(event.Resource) })
	return false
}

// permanent are the codes that no retry mends.
var permanent = []string{
	"ErrorNonExistentMailbox", "InvalidUser", "ErrorInvalidLicense", "ErrorOrganizationAccessBlocked",
	"ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorInvalidRequest", "ErrorNewEventStreamConnectionOpened", "ErrorFolderNotFound",
}

// mayEnd says whether a watch, or a mailbox of one, may end with err: a refusal
// that no retry mends.
func (p *exchangeProgram) mayEnd(err error) bool {
	if strings.Contains(err.Error(), "redirects to another address") {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scheme != byToken && errors.Is(err, auth.ErrRejected) {
		p.rejected = true
		return len(p.refused) > 0
	}
	failure, said := errors.AsType[*ews.Error](err)
	if !said {
		return false // the network, silence, nonsense
	}
	switch failure.Status {
	case 301, 302, 303, 307, 308, 400, 403, 404, 410:
		return true
	case 401:
		return p.refusals >= 2
	}
	return slices.Contains(permanent, failure.Code)
}
