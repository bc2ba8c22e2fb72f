package fakeserver

import "slices"

// claims are the faults that one stream has taken on. Only the stream's own goroutine uses them.
type claims struct {
	armory *armory
	on     string
	user   string
	list   []*claim
}

// claim is a fault that a stream has taken on.
type claim struct {
	armed *armed
	kind  faultKind
	let   int // elements that have gone out since
	done  bool
}

func (c *claim) due() bool { return !c.done && c.let >= c.armed.fault.After }

// take takes on what is armed for this stream.
func (c *claims) take(opening bool) {
	for {
		a, ok := c.armory.take(c.on, c.user, func(do string) bool { return c.wants(do, opening) })
		if !ok {
			return
		}
		kind, _ := findFault(a.fault.Do)
		c.list = append(c.list, &claim{armed: a, kind: kind})
		if kind.class == opens || kind.class == shapes {
			c.armory.strike(a)
		}
	}
}

func (c *claims) wants(do string, opening bool) bool {
	kind, _ := findFault(do)
	has := slices.ContainsFunc(c.list, func(x *claim) bool {
		if kind.class == ends {
			return x.kind.class == ends
		}
		return x.kind.do == do
	})
	return !has && do != doLoseBetween && (kind.class != opens || opening)
}

// shape says whether a fault of form is in effect.
func (c *claims) shape(do string) (Fault, bool) {
	for _, x := range c.list {
		if x.kind.do != do {
			continue
		}
		if x.kind.class == opens || do == doCoalesce || x.let >= x.armed.fault.After {
			return x.armed.fault, true
		}
	}
	return Fault{}, false
}

// strike says whether a fault strikes now, and if so, uses it up.
func (c *claims) strike(do string) (Fault, bool) {
	i := slices.IndexFunc(c.list, func(x *claim) bool { return x.kind.do == do && x.due() })
	if i < 0 {
		return Fault{}, false
	}
	x := c.list[i]
	live := c.armory.strike(x.armed)
	if x.kind.class == strikes || !live {
		c.list = slices.Delete(c.list, i, i+1)
	}
	if !live {
		return Fault{}, false
	}
	x.done = true
	return x.armed.fault, true
}

// count notes that an element has gone out; one more strike of a fault may be due from here.
func (c *claims) count() {
	for _, x := range c.list {
		x.let++
	}
	c.take(false)
}

// giveBack returns what did not strike. reached says whether the stream got to the byte that cutAtByte wanted.
func (c *claims) giveBack(reached bool) {
	for _, x := range c.list {
		if x.kind.class == ends && !x.done || x.kind.class == strikes || x.kind.do == doCutAtByte && !reached {
			c.armory.giveBack(x.armed)
		}
	}
}
