//go:build decoders

package subject

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/marker"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

var (
	decodersSubjects = flag.Int("decoders.subjects", 100_000, "how many subjects TestDecodersDiffer reads")
	decodersSeed     = flag.Uint64("decoders.seed", 0, "the seed of TestDecodersDiffer; 0: a new one")
)

// oddPieces are put into subjects, and into their encoded words.
var oddPieces = []string{
	"", " ", "\t", "\r\n ", "\r\n\t", "?", "=", "?=", "=?", "_", "*en", "*", "\"", "'", "(", ")", "<", ">", ",", ";", ":", "[", "]", "=5B", "=5b", "=20", "=", "==", "!", "\\",
	"=?utf-8?Q??=", "=?utf-8?B??=", "=?utf-8?Q?_?=", "=?utf-8?q?=5Bsecure=5D?=", "=?utf-8?B?W3NlY3VyZV0=?=", "=?iso-8859-1?Q?=E9?=", "=?utf-7?Q?+AFs-?=",
	"Re:", "Re: ", "[External] ", "é", "\u00a0", "\u200b", "\xe9", "[secure]", "[Secure] ", "secure", "utf-8", "iso-2022-jp", "utf-16",
}

// mutate changes a subject in a few places. Places in and beside the marks of encoded
// words are more likely.
func mutate(g generator, value string) string {
	for range g.IntN(4) {
		at := g.IntN(len(value) + 1)
		if marks := indexesAny(value, "?="); len(marks) > 0 && g.IntN(2) == 0 {
			at = pick(g, marks) + g.IntN(2)
		}
		end := min(len(value), at+pick(g, []int{0, 0, 0, 1, 1, 2, 5, 9}))
		middle := pick(g, oddPieces)
		switch g.IntN(4) {
		case 0: // what is there, again or in another case
			middle = pick(g, []string{strings.ToUpper(value[at:end]), strings.ToLower(value[at:end]), value[at:end] + value[at:end]})
		case 1:
			middle = ""
		}
		value = value[:at] + middle + value[end:]
	}
	return value
}

func indexesAny(text, chars string) (list []int) {
	for i := range len(text) {
		if strings.IndexByte(chars, text[i]) >= 0 {
			list = append(list, i)
		}
	}
	return list
}

// TestDecodersDiffer changes generated subjects at random, and compares what postseal
// reads with what the texts of the other decoders say. A subject in which another
// decoder shows the marker must not be unmarked. It is an error if more than 1 in
// 10,000 is: a few changes make what no client writes, such as a marker in the name of
// a charset.
func TestDecodersDiffer(t *testing.T) {
	seed := *decodersSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 2047)), t}
	reader := newReader(t, marker.Anywhere)
	counts, examples := make(map[string]int), make(map[string][]string)
	for left := *decodersSubjects; left > 0; left -= 50_000 {
		var list [][2]string
		for range min(left, 50_000) {
			s := g.subject()
			if g.IntN(3) == 0 {
				s = g.odd()
			}
			value, err := charmap.ISO8859_1.NewDecoder().String(mutate(g, s.value))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, [2]string{s.oddness, value})
		}
		for _, s := range askDecoders(t, list) {
			value := s.octets(t)
			got := reader.Read([]marker.Subject{Read(value)}).State
			kind := fmt.Sprintf("%v", got)
			for _, other := range []struct {
				name  string
				texts []string
			}{{"Python", s.Python}, {"JavaScript", s.JavaScript}} {
				switch {
				case slices.ContainsFunc(other.texts, beginsWithMarker):
					kind += ", at the start with " + other.name
				case slices.ContainsFunc(other.texts, showsMarker):
					kind += ", with " + other.name
				}
			}
			counts[kind]++
			examples[kind] = append(examples[kind], fmt.Sprintf("%q: ours %q, Python %q, JavaScript %q", value, Read(value), s.Python, s.JavaScript))
		}
	}
	unmarked := 0
	for kind, n := range counts {
		t.Logf("%7d %s", n, kind)
		if isUnmarked := strings.HasPrefix(kind, "missing, "); isUnmarked || kind == "present" {
			for _, example := range examples[kind][:min(n, 10)] {
				t.Log(example)
			}
			if isUnmarked {
				unmarked += n
			}
		}
	}
	if most := *decodersSubjects / 10_000; unmarked > most {
		t.Errorf("%d subjects are unmarked, although another decoder shows the marker", unmarked)
	}
}

func beginsWithMarker(text string) bool {
	return strings.HasPrefix(strings.ToLower(norm.NFKC.String(text)), "[secure]")
}
