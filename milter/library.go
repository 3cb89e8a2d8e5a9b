package milter

import (
	"context"
	"log/slog"
	"strings"

	"github.com/postseal/postseal/milter/maillog"
)

// LibraryHandler returns a handler for slog.SetDefault. It logs what libraries print
// as an InternalError. It shows only the text before the first colon, because the
// rest may quote a message: go-milter prints the value of a panic, and a stack with
// arguments.
func LibraryHandler(log *maillog.Log) slog.Handler { return libraryHandler{log} }

type libraryHandler struct{ log *maillog.Log }

func (h libraryHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h libraryHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h libraryHandler) WithGroup(string) slog.Handler            { return h }

func (h libraryHandler) Handle(_ context.Context, r slog.Record) error {
	text, _, _ := strings.Cut(r.Message, ":")
	maillog.Write(h.log, maillog.InternalError{Fault: "a library reports: " + text, Stack: stack()})
	return nil
}
