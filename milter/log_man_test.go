package milter

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// manTypes reads from postseal-log(5) which JSON type each key has: "key of msg".
func manTypes(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../contrib/man/postseal-log.5.md")
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]string)
	heading, key := regexp.MustCompile("^### `([^`]+)` [A-Z]+$"), regexp.MustCompile("^`([a-z_]+)` \\(([a-z]+)\\)$")
	msg := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if match := heading.FindStringSubmatch(line); match != nil {
			msg = match[1]
		} else if match := key.FindStringSubmatch(line); match != nil && msg != "" {
			types[match[1]+" of "+msg] = match[2]
		}
	}
	return types
}

func jsonType(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", value)
}

// TestLogTypesAreThoseOfTheManual compares lines as they are logged. A key
// that a msg has from another is of the type that it has at "decision".
func TestLogTypesAreThoseOfTheManual(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	p := r.open(t)
	p.send(append(mailFrom("a@trust.example"), "DR{rcpt_addr}\x00b@gmail.com\x00", "Rb%gmail.com@nhs.net\x00", "R<x@y.gsi.gov.uk>\x00", "R<b@nhs.nte>\x00", "E")...)
	r.await(t, `"msg":"decision"`)
	if _, err := p.Write([]byte{0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	r.await(t, `"msg":"session broken"`)
	r.await(t, `"msg":"readings differ"`)

	types := manTypes(t)
	seen := make(map[string]bool)
	for text := range strings.Lines(r.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		msg := line["msg"].(string)
		seen[msg] = true
		for key, value := range line {
			want, ok := types[key+" of "+msg]
			if !ok {
				want = types[key+" of decision"]
			}
			if got := jsonType(value); got != want && key != "time" && key != "level" && key != "msg" {
				t.Errorf("%s of %s: %s, and %q in the manual", key, msg, got, want)
			}
		}
	}
	if !seen["decision"] || !seen["refused recipient"] || !seen["readings differ"] || !seen["session broken"] {
		t.Errorf("got only %v", seen)
	}
}
