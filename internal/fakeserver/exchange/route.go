package exchange

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	headerAnchor   = "X-AnchorMailbox"
	headerAffinity = "X-PreferServerAffinity"
	// cookieOverride is <back-end>~<version>. exchangelib sends it as a header of that name, too.
	cookieOverride = "X-BackEndOverrideCookie"
	cookieExchange = "exchangecookie"
	cookieBackEnd  = "X-BackEndCookie"

	// overrideVersion is what follows the name in the cookie: the server's version, packed.
	overrideVersion = "1943309328"

	// textLostAffinity is what Exchange says, as ErrorInvalidRequest, where the server of a group cannot be reached.
	textLostAffinity = "Request failed because EWS could not contact the appropriate CAS server for this request."
)

// byID are the operations on what a back-end has; all others are on a mailbox.
var byID = []string{"GetStreamingEvents", "GetEvents", "Unsubscribe"}

// SetLostAffinity says what a request gets for a subscription of another back-end than the one it was routed to. At
// first that is ErrorInvalidSubscription or ErrorSubscriptionNotFound, as for one that never was; with fault it is the
// HTTP 500 of a server that cannot be reached.
func (s *Server) SetLostAffinity(fault bool) {
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	s.topology.lostIsFault = fault
}

// SetWholeContainer makes the service refuse a bearer token's request whose override cookie comes without the others
// that were set with it, as it was seen where a program copied that one cookie by hand.
func (s *Server) SetWholeContainer(on bool) {
	s.topology.mu.Lock()
	defer s.topology.mu.Unlock()
	s.topology.wholeContainer = on
}

// route says which back-end serves the request, and puts its name on the answer.
func (c *call) route() (*failure, bool) {
	t := c.server.topology
	t.mu.Lock()
	b, f := t.route(c)
	t.mu.Unlock()
	if b != nil {
		c.backEnd = b.Name
		c.nameBackEnd()
	}
	return f, false
}

// route is what the front end decides, and what it or the back-end refuses at once. t.mu is held.
func (t *topology) route(c *call) (*backEnd, *failure) {
	target := ""
	if c.mailbox != nil {
		target = c.mailbox.address
	}
	to, sticky := t.override(c.r)
	if to == nil {
		name := target
		if anchor := c.r.Header.Get(headerAnchor); anchor != "" {
			name = anchor
		}
		if to = t.home(name); to == nil && name != "" {
			return nil, faulted(codeNonExistentMailbox)
		}
		if to == nil { // an account without a mailbox: any will do
			to = t.backEnds[0]
			if other := slices.IndexFunc(t.backEnds, func(b *backEnd) bool { return !b.dead }); other > 0 {
				to = t.backEnds[other]
			}
		}
	}
	if to.dead {
		return to, faulted(codeNoCAS)
	}
	c.sticky = sticky
	if sticky && t.wholeContainer && isBearer(c.r) {
		if _, err := c.r.Cookie(cookieExchange); err != nil {
			return to, lostAffinity()
		}
	}
	if slices.Contains(byID, c.operation) {
		if t.lostIsFault && slices.ContainsFunc(c.subscriptionIDs(), func(id string) bool {
			owner, ok := backEndOf(id)
			return ok && owner != to.Name
		}) {
			return to, lostAffinity()
		}
		return to, nil
	}
	return to, t.reach(to, c.r.Host, target)
}

// reach says whether the request gets from its back-end to another mailbox.
func (c *call) reach(mailbox string) *failure {
	if f := c.server.permanent(mailbox); f != nil {
		return f
	}
	t := c.server.topology
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reach(t.find(c.backEnd), c.r.Host, mailbox)
}

// reach says whether a back-end, or the front end by the name that the client uses, gets at a mailbox. t.mu is held.
func (t *topology) reach(from *backEnd, host, mailbox string) *failure {
	home := t.home(mailbox)
	switch {
	case home == nil:
		return nil
	case t.moves[strings.ToLower(mailbox)] != nil:
		return fail(codeMoveInProgress)
	case home.dead:
		return faulted(codeNoCAS)
	case home.Grouping != from.Grouping, !servedAt(home.URL, host):
		return faulted(codeNotProxied)
	}
	return nil
}

func servedAt(rawURL, host string) bool {
	if rawURL == "" {
		return true
	}
	u, err := url.Parse(rawURL)
	return err == nil && strings.EqualFold(u.Host, host)
}

func lostAffinity() *failure { return faultf(codeInvalidRequest, textLostAffinity) }

// override is the back-end that the client got from the cookie, if it wants affinity and that one lives.
func (t *topology) override(r *http.Request) (b *backEnd, sticky bool) {
	if !wantsAffinity(r) {
		return nil, false
	}
	value := r.Header.Get(cookieOverride)
	if cookie, err := r.Cookie(cookieOverride); err == nil {
		value = cookie.Value
	}
	name, _, _ := strings.Cut(value, "~")
	if b = t.find(name); b == nil || b.dead {
		return nil, false
	}
	return b, true
}

func wantsAffinity(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get(headerAffinity), "true")
}

func isBearer(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// subscriptionIDs are those that the request is about.
func (c *call) subscriptionIDs() []string {
	from := c.request
	if list := c.request.child(nsMessages, "SubscriptionIds"); list != nil {
		from = list
	}
	var ids []string
	for _, n := range from.children {
		if n.name.Local == "SubscriptionId" {
			ids = append(ids, n.value())
		}
	}
	return ids
}

// subscribed is for the headers of an answer to Subscribe, before it is written. The cookie that ties a client to the
// back-end comes once: who has it already is not told again.
func (c *call) subscribed(h http.Header) {
	if !wantsAffinity(c.r) || c.sticky {
		return
	}
	blob := func() string { return strings.ReplaceAll(newGUID().String(), "-", "") }
	for _, cookie := range []http.Cookie{
		{Name: cookieExchange, Value: blob(), Path: "/"},
		{Name: cookieBackEnd, Value: c.mailbox.address + "=" + blob(), Path: "/EWS", Expires: time.Now().Add(10 * time.Minute)},
		{Name: cookieOverride, Value: c.backEnd + "~" + overrideVersion, Path: "/"},
	} {
		cookie.Secure, cookie.HttpOnly = true, true
		h.Add("Set-Cookie", cookie.String())
	}
}
