package main

import (
	"context"
	"log/slog"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// A session is what the commands that watch have in common: where they write,
// and how.
type session struct {
	environ []string
	console *console
	log     *slog.Logger
	quiet   bool // the status line says what the library would log
	encode  encoder

	// What the demo listens to. Both may be nil.
	prompted func(msalauth.DeviceCode)
	observed observer
}

// newSession begins writing; close has to be called.
func (t *tool) newSession(ctx context.Context, output *outputFlag, logging *logFlags) (*session, error) {
	c := newConsole(ctx, t.stdout, t.stderr)
	log, err := logging.logger(c, c.statusLine, t.coloured(t.stderr))
	if err != nil {
		c.close()
		return nil, err
	}
	return &session{
		environ: t.environ,
		console: c,
		log:     log,
		quiet:   c.statusLine && !log.Enabled(ctx, slog.LevelInfo),
		encode:  output.encoder(t.stdout, t.coloured(t.stdout)),
	}, nil
}

func (s *session) close() { s.console.close() }
