package soak

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
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
	refusals int                  // of tokens, since a watch began
	pulled   bool
	streams  map[string]*streamSeen // by subscription
	opened   int                    // streams, so far
	resynced map[string]int         // by mailbox: how many streams had been opened then
	attempts spacing                // guarded by world.mu
}

func newExchangeProgram(w *world, number int, spec exchangeSpec) *exchangeProgram {
	p := &exchangeProgram{exchangeSpec: spec, wanted: map[string]bool{}, removed: map[string]time.Time{}, streams: map[string]*streamSeen{}, resynced: map[string]int{}}
	p.player = player{world: w, number: number, script: p}
	if p.own {
		p.exchangeSpec.set = false
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
	defer p.mu.Unlock()
	p.began = append(p.began, time.Now())
	p.refusals = 0
	clear(p.streams)
	clear(p.resynced)
}

// beganWithin says whether a watch began in a span of time.
func (p *exchangeProgram) beganWithin(from, to time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.began, func(at time.Time) bool { return !at.Before(from) && !at.After(to) })
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
	failure, said := errors.AsType[*ews.Error](err)
	if !said {
		return false // the network, silence, nonsense
	}
	switch failure.Status {
	case 301, 302, 303, 307, 308, 400, 403, 404, 410:
		return true
	case 401:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.refusals >= 2
	}
	return slices.Contains(permanent, failure.Code)
}
