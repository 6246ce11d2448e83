package main

import (
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLogger makes the server's log as the configuration, which has been checked, says.
func newLogger(cfg logConfig, out *os.File) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // config.check has read it before
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "text" || cfg.Format == "auto" && isTerminal(out) {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// isTerminal tells whether a person may be reading.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
