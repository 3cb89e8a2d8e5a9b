package maillog

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEventsAreComplete(t *testing.T) {
	source, err := os.ReadFile("events.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), ") event() "); n != len(events) {
		t.Errorf("events.go has %d events, the tests know %d", n, len(events))
	}
}

// TestNoKeyIsLeftOut writes each event without a value in any field.
func TestNoKeyIsLeftOut(t *testing.T) {
	for _, e := range events {
		zero := reflect.New(reflect.TypeOf(e)).Elem().Interface().(Event)
		var log bytes.Buffer
		Write(boundedLog(&log), zero)
		var got map[string]any
		if err := json.Unmarshal(log.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := append([]string{"time", "level", "msg"}, keysOf(reflect.TypeOf(e))...)
		if keys := slices.Collect(maps.Keys(got)); len(keys) != len(want) || slices.ContainsFunc(want, func(key string) bool { return !slices.Contains(keys, key) }) {
			t.Errorf("%T: got the keys %q, want %q", e, keys, want)
		}
	}
}

// TestEventsReadBack writes each event with a value in every field, and decodes
// its line into the same type.
func TestEventsReadBack(t *testing.T) {
	for _, e := range events {
		want := reflect.New(reflect.TypeOf(e)).Elem()
		fill(t, want)
		var log bytes.Buffer
		Write(boundedLog(&log), want.Interface().(Event))
		_, msg := e.event()
		got, known, _ := decode(strings.TrimSpace(log.String()), msg)
		if !known || !reflect.DeepEqual(reflect.ValueOf(got.Event).Elem().Interface(), want.Interface()) {
			t.Errorf("%T: got %+v from %s", e, got, log.String())
		}
	}
}

// fill sets a value that is not the zero value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("look-alike") // also the name of a finding
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("fill a %v", v.Type())
	}
}
