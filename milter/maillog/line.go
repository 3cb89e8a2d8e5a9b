package maillog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

const (
	// maxLine is the longest line of the log, its end included: rsyslog cuts at
	// about that, and the parts are no JSON.
	maxLine = 8000
	// minText is the least that is left of a text before all texts are left out.
	minText = 16
)

// lineHandler renders records as lines, and bounds each whatever the event. It
// bounds texts; who logs a list bounds that, so as to say what is missing.
type lineHandler struct {
	format slog.Handler // renders into line
	mu     *sync.Mutex  // of line
	line   *bytes.Buffer
	write  func(slog.Level, []byte)
}

// NewLineHandler returns a handler that gives each record to write, as one line
// of 8,000 octets at most, with its end. If a line would be longer, its longest texts
// are cut, and end in "…". format makes the handler that renders lines.
func NewLineHandler(format func(io.Writer) slog.Handler, write func(level slog.Level, line []byte)) slog.Handler {
	line := new(bytes.Buffer)
	return &lineHandler{format(line), new(sync.Mutex), line, write}
}

func (h *lineHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.format.Enabled(ctx, level)
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.format.WithAttrs(attrs), h.mu, h.line, h.write}
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	return &lineHandler{h.format.WithGroup(name), h.mu, h.line, h.write}
}

// Handle renders with ever shorter texts until the line fits.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	short := r
	if textLength(r) > maxLine { // costs memory, and cannot fit
		short = clipped(r, maxLine)
	}
	line, err := h.render(ctx, short)
	for limit := maxLine / 2; err == nil && len(line) > maxLine; limit /= 2 {
		line, err = h.render(ctx, clipped(r, limit))
	}
	if err == nil {
		h.write(r.Level, line)
	}
	return err
}

func (h *lineHandler) render(ctx context.Context, r slog.Record) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line.Reset()
	err := h.format.Handle(ctx, r)
	return bytes.Clone(h.line.Bytes()), err
}

// textLength returns the octets of all texts of a record.
func textLength(r slog.Record) int {
	n := len(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindString {
			n += len(a.Value.String())
		}
		return true
	})
	return n
}

// clipped returns the record with each text cut to limit octets, or with its
// message alone if that is less than minText.
func clipped(r slog.Record, limit int) slog.Record {
	short := slog.NewRecord(r.Time, r.Level, clip(r.Message, max(limit, minText)), r.PC)
	if limit < minText {
		return short
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(clip(a.Value.String(), limit))
		}
		short.AddAttrs(a)
		return true
	})
	return short
}
