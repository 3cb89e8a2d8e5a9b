package maillog

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mantest"
)

// TestManPage checks that postseal-log(5) has every event with its level, every
// key with its type, and no others.
func TestManPage(t *testing.T) {
	page := mantest.Read(t, "postseal-log.5")
	titles := make(map[string]string) // by msg
	for _, e := range events {
		level, msg := e.event()
		titles[msg] = msg + " " + level.String()
	}
	mantest.Same(t, "EVENTS", page.Below("EVENTS"), slices.Collect(maps.Values(titles)))
	for _, e := range events {
		_, msg := e.event()
		keys := mantest.Typed(page["EVENTS/"+titles[msg]])
		// Keys that the page describes under another event, such as `queue_id` and
		// `client` as in `decision`.
		for _, taken := range mantest.Found(page["EVENTS/"+titles[msg]], "Keys?: ([^;.]* as in `[a-z ]+`)") {
			names := mantest.Found(taken, mantest.Span)
			for _, key := range mantest.Typed(page["EVENTS/"+titles[names[len(names)-1]]]) {
				if name, _, _ := strings.Cut(key, " "); slices.Contains(names[:len(names)-1], name) {
					keys = append(keys, key)
				}
			}
		}
		mantest.Same(t, msg, keys, mantest.Fields(reflect.TypeOf(e)))
	}

	var log bytes.Buffer
	var line map[string]string
	Write(boundedLog(&log), InternalError{})
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	var written []string
	for key := range line {
		written = append(written, key+" (string)")
	}
	mantest.Same(t, "EVERY LINE", append(mantest.Typed(page["EVERY LINE"]), mantest.Fields(reflect.TypeFor[InternalError]())...), written)
}
