package exchange

import (
	"errors"
	"strings"
)

// readForm looks at how envelopes are to be written from now on.
func (st *stream) readForm() {
	has := func(do string) bool {
		_, ok := st.faults.Shape(do)
		return ok
	}
	st.form = form{
		version:     st.server.is(),
		declaration: has(DoXMLDeclaration),
		bom:         has(doBOM),
		pretty:      has(doPretty),
		prefixed:    has(DoSoapPrefix),
		combined:    has(DoCombined),
		typesIDs:    has(DoTypesIDs),
	}
}

// strikeOnce carries out what strikes between two waits: between any two envelopes, one without an end would leave no
// time for anything else.
func (st *stream) strikeOnce() {
	st.faults.Claim(false)
	if _, ok := st.faults.Strike(DoMissed); ok {
		st.server.store.missed(st.listener)
	}
}

// strike carries out the faults that strike between two envelopes.
func (st *stream) strike() error {
	st.faults.Claim(false)
	st.readForm()
	if _, ok := st.faults.Strike(doUnknown); ok {
		if ids := st.server.store.listed(st.listener); len(ids) > 0 {
			if err := st.send(st.form.unknown(ids[0])); err != nil {
				return err
			}
		}
	}
	if f, ok := st.faults.Strike(DoDropSubscription); ok {
		code := f.Code
		if code == "" {
			code = codeReadEventsFailed
		}
		st.server.store.drop(st.listener, code)
	}
	for _, do := range endings {
		f, ok := st.faults.Strike(do)
		if !ok {
			continue
		}
		if err := st.release(); err != nil {
			return err
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
		select {
		case <-st.c.r.Context().Done():
		case <-st.server.done:
		case <-st.server.host.Closing(st.c.r):
		}
		return errAbort
	case doEarlyEnd:
		return st.finish(st.form.status(statusClosed))
	case doUnclosed:
		return errEnded
	case doNoFinalChunk:
		if err := st.finish(st.form.status(statusClosed)); !errors.Is(err, errEnded) {
			return err
		}
	case doInStream:
		failed := st.server.failureOf(f, false)
		if strings.Contains(failed.code, "Subscription") {
			failed.of(st.server.store.listed(st.listener)...)
		}
		return st.finish(st.form.failed(failed, statusClosed))
	}
	return errAbort
}
