package autodiscover

import (
	"fmt"

	"github.com/calwatch/calwatch/outlookstream"
)

// A user is an address on its way.
type user struct {
	asked   string // as the caller has it
	address string // as the last redirect has it
	queue   []endpoint
	hops    int
	tried   []attempt
	done    bool
}

// An attempt is what became of an endpoint.
type attempt struct {
	at       endpoint
	answered bool
	err      error
}

// next notes what became of the endpoint, and goes on to the one after it; on a
// server that does not answer there is no other.
func (u *user) next(a attempt) {
	u.tried = append(u.tried, a)
	u.queue = u.queue[1:]
	for !a.answered && len(u.queue) > 0 && u.queue[0].host() == a.at.host() {
		u.queue = u.queue[1:]
	}
}

// follow sends u where a server says.
func (d *discovery) follow(u *user, from endpoint, location string) {
	if !d.hop(u) {
		return
	}
	to, err := from.resolve(location)
	if err != nil {
		d.fail(u, fmt.Errorf("%s redirects: %w", from.host(), err))
		return
	}
	if to.Host != from.host() && !d.allowed(u, to) {
		d.fail(u, notAllowed(from.host(), to.Host))
		return
	}
	u.queue = redirected(to, from)
}

// readdress makes u go by another address.
func (d *discovery) readdress(u *user, address string) {
	if !d.hop(u) {
		return
	}
	u.address = address
	if err := d.begin(u); err != nil {
		d.fail(u, err)
	}
}

func (d *discovery) hop(u *user) bool {
	u.hops++
	if u.hops > maxHops {
		d.fail(u, fmt.Errorf("%w: Autodiscover redirects more than %d times", outlookstream.ErrMalformed, maxHops))
		return false
	}
	return true
}

// begin finds out whom to ask about u's address.
func (d *discovery) begin(u *user) error {
	servers := d.Servers
	if len(servers) == 0 || u.hops > 0 && isOnline(u.address) {
		candidates, err := serversOf(u.address)
		if err != nil {
			return err
		}
		servers = servers[:0:0]
		for _, s := range candidates {
			if !d.allowed(u, s) {
				return notAllowed("Autodiscover of "+u.asked, s.Host)
			}
			servers = append(servers, s)
		}
	}
	u.queue = u.queue[:0:0]
	for _, s := range servers {
		u.queue = append(u.queue, endpointsOf(s, len(d.Servers) == 0 && s.Host != onlineHost)...)
	}
	return nil
}
