package maillog

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"
)

// asText is the format for people.
func asText(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }

// oneLine logs one event with texts, and returns its line.
func oneLine(t *testing.T, format func(io.Writer) slog.Handler, msg string, texts ...string) []byte {
	t.Helper()
	var lines [][]byte
	log := slog.New(NewLineHandler(format, func(level slog.Level, line []byte) {
		if level != slog.LevelWarn {
			t.Errorf("got level %v", level)
		}
		lines = append(lines, line)
	}))
	var keys []any
	for i, text := range texts {
		keys = append(keys, "key"+string(rune('a'+i%26)), text, "days", i)
	}
	log.Warn(msg, keys...)
	if len(lines) != 1 || len(lines[0]) > lineLimit || bytes.IndexByte(lines[0], '\n') != len(lines[0])-1 {
		t.Fatalf("got %d lines, of %d octets", len(lines), len(bytes.Join(lines, nil)))
	}
	return lines[0]
}

// TestEveryLineIsBounded makes each part of an event longer that has no limit
// of its own: one text, many texts, and the message, with each kind of octets.
func TestEveryLineIsBounded(t *testing.T) {
	for _, text := range []string{"", "x", "<", "\x00", "\xff", "é", `"`, "\u2028", "😀", "a b"} {
		for _, n := range []int{1, 100, 1990, 7900, 8000, 100_000} {
			for _, keys := range []int{0, 1, 2, 17, 600} {
				if n*keys > 200_000 {
					continue // uses more memory, but adds no case
				}
				long := strings.Repeat(text, n)
				list := make([]string, keys)
				for i := range list {
					list[i] = long
				}
				for _, msg := range []string{"started", long} {
					line := oneLine(t, asJSON, msg, list...)
					if !json.Valid(line) {
						t.Fatalf("no JSON: %.200q", line)
					}
					oneLine(t, asText, msg, list...)
				}
			}
		}
	}
}

// TestLinesThatFitAreLeftAlone checks that nothing is cut without need, and
// that a short text beside a long one is not cut.
func TestLinesThatFitAreLeftAlone(t *testing.T) {
	for _, test := range []struct {
		text, other string
		cut         bool
	}{
		{strings.Repeat("x", 7800), "short", false},
		{strings.Repeat("é", 3900), "short", false},
		{strings.Repeat("x", 1<<20), strings.Repeat("y", 900), true},
	} {
		var got struct{ Keya, Keyb string }
		if err := json.Unmarshal(oneLine(t, asJSON, "started", test.text, test.other), &got); err != nil {
			t.Fatal(err)
		}
		whole := got.Keya == test.text
		if got.Keyb != test.other || whole == test.cut || test.cut && !strings.HasSuffix(got.Keya, "…") || len(got.Keya) < 3000 {
			t.Errorf("%d octets: got %d and %q", len(test.text), len(got.Keya), got.Keyb)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("started", "a", "b", 4000)
	f.Add("\xff<", "\x00", "é", 2000)
	f.Fuzz(func(t *testing.T, msg, one, two string, n int) {
		one = strings.Repeat(one, max(0, n)%(1<<16)/(len(one)+1))
		var got struct{ Msg, Keya, Keyb string }
		if err := json.Unmarshal(oneLine(t, asJSON, msg, one, two), &got); err != nil {
			t.Fatal(err)
		}
		if utf8.ValidString(msg+one+two) && 6*len(msg+one+two) < 7000 && (got.Msg != msg || got.Keya != one || got.Keyb != two) {
			t.Errorf("cut without need: %q", got)
		}
	})
}
