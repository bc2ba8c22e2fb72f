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
	w.client.opts.Logger.Info("connected", "subscriptions", len(w.resources), "request-id", stream.diagnostics.RequestID)
}

// logElement is called at each element. Whoever heard that the connection stays
// away hears of its return, once it has brought something: being accepted and
// cut off again is no return.
func (w *watch) logElement() {
	if w.warned {
		w.warned = false
		w.client.opts.Logger.Warn("connected again", "away", time.Since(w.loop.Away()))
	}
}

// logKeepAlive costs nothing where nobody listens: most of what ten thousand
// streams bring are keep-alives.
func (w *watch) logKeepAlive(stream *Stream, status string) {
	if logger := w.client.opts.Logger; logger.Enabled(w.ctx, slog.LevelDebug) {
		logger.Debug("keep-alive", "status", stream.present(status, maxCode))
	}
}

func (w *watch) logResync(r *watched, reason error) {
	level := slog.LevelWarn
	if reason == ErrStarted || reason == ErrReconnected && w.loop.Routine() {
		level = slog.LevelInfo // nobody was promised otherwise
	}
	w.client.opts.Logger.Log(w.ctx, level, "resync", "resource", r.Path, "subscription", r.subscription, "err", reason)
}

func (w *watch) logWaiting(err error, delay time.Duration) {
	level := slog.LevelInfo
	if away := time.Since(w.loop.Away()); delay > awayForLong || away > awayForLong && !w.warned {
		level = slog.LevelWarn
		w.warned = true
	}
	if err == io.EOF {
		err = errEnded
	}
	w.client.opts.Logger.Log(w.ctx, level, "connecting again", "delay", delay, "away", time.Since(w.loop.Away()), "err", err)
}

var errEnded = errors.New("the service ended the connection")
