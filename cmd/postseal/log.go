package main

import (
	"bytes"
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
	return slog.New(newHandler(w, format, isTerminal(w)))
}

func newHandler(w io.Writer, format logFormat, terminal bool) slog.Handler {
	if format == formatJSON || format == formatAuto && !terminal {
		return slog.NewJSONHandler(w, nil)
	}
	return tint.NewTextHandler(w, &tint.Options{TimeFormat: time.DateTime, NoColor: !terminal})
}

// lossReport returns what renders the line "lines lost".
func lossReport(file io.Writer, format logFormat) func(int, time.Time, string) []byte {
	return func(lost int, since time.Time, reason string) []byte {
		var line bytes.Buffer
		log := slog.New(newHandler(&line, format, isTerminal(file)))
		log.Error("lines lost", "lost", lost, "since", since.Format(time.RFC3339), "reason", reason)
		return line.Bytes()
	}
}

func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
