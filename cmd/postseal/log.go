package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
)

// logFormat is the value of log.format.
type logFormat string

const (
	formatAuto logFormat = "auto" // colour on a terminal, JSON elsewhere
	formatJSON logFormat = "json"
	formatText logFormat = "text"
)

// UnmarshalText reads the name; anything else is an error.
func (f *logFormat) UnmarshalText(text []byte) error {
	switch v := logFormat(text); v {
	case formatAuto, formatJSON, formatText:
		*f = v
		return nil
	}
	return fmt.Errorf(`%q is none of ["auto" "json" "text"]`, text)
}

func newLogger(w io.Writer, format logFormat) *slog.Logger {
	terminal := isTerminal(w)
	if format == formatJSON || format == formatAuto && !terminal {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{TimeFormat: time.DateTime, NoColor: !terminal}))
}

func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
