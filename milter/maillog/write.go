// Package maillog has the events of the log and writes them. Each event has one
// type. Its msg, its keys and their JSON types are an interface: they are never
// renamed or retyped within a major version.
package maillog

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
)

// Log writes each event as a line, and counts it, so that the lines and the counts
// agree.
type Log struct {
	lines *slog.Logger
	count func(Event)
}

// NewLog returns a Log that writes lines, and passes each event to count unless
// that is nil.
func NewLog(lines *slog.Logger, count func(Event)) *Log { return &Log{lines, count} }

// Write counts an event, and writes its line. The keys are in the order of its
// fields.
func Write(log *Log, e Event) {
	if log.count != nil {
		log.count(e)
	}
	level, msg := e.event()
	fields := reflect.ValueOf(e)
	attrs := make([]slog.Attr, 0, 16)
	for i, key := range keysOf(fields.Type()) {
		attrs = append(attrs, slog.Attr{Key: key, Value: value(fields.Field(i))})
	}
	log.lines.LogAttrs(context.Background(), level, msg, attrs...)
}

// Error returns the msg of an event of level ERROR, or "".
func Error(e Event) (msg string) {
	if level, msg := e.event(); level == slog.LevelError {
		return msg
	}
	return ""
}

// value returns a field for slog's handlers. NewLineHandler cuts only strings,
// and handlers write these fastest.
func value(field reflect.Value) slog.Value {
	switch field.Kind() {
	case reflect.String:
		return slog.StringValue(field.String())
	case reflect.Int, reflect.Int64:
		return slog.Int64Value(field.Int())
	}
	switch v := field.Interface().(type) {
	case fmt.Stringer:
		return slog.StringValue(v.String())
	default:
		return slog.AnyValue(v).Resolve()
	}
}

// keys has the keys of each type of event, a []string for a reflect.Type:
// reflect needs memory for each tag that it reads.
var keys sync.Map

func keysOf(event reflect.Type) []string {
	if list, ok := keys.Load(event); ok {
		return list.([]string)
	}
	var list []string
	for i := range event.NumField() {
		list = append(list, event.Field(i).Tag.Get("json"))
	}
	keys.Store(event, list)
	return list
}
