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

// TestReadmeAlerts holds that the alerting that README and postseal-log(5) set up
// misses no line of the log that warns.
func TestReadmeAlerts(t *testing.T) {
	list, _, _ := strings.Cut(readmeLine(t, "these values of `msg`"), ";")
	var want []string
	page := readManPage(t, "postseal-log.5")
	for _, title := range page.below("EVENTS") {
		if msg, level := title[:strings.LastIndexByte(title, ' ')], title[strings.LastIndexByte(title, ' ')+1:]; level == "WARN" || level == "ERROR" {
			want = append(want, msg)
		}
	}
	same(t, "README: alerts", codeSpans(list)[1:], want) // the first one is msg
	same(t, "ALERTS", page.section(t, "ALERTS").names(), want)
}
