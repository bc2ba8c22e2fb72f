package soak

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// What happens to Exchange alone.
const (
	kill     what = "kill"     // a server dies, and is back after a while
	move     what = "move"     // a mailbox is moved to another server
	failover what = "failover" // a mailbox is served by another server of its site
	throttle what = "throttle" // the service is too busy for a mailbox, or for whoever comes next
	spoil    what = "spoil"    // a mailbox fails for good, until somebody mends it
	astray   what = "astray"   // requests that reach the wrong server are failed requests
	come     what = "come"     // a mailbox is added to a Set, or removed from it
	withhold what = "withhold" // streams are accepted, and bring nothing but their opening
	hide     what = "hide"     // Autodiscover cannot say where a mailbox is
	limit    what = "limit"    // hardly anything is allowed
	rotate   what = "rotate"   // a password is changed, and its program told so after a while
	snap     what = "snap"     // the next connections break while they are young: in a handshake, perhaps
	mute     what = "mute"     // the service knows no streams
)

// exchangeDetails is what there is to say of such a step.
func (x step) exchangeDetails() string {
	switch x.do {
	case kill:
		return fmt.Sprintf(" server %d", x.of)
	case move, failover:
		return fmt.Sprintf(" %s to server %d", rooms[x.count%len(rooms)], x.of)
	case throttle:
		return fmt.Sprintf(" %s (or the account of program %d) %d times, as %s", x.mailbox(), x.n, x.fault.Times, x.kind)
	case mute:
		return " with " + x.code
	case spoil, hide:
		return fmt.Sprintf(" %s with %s", rooms[x.count%len(rooms)], x.code)
	case rotate:
		return fmt.Sprintf(" the password of program %d (connections reset: %v)", x.n, x.mute)
	case snap:
		return fmt.Sprintf(" %d connections at read or write %d", x.count, x.of)
	case come:
		return fmt.Sprintf(" mailbox %d of program %d", x.of, x.n)
	}
	return ""
}

// mailbox is which is throttled; "" is any.
func (x step) mailbox() string {
	if x.count >= len(rooms) {
		return ""
	}
	return rooms[x.count]
}

func (s *exchange) do(w *world, x step) bool {
	service := w.server.Exchange()
	var err error
	switch x.do {
	case kill:
		name := s.servers()[x.of%len(s.servers())].Name
		err = service.KillBackEnd(name)
		w.meanwhile(x)
		err = orElse(err, service.ReviveBackEnd(name))
	case move:
		err = service.MoveMailbox(rooms[x.count%len(rooms)], s.servers()[x.of%len(s.servers())].Name, x.span)
	case failover:
		room, to := rooms[x.count%len(rooms)], s.servers()[x.of%len(s.servers())]
		home := slices.IndexFunc(s.servers(), func(b fake.BackEnd) bool { return b.Name == service.Home(room) })
		if s.servers()[home].Grouping == to.Grouping {
			err = service.FailOver(room, to.Name)
		}
	case throttle:
		err = service.Throttle(fake.Busy{Mailbox: s.charged(w, x), Shape: fake.BusyShape(x.kind), BackOff: x.span, Times: x.fault.Times})
	case spoil:
		room := rooms[x.count%len(rooms)]
		service.SetMailboxFailure(room, x.code)
		w.meanwhile(x)
		service.SetMailboxFailure(room, "")
	case astray:
		service.SetLostAffinity(true)
		w.meanwhile(x)
		service.SetLostAffinity(false)
	case withhold:
		w.arm(fakeserver.Fault{On: onStream, Do: "stall", Times: -1})
		w.meanwhile(x)
		w.disarm()
	case mute:
		service.SetStreamless(x.code)
		w.meanwhile(x)
		service.SetStreamless("")
	case hide:
		room := rooms[x.count%len(rooms)]
		service.Redirect(room, autodiscover.Entry{ErrorCode: x.code})
		w.meanwhile(x)
		service.Redirect(room, autodiscover.Entry{})
	case limit:
		service.SetLimits(fake.Limits{Streams: 1, Calls: 1, Subscriptions: 1 + x.of})
		w.meanwhile(x)
		service.SetLimits(s.limits())
	case rotate:
		s.rotate(w, x)
	case snap:
		w.gate.breakNext(x.count, x.of)
	case come:
		if p := w.programs[x.n%len(w.programs)].(*exchangeProgram); p.exchangeSpec.set {
			p.toggle(p.addresses()[x.of%len(p.addresses())])
		}
	default:
		return false
	}
	if err != nil {
		panic(err)
	}
	return true
}

// charged is whom the step throttles; "" is whoever comes next.
func (s *exchange) charged(w *world, x step) string {
	if p := w.programs[x.n%len(w.programs)].(*exchangeProgram); p.delegate && x.mailbox() != "" {
		return p.account()
	}
	return x.mailbox()
}

// charges are whom its calls are charged to.
func (p *exchangeProgram) charges() []string {
	if p.delegate {
		return []string{p.account()}
	}
	return p.addresses()
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (s *exchange) heal(w *world) {
	service := w.server.Exchange()
	service.LiftThrottling()
	service.SetLostAffinity(false)
	service.SetLimits(s.limits())
	service.SetStreamless("")
	if s.streams < manyStreams {
		w.endpoint.Reset() // who stalls a stream over a frozen connection takes it for open for ever
	}
	for _, p := range w.programs {
		account := p.(*exchangeProgram).account()
		s.passwords.tell(account)
		s.renew(w, account)
	}
	for _, room := range rooms {
		service.SetMailboxFailure(room, "")
		service.Redirect(room, autodiscover.Entry{})
	}
	for _, p := range w.programs {
		p.(*exchangeProgram).complete()
	}
}

// judgeEarly expects that nobody comes back before the time that the service
// has said. Who has begun a new watch meanwhile does not know of it, nor does
// whose answer was cut off.
func (s *exchange) judgeEarly(w *world) {
	if !s.alone() {
		return // nobody knows what others were told
	}
	var longest time.Duration
	for _, x := range w.steps {
		if x.do == throttle {
			longest = max(longest, x.span)
		}
	}
	for _, e := range w.server.Exchange().Early() {
		switch {
		case e.By < time.Millisecond: // what the service says is in whole milliseconds
			continue
		case slices.ContainsFunc(w.steps, func(x step) bool { return x.do == throttle && x.span == e.By }):
			continue // it was under way when the service began to say so
		}
		for _, p := range w.programs {
			p := p.(*exchangeProgram)
			if !slices.ContainsFunc(p.charges(), func(a string) bool { return strings.EqualFold(a, e.Mailbox) }) {
				continue
			}
			if p.knows(e.Time.Add(e.By-longest), e.Time) {
				p.wrongf("%s of %s came %v before the service had said", e.Operation, e.Mailbox, e.By)
			}
		}
	}
}
