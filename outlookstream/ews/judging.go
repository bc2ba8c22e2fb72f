package ews

import (
	"errors"
	"io"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Whether streams get through is judged by how they end.

const (
	// dumbStreams is how many streams in a row may be opened and bring nothing.
	dumbStreams = 2
	// briefStreams is how many in a row may break, or fall silent, before they have
	// brought a heartbeat. That may be chance, so it has to have gone on for
	// briefLimits times the silence that ends a stream, too.
	briefStreams = 3
	briefLimits  = 4
)

// judgeStream decides whether streaming works here, by the end of a stream that
// was accepted. It returns what that means to the group.
func (g *group) judgeStream(stream *Stream, err error) error {
	_, broken := errors.AsType[*outlookstream.ConnectionError](err)
	switch {
	case stream.beat(err) || err == io.EOF:
		g.dumb, g.brief, g.briefly = 0, 0, time.Time{}
	case mayBeStreamless(err) && stream.envelopes.Load() <= 1:
		return g.refusedToStream(err)
	case !broken || errors.Is(err, errRegroup): // the service said something, or the group is to change
	case stream.envelopes.Load() == 0:
		if errors.Is(err, outlookstream.ErrIdle) {
			g.broughtNothing(err)
		}
	default:
		g.wasBrief(stream.opened, err)
	}
	return err
}

// judgeOpening decides the same by a stream that could not be opened: of what has
// no end, a proxy may hold back even the header.
func (g *group) judgeOpening(err error) error {
	switch {
	case mayBeStreamless(err):
		return g.refusedToStream(err)
	case errors.Is(err, errNoAnswer):
		g.broughtNothing(err)
	}
	return err
}

// refusedToStream makes the group ask instead of listen to what it could
// subscribe to. If that was a mistake, asking will end with it, too.
func (g *group) refusedToStream(err error) error {
	g.pull(err)
	return errRegroup
}

// broughtNothing makes the group ask instead of listen, if this goes on.
func (g *group) broughtNothing(err error) {
	if g.dumb++; g.dumb >= dumbStreams {
		g.pull(err)
	}
}

// wasBrief makes the group ask instead of listen, if this goes on: a proxy that
// passes a stream on in lumps, or cuts what is quiet for less than the time
// between two heartbeats, leaves streams that have to be opened all the time.
func (g *group) wasBrief(opened time.Time, err error) {
	g.dumb = 0
	if g.brief == 0 {
		g.briefly = opened
	}
	g.brief++
	if g.brief >= briefStreams && time.Since(g.briefly) >= briefLimits*g.watch.client.opts.idleLimit() {
		g.pull(err)
	}
}
