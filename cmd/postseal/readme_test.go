package main

import (
	"os"
	"strings"
	"testing"
)

// readmeLine returns the line of README.md that holds a text.
func readmeLine(t *testing.T, text string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		if strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("README.md: no line with %q", text)
	return ""
}

// TestReadmeAlerts holds that the alerting that README sets up misses no line of
// the log that warns.
func TestReadmeAlerts(t *testing.T) {
	list, _, _ := strings.Cut(readmeLine(t, "these values of `msg`"), ";")
	var want []string
	for _, title := range readManPage(t, "postseal.8").below("LOG") {
		if msg, level := title[:strings.LastIndexByte(title, ' ')], title[strings.LastIndexByte(title, ' ')+1:]; level == "WARN" || level == "ERROR" {
			want = append(want, msg)
		}
	}
	same(t, "alerts", codeSpans(list)[1:], want) // the first one is msg
}
