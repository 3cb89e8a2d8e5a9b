package maillog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

const (
	// maxLine is the greatest length of a log line with its end. rsyslog cuts
	// lines at about that length, and the parts are not JSON.
	maxLine = 8000
	// minText is the shortest length to which texts are cut. If that is not
	// enough, all texts are left out.
	minText = 16
)

// lineHandler writes records as lines, and limits each line, whatever the
// event. It only cuts texts: the code that logs a list must limit it itself,
// and say what is missing.
type lineHandler struct {
	format slog.Handler // writes into line
	mu     *sync.Mutex  // protects line
	line   *bytes.Buffer
	write  func(slog.Level, []byte)
}

// NewLineHandler returns a handler that passes each record to write, as one
// line of at most 8,000 octets with its end. If a line would be longer, its
// longest texts are cut, and end in "…". format returns the handler that
// formats lines.
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

// Handle formats the record with shorter and shorter texts until the line fits.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	short := r
	if textLength(r) > maxLine { // it would need memory, and cannot fit
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

// textLength returns the length of all texts of a record, in octets.
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

// clipped returns the record with each text cut to limit octets. If limit is
// less than minText, only the message remains.
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
