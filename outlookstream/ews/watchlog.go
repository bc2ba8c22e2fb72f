package ews

import (
	"errors"
	"io"
	"log/slog"
	"time"
)

// awayForLong is when somebody who looks after the program should know.
const awayForLong = time.Minute

// Waiting hears of each wait between two attempts.
func (g *group) Waiting(err error, delay time.Duration) {
	if g.watch.ctx.Err() != nil || err == errRegroup {
		return
	}
	level := slog.LevelInfo
	away := time.Since(g.loop.Away())
	if delay > awayForLong || away > awayForLong && !g.warned {
		level = slog.LevelWarn
		g.warned = true
	}
	if err == io.EOF {
		err = errEnded
	}
	g.watch.client.opts.Logger.Log(g.watch.ctx, level, "connecting again", "delay", delay, "away", away, "mailboxes", len(g.members), "err", err)
	call(g.watch.client.opts.Trace.Waiting, TraceWaiting{Err: err, Delay: delay})
}

// logReturn is called when the stream brings something. Whoever heard that the
// connection stays away hears of its return.
func (g *group) logReturn() {
	if g.warned {
		g.warned = false
		g.watch.client.opts.Logger.Warn("connected again", "away", time.Since(g.loop.Away()))
	}
}

var errEnded = errors.New("the service ended the connection")
