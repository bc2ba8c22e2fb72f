package fakeserver

import (
	"errors"
	"slices"
)

// claim is a fault that a stream has taken on.
type claim struct {
	armed *armed
	kind  faultKind
	let   int // elements that have gone out since
	done  bool
}

func (c *claim) due() bool { return !c.done && c.let >= c.armed.fault.After }

// claim takes on what is armed for this stream.
func (st *stream) claim(opening bool) {
	for {
		a, ok := st.server.armory.take(onStream, st.user, func(do string) bool { return st.wants(do, opening) })
		if !ok {
			break
		}
		kind, _ := findFault(a.fault.Do)
		st.claims = append(st.claims, &claim{armed: a, kind: kind})
		if kind.class == opens || kind.class == shapes {
			st.server.armory.strike(a)
		}
	}
	_, st.out.oneByOne = st.shape(doByteByByte)
}

func (st *stream) wants(do string, opening bool) bool {
	kind, _ := findFault(do)
	has := slices.ContainsFunc(st.claims, func(c *claim) bool {
		if kind.class == ends {
			return c.kind.class == ends
		}
		return c.kind.do == do
	})
	return !has && do != doLoseBetween && (kind.class != opens || opening)
}

// shape says whether a fault of form is in effect.
func (st *stream) shape(do string) (Fault, bool) {
	for _, c := range st.claims {
		if c.kind.do != do {
			continue
		}
		if c.kind.class == opens || do == doCoalesce || c.let >= c.armed.fault.After {
			return c.armed.fault, true
		}
	}
	return Fault{}, false
}

// takeStrike says whether a fault strikes now, and if so, uses it up.
func (st *stream) takeStrike(do string) bool {
	_, ok := st.takeStrikeOf(do)
	return ok
}

func (st *stream) takeStrikeOf(do string) (Fault, bool) {
	i := slices.IndexFunc(st.claims, func(c *claim) bool { return c.kind.do == do && c.due() })
	if i < 0 {
		return Fault{}, false
	}
	c := st.claims[i]
	live := st.server.armory.strike(c.armed)
	if c.kind.class == strikes || !live {
		st.claims = slices.Delete(st.claims, i, i+1)
	}
	if !live {
		return Fault{}, false
	}
	c.done = true
	return c.armed.fault, true
}

// count notes that an element has gone out; one more strike of a fault may be due from here.
func (st *stream) count() {
	for _, c := range st.claims {
		c.let++
	}
	st.claim(false)
}

// strikeBetween carries out the faults that strike between two elements.
func (st *stream) strikeBetween() error {
	st.claim(false)
	if st.takeStrike(doUnknown) {
		if err := st.send(element{body: []byte(unknownElement)}); err != nil {
			return err
		}
	}
	for _, do := range []string{doCut, doReset, doStall, doEarlyEnd, doUnclosed, doNoFinalChunk, doInStream} {
		f, ok := st.takeStrikeOf(do)
		if !ok {
			continue
		}
		if do != doEarlyEnd && do != doNoFinalChunk { // those write what is held themselves
			if err := st.release(); err != nil {
				return err
			}
		}
		return st.endBy(f)
	}
	return nil
}

func (st *stream) endBy(f Fault) error {
	switch f.Do {
	case doReset:
		return errReset
	case doStall:
		st.server.untilGone(st.r)
		return errAbort
	case doEarlyEnd:
		return st.finish()
	case doUnclosed:
		return errEnded
	case doNoFinalChunk:
		if err := st.finish(); !errors.Is(err, errEnded) {
			return err
		}
	case doInStream:
		withoutComma := f.Code == "withoutComma"
		if withoutComma {
			f.Code = ""
			st.hasOne = false
		}
		code, message := f.texts()
		body := st.separated(marshal(errorDocument{errorMember{code, message}}))
		if err := st.out.write(body); err != nil {
			return err
		}
		return errEnded
	}
	return errAbort
}

// giveBackFaults returns what did not strike.
func (st *stream) giveBackFaults() {
	for _, c := range st.claims {
		reached := c.kind.do == doCutAtByte && st.out.cutAt >= 0 && st.out.written >= st.out.cutAt
		if c.kind.class == ends && !c.done || c.kind.class == strikes || c.kind.do == doCutAtByte && !reached {
			st.server.armory.giveBack(c.armed)
		}
	}
}
