package outlookstream

import (
	"errors"
	"io"
	"log/slog"
	"time"
)

// What a watch logs. An hour of an ordinary night is a few lines at Info and
// none at Warn; Warn is for what may have cost a change, and once for a
// connection that stays away.

// awayForLong is when somebody who looks after the program should know.
const awayForLong = time.Minute

func (w *watch) logConnected(stream *Stream) {
	away := time.Duration(0)
	if !w.away.IsZero() {
		away = time.Since(w.away)
	}
	level := slog.LevelInfo
	if w.warned {
		level = slog.LevelWarn // whoever heard of the beginning hears of the end
	}
	w.client.opts.Logger.Log(w.ctx, level, "connected", "subscriptions", len(w.resources), "request-id", stream.diagnostics.RequestID, "away", away)
	w.warned = false
}

func (w *watch) logResync(r *watched, reason error) {
	level := slog.LevelWarn
	if reason == ErrStarted || reason == ErrReconnected && w.routine {
		level = slog.LevelInfo // nobody was promised otherwise
	}
	w.client.opts.Logger.Log(w.ctx, level, "resync", "resource", r.Path, "subscription", r.subscription, "err", reason)
}

func (w *watch) logWaiting(err error, delay time.Duration) {
	level := slog.LevelInfo
	if away := time.Since(w.away); delay > awayForLong || away > awayForLong && !w.warned {
		level = slog.LevelWarn
		w.warned = true
	}
	if err == io.EOF {
		err = errEnded
	}
	w.client.opts.Logger.Log(w.ctx, level, "connecting again", "delay", delay, "away", time.Since(w.away), "err", err)
}

var errEnded = errors.New("the service ended the connection")
