package main

import (
	"context"
	"log/slog"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// A session is what the commands that talk to services have in common: where
// they write, and how.
type session struct {
	environ []string
	console *console
	log     *slog.Logger
	quiet   bool    // the status line says what the library would log
	encode  encoder // nil for commands that print no events

	// What the demo listens to. Both may be nil.
	prompted func(msalauth.DeviceCode)
	observed observer
}

// newSession begins writing; close has to be called. output may be nil.
func (t *tool) newSession(ctx context.Context, output *outputFlag, logging *logFlags) (*session, error) {
	c := newConsole(ctx, t.stdout, t.stderr, t.isTerminal)
	log, err := logging.logger(c, c.statusLine, t.coloured(t.stderr))
	if err != nil {
		c.close()
		return nil, err
	}
	s := &session{
		environ: t.environ,
		console: c,
		log:     log,
		quiet:   c.statusLine && !log.Enabled(ctx, slog.LevelInfo),
	}
	if output != nil {
		s.encode = output.encoder(c.shared, t.coloured(t.stdout))
	}
	return s, nil
}

func (s *session) close() { s.console.close() }
