package fakeserver

import "errors"

// claim takes on what is armed for this stream.
func (st *stream) claim(opening bool) {
	st.claims.take(opening)
	_, st.out.oneByOne = st.shape(doByteByByte)
}

// shape says whether a fault of form is in effect.
func (st *stream) shape(do string) (Fault, bool) { return st.claims.shape(do) }

// takeStrike says whether a fault strikes now, and if so, uses it up.
func (st *stream) takeStrike(do string) bool {
	_, ok := st.takeStrikeOf(do)
	return ok
}

func (st *stream) takeStrikeOf(do string) (Fault, bool) { return st.claims.strike(do) }

// count notes that an element has gone out; one more strike of a fault may be due from here.
func (st *stream) count() {
	st.claims.count()
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
	st.claims.giveBack(st.out.cutAt >= 0 && st.out.written >= st.out.cutAt)
}
