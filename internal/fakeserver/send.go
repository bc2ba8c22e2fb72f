package fakeserver

import (
	"bytes"
	"encoding/json"
)

// send writes one element with what belongs before it, or holds it back. An element that could not be written
// completely goes back into its queue.
func (st *stream) send(e element) error {
	if f, ok := st.shape(doSlow); ok && !st.server.pause(st.r, f.Delay, nil) {
		st.putBack(e)
		return errAbort
	}
	body := st.separated(e.body)
	if st.takeStrike(doCutMid) {
		st.putBack(e)
		if err := st.release(); err != nil {
			return err
		}
		if err := st.out.write(body[:1+len(body)/2]); err != nil {
			return err
		}
		return errAbort
	}
	st.hasOne = true
	st.held = append(st.held, element{body: body, note: e.note})
	if len(st.held) >= st.together() {
		if err := st.release(); err != nil {
			return err
		}
	}
	st.count()
	return nil
}

// together is how many elements are written at a time.
func (st *stream) together() int {
	f, ok := st.shape(doCoalesce)
	switch {
	case !ok:
		return 1
	case f.After == 0:
		return 2
	}
	return f.After
}

func (st *stream) putBack(e element) {
	if e.note != nil {
		st.server.store.putBack([]*notification{e.note})
	}
}

// release writes what is held, in one piece.
func (st *stream) release() error {
	if len(st.held) == 0 && len(st.out.pending) == 0 {
		return nil
	}
	var all []byte
	for _, e := range st.held {
		all = append(all, e.body...)
	}
	if err := st.out.write(all); err != nil {
		return err // run puts back what is held
	}
	for _, e := range st.held {
		if e.note != nil {
			st.server.store.delivered(e.note)
		}
	}
	st.held = nil
	return nil
}

// separated puts the comma, which the service writes before the second and later elements, and in pretty mode white space.
func (st *stream) separated(body []byte) []byte {
	var b bytes.Buffer
	if st.hasOne {
		b.WriteByte(',')
	}
	if _, ok := st.shape(doPretty); ok {
		b.WriteString("\n    ")
		at := b.Len()
		if json.Indent(&b, body, "    ", "  ") == nil {
			return b.Bytes()
		}
		b.Truncate(at) // injected, and not JSON
	}
	b.Write(body)
	return b.Bytes()
}

// sendNotification renders a notification and writes it, with the faults that are for notifications only.
func (st *stream) sendNotification(n *notification) error {
	st.claim(false) // what was armed before the change is for it
	if n.kind.ofItem() && st.takeStrike(doLose) {
		st.server.store.delivered(n)
		return nil
	}
	skip := n.kind != changeRemoved && st.takeStrike(doSkipSequence)
	expires, sequence := st.server.store.stamp(n, skip)
	base := st.base
	if _, ok := st.shape(doOtherHost); ok {
		base = otherBaseURL()
	}
	size := 0
	if n.kind.ofItem() {
		if f, ok := st.takeStrikeOf(doHuge); ok {
			if size = f.Bytes; size == 0 {
				size = 2 << 20
			}
		}
	}
	body := st.server.render(n, base, expires, sequence, size)
	twice := st.takeStrike(doDuplicate)
	if err := st.send(element{body: body, note: n}); err != nil {
		return err
	}
	if !twice {
		return nil
	}
	return st.send(element{body: body})
}
