package daemon

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/terminal"
	"github.com/postseal/postseal/milter/maillog"
)

// logFile is the destination of the log.
type logFile struct {
	io.Writer
	entry func(level slog.Level, line []byte) []byte // renders a line for one Write
}

func plainLog(w io.Writer) logFile {
	return logFile{w, func(_ slog.Level, line []byte) []byte { return line }}
}

// newLogger returns a logger that passes its lines to write.
func newLogger(format config.LogFormat, terminal bool, write func(slog.Level, []byte)) *slog.Logger {
	return slog.New(maillog.NewLineHandler(func(w io.Writer) slog.Handler {
		if format == config.JSONFormat || format == config.AutoFormat && !terminal {
			return slog.NewJSONHandler(w, nil)
		}
		return tint.NewTextHandler(w, &tint.Options{TimeFormat: time.DateTime, NoColor: !terminal})
	}, write))
}

// lossReport returns a function that renders the line "lines lost".
func lossReport(file logFile, format config.LogFormat, count func(maillog.Event)) func(int, time.Time, string) []byte {
	return func(lost int, since time.Time, reason string) (entry []byte) {
		log := newLogger(format, terminal.Is(file.Writer), func(level slog.Level, line []byte) { entry = file.entry(level, line) })
		maillog.Write(maillog.NewLog(log, count), maillog.LinesLost{Lost: lost, Since: since.Format(time.RFC3339), Reason: reason})
		return entry
	}
}

// Log returns the log of another command, whose lines go where those of the daemon go,
// and a function that closes it.
func Log(stderr io.Writer, format config.LogFormat) (log *maillog.Log, end func()) {
	writer, lines := newLogWriter(openLog(stderr, journalSocket), format, nil)
	return maillog.NewLog(lines, nil), writer.close
}
