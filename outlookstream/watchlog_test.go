package outlookstream_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// logged returns the lines of a log at a level and above, after the watch has
// ended.
func logged(w *world, level slog.Level) func(*watcher) []string {
	var log bytes.Buffer // written on the watch's goroutine only
	w.opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
	return func(watcher *watcher) []string {
		watcher.cancel()
		for range watcher.pairs {
		}
		return strings.Split(strings.TrimSpace(log.String()), "\n")
	}
}

func TestAnOrdinaryDayIsNoReasonToWarn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		lines := logged(w, slog.LevelWarn)
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		for range 24 {
			watcher.resync(outlookstream.ErrReconnected)
		}
		if got := lines(watcher); len(got) != 1 || got[0] != "" {
			t.Errorf("%q", got)
		}
	})
}

func TestAConnectionThatStaysAwayIsWarnedOfOnceAndItsReturnIsTold(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		lines := logged(w, slog.LevelWarn)
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		w.endpoint.Refuse(true)
		w.endpoint.Reset()
		watcher.quiet(20 * time.Minute) // less than a subscription lives
		w.endpoint.Refuse(false)
		watcher.resync(outlookstream.ErrReconnected)
		watcher.quiet(time.Minute)
		got := lines(watcher)
		if len(got) != 3 || !strings.Contains(got[0], "connecting again") || !strings.Contains(got[1], "resync") ||
			!strings.Contains(got[2], "connected again") || !strings.Contains(got[2], "away=2") {
			t.Errorf("%q", got)
		}
	})
}

func TestBeingAcceptedAndCutOffIsNoReturn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		lines := logged(w, slog.LevelWarn)
		w.arm(fakeserver.Fault{On: "stream", Do: "cut", Times: -1})
		watcher := w.watch()
		watcher.pause(time.Hour)
		w.server.Disarm()
		watcher.pause(2 * time.Minute)
		got := strings.Join(lines(watcher), "\n")
		if away, back := strings.Count(got, "connecting again"), strings.Count(got, "connected again"); away != 1 || back != 1 {
			t.Errorf("warned %d times that it stays away, %d times that it is back:\n%s", away, back, got)
		}
	})
}

func TestTheEndOfAConnectionIsLoggedInWords(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		lines := logged(w, slog.LevelInfo)
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		w.arm(fakeserver.Fault{On: "stream", Do: "earlyEnd"})
		watcher.resync(outlookstream.ErrReconnected)
		if got := strings.Join(lines(watcher), "\n"); strings.Contains(got, "EOF") || !strings.Contains(got, "the service ended the connection") {
			t.Errorf("%s", got)
		}
	})
}
