package subject

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // for what go-message decodes
	"github.com/emersion/go-message/textproto"
	"github.com/postseal/postseal/rules/marker"
)

func generate(t testing.TB) []generated {
	g := generator{rand.New(rand.NewPCG(2047, 5322)), t}
	var subjects []generated
	for range 3000 {
		subjects = append(subjects, g.subject())
	}
	for range 1600 {
		subjects = append(subjects, g.odd())
	}
	return subjects
}

func TestDecodeGenerated(t *testing.T) {
	for _, s := range generate(t) {
		got := decodeDeclared(s.value)
		if s.want == "" {
			if len(got.Undecoded) == 0 {
				t.Errorf("%q (%s): got %q, want it undecoded", s.value, s.oddness, got.Text)
			}
		} else if got.Text != s.want || len(got.Undecoded) > 0 {
			t.Errorf("%q (%s): got %q (undecoded %q), want %q", s.value, s.oddness, got.Text, got.Undecoded, s.want)
		}
	}
}

// decodeDeclared decodes a value as it declares itself, without a guess.
func decodeDeclared(value string) marker.Subject {
	d := decode(unfolder.Replace(value), nil, false)
	return marker.Subject{Text: d.text.String(), Undecoded: addText(nil, d.undecoded.String())}
}

// TestDecoderAgainstOthers compares the decoder with Python's email.header and
// with go-message on generated subjects. Where they differ in an oddness, the
// reason stands here; elsewhere they must agree to the letter.
func TestDecoderAgainstOthers(t *testing.T) {
	subjects := generate(t)
	for _, other := range []struct {
		name    string
		decode  func(testing.TB, []generated) []*string // nil for what it cannot decode
		reasons map[string]string
	}{
		{"email.header", decodeWithPython, map[string]string{
			"language":             "it takes the language of RFC 2231, section 5, for a part of the charset's name",
			"8-bit in Q":           "its escapes of non-ASCII text are left in; clients show the text",
			"UTF-7":                "it knows UTF-7, which spells brackets so that few hosts see them; we do not",
			"stray character in B": "it skips what is not base64, and clients differ: we do not guess",
			"broken escape in Q":   "it leaves the escape standing, and clients differ: we do not guess",
			"no end":               "it shows the word as it stands; we report it as undecoded",
			"unknown encoding":     "it shows the word as it stands; we report it as undecoded",
		}},
		{"go-message", decodeWithGoMessage, map[string]string{
			cutInside:              "it reads each word alone; clients join them, because Exchange cuts so",
			"language":             "it takes the language of RFC 2231, section 5, for a part of the charset's name",
			"no padding":           "it leaves the word as it stands; clients decode it",
			"fold in B":            "it leaves the word as it stands; clients decode it",
			"8-bit in Q":           "it leaves the word as it stands; clients decode it",
			"not UTF-8":            "it leaves octets that are not UTF-8; we put U+FFFD, so that all text is UTF-8",
			"stray character in B": "it shows the word as it stands; we report it as undecoded",
			"base64 cut short":     "it shows the word as it stands; we report it as undecoded",
			"broken escape in Q":   "it shows the word as it stands; we report it as undecoded",
			"no end":               "it shows the word as it stands; we report it as undecoded",
			"unknown encoding":     "it shows the word as it stands; we report it as undecoded",
		}},
	} {
		t.Run(other.name, func(t *testing.T) {
			differs := make(map[string]int)
			for i, want := range other.decode(t, subjects) {
				s := subjects[i]
				got := decodeDeclared(s.value)
				if want == nil && len(got.Undecoded) > 0 || want != nil && len(got.Undecoded) == 0 && got.Text == *want {
					continue
				}
				differs[s.oddness]++
				if other.reasons[s.oddness] == "" && differs[s.oddness] <= 5 {
					text := "nothing"
					if want != nil {
						text = *want
					}
					t.Errorf("%q (%s): got %q (undecoded %q), want %q", s.value, s.oddness, got.Text, got.Undecoded, text)
				}
			}
			for oddness := range other.reasons {
				if differs[oddness] == 0 {
					t.Errorf("%s: no difference was seen: take its reason out", oddness)
				}
			}
			t.Logf("%d subjects, differences: %v", len(subjects), differs)
		})
	}
}

// pythonDecoder reads a JSON list of unfolded values, and writes the list of
// their texts. Header.__str__ is not asked, as it puts blanks between what
// decode_header has told apart.
const pythonDecoder = `
import json, sys
from email.errors import HeaderParseError
from email.header import decode_header

def decode(value):
    try:
        return "".join(text if isinstance(text, str) else text.decode(charset or "raw-unicode-escape", "replace")
                       for text, charset in decode_header(value))
    except (HeaderParseError, LookupError):
        return None

json.dump([decode(value) for value in json.load(sys.stdin)], sys.stdout)
`

func decodeWithPython(t testing.TB, subjects []generated) []*string {
	t.Helper()
	unfolded := make([]string, len(subjects))
	for i, s := range subjects {
		unfolded[i] = strings.ReplaceAll(s.value, "\r\n", "")
	}
	input, err := json.Marshal(unfolded)
	if err != nil {
		t.Fatal(err)
	}
	var errors bytes.Buffer
	python := exec.Command("python3", "-I", "-c", pythonDecoder)
	python.Stdin, python.Stderr = bytes.NewReader(input), &errors
	output, err := python.Output()
	if err != nil {
		t.Fatalf("python3 is the yardstick of this test: install it: %v\n%s", err, errors.String())
	}
	var texts []*string
	if err := json.Unmarshal(output, &texts); err != nil {
		t.Fatal(err)
	}
	if len(texts) != len(subjects) {
		t.Fatalf("got %d texts, want %d", len(texts), len(subjects))
	}
	return texts
}

func decodeWithGoMessage(t testing.TB, subjects []generated) []*string {
	t.Helper()
	texts := make([]*string, len(subjects))
	for i, s := range subjects {
		fields, err := textproto.ReadHeader(bufio.NewReader(strings.NewReader("Subject: " + s.value + "\r\n\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		h := message.Header{Header: fields}
		if text, err := h.Text("Subject"); err == nil {
			texts[i] = &text
		}
	}
	return texts
}
