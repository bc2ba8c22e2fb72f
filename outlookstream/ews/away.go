package ews

import (
	"errors"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// errAway ends a group whose mailboxes are to be looked for again.
var errAway = errors.New("the server has not answered for long: looking for the mailboxes again")

// lookAgainAfter is for how long a server may answer nothing until Autodiscover
// is asked again where its mailboxes are: one that was taken out of service does
// not say.
const lookAgainAfter = 15 * time.Minute

// accepted takes note that the service has answered, and has taken the token.
func (g *group) accepted() {
	g.loop.Accepted()
	g.silent = time.Time{}
}

// noteEnd takes note of the end of an attempt: it may be that nobody has answered,
// or a gateway in front of a server that is not there.
func (g *group) noteEnd(err error) {
	failure, said := errors.AsType[*Error](err)
	switch {
	case said && failure.Status != http.StatusBadGateway && failure.Status != http.StatusGatewayTimeout:
		g.silent = time.Time{}
	case g.silent.IsZero():
		g.silent = time.Now()
	}
}

// isAway reports whether the mailboxes may be elsewhere.
func (g *group) isAway() bool {
	return g.watch.client.opts.Discover && !g.silent.IsZero() && time.Since(g.silent) >= lookAgainAfter
}

// owing is, by mailbox, the Reason of the Resync that is due where it is found next.
func (g *group) owing() map[string]error {
	owed := make(map[string]error, len(g.members))
	for key, m := range g.members {
		m.forget(outlookstream.ErrResubscribed)
		owed[key] = m.owed
	}
	return owed
}
