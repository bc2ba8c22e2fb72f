package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// logFlags say what is logged, and how.
type logFlags struct {
	level  string
	format string
}

// register takes the default level as it is described: which it is, is decided
// later.
func (l *logFlags) register(f *flags, level string) {
	l.format = "text"
	f.cmd.Flags().Var(oneOf(&l.level, "debug", "info", "warn", "error"), "log-level",
		f.doc("log-level", "what is logged to standard error", level))
	f.cmd.Flags().Var(oneOf(&l.format, "text", "json"), "log-format", f.doc("log-format", "how it is logged", "text"))
}

// logger returns a logger that writes to w, which is a terminal or not.
func (l *logFlags) logger(w io.Writer, terminal, coloured bool) (*slog.Logger, error) {
	level := slog.LevelInfo
	if terminal {
		level = slog.LevelWarn
	}
	if l.level != "" {
		if err := level.UnmarshalText([]byte(l.level)); err != nil {
			return nil, usage(fmt.Errorf("--log-level: %w", err))
		}
	}
	options := &slog.HandlerOptions{Level: level}
	switch {
	case l.format == "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case terminal:
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !coloured})), nil
	default:
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
}

// quietLogLevel is the default of commands that tell in their own words what
// happens.
const quietLogLevel = "warn"
