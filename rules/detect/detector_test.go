package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/postseal/postseal/rules/finding"
)

// TestIsIssued counts the numbers of each block. They are made here, because
// some of them are patients'.
func TestIsIssued(t *testing.T) {
	for _, block := range []struct {
		first9 uint64 // of 100 numbers without their check digits
		issued bool
	}{
		{400000000, true}, {499999900, true}, {600000000, true}, {799999900, true}, // England, Wales
		{320000000, true}, {399999900, true}, // Northern Ireland
		{999000000, true}, {999999800, true}, // tests
		{10180000, true}, {311299900, true}, {290200000, true}, {290204000, true}, // Scotland
		{290201000, false}, {290299000, false}, // 29 February of 1901, 2001 and of 1999
		{300200000, false}, {310400000, false}, {10080000, false}, {11380000, false}, {180000, false},
		{312000000, false}, {319999900, false},
		{500000000, false}, {599999900, false}, {800000000, false}, {943476500, false}, {998999900, false},
	} {
		issued := 0
		for i := range uint64(1000) {
			if isIssued(block.first9*10 + i) {
				issued++
			}
		}
		// One of eleven has no check digit.
		if want := 0; block.issued && (issued < 88 || issued > 92) || !block.issued && issued != want {
			t.Errorf("%09d: got %d of 1,000 issued, want issued %v", block.first9, issued, block.issued)
		}
	}
	for _, n := range []uint64{4010232137, 4505577104, 9990000018, 9990000026, 9990000034, 9990000042} {
		if !isIssued(n) {
			t.Errorf("%d is not issued", n)
		}
	}
	for n := range uint64(10) {
		if n *= 1111111111; !hasCheckDigit(n) || isIssued(n) {
			t.Errorf("%d: check digit %v, issued %v", n, hasCheckDigit(n), isIssued(n))
		}
	}
}

// TestDigits holds what the code assumes of Unicode's tables.
func TestDigits(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		value, ok := digitValue(r)
		if ok != unicode.IsDigit(r) {
			t.Fatalf("%U: got digit %v", r, ok)
		}
		if !ok {
			continue
		}
		if previous, isAlso := digitValue(r - 1); isAlso && value != (previous+1)%10 || !isAlso && value != 0 {
			t.Errorf("%U: got value %d after %d", r, value, previous)
		}
		if kind := look[string(r)[0]]; kind != isDigit && kind != isForeign {
			t.Errorf("%U: not looked at", r)
		}
	}
}

// TestParts holds that a finding has the part of the first place, and counts
// the distinct numbers of all.
func TestParts(t *testing.T) {
	d := New(Config{})
	for _, p := range []struct {
		Place
		text string
	}{
		{Place{"", Subject}, "minutes"},
		{Place{"1", Body}, "nothing, but 9990000026"},
		{Place{"2.1", Body}, "999 000 0018"},
		{Place{"2.2/3", Margin}, "OFFICIAL-SENSITIVE"},
		{Place{"3", Subject}, "999 000 0018, OFFICIAL-SENSITIVE"},
		{Place{"3.1", Body}, "999 000 0026, 999 000 0034, order 9990000042"},
	} {
		d.Begin(p.Place)
		d.Text([]byte(p.text))
	}
	want := []finding.Finding{
		{Name: finding.NHSNumber, Count: 3, Part: "2.1"},
		{Name: finding.NHSNumberLikely, Count: 1, Part: "1"},
		{Name: finding.NHSNumberInSubject, Count: 1, Part: "3"},
		{Name: finding.Marking, Part: "2.2/3"},
	}
	if got := d.Findings(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestPlacesAreApart holds that a place does not go on in the next.
func TestPlacesAreApart(t *testing.T) {
	for _, s := range []string{"999 000| 0018", "999 000 |0018", "9990|000018", "patient |9990000018", "OFFICIAL-|SENSITIVE", "TOP SEC|RET", "NHS No\n|9990000018", "NHS No\tx\n|9990000018"} {
		d := New(Config{})
		for piece := range strings.SplitSeq(s, "|") {
			d.Begin(Place{"1", Body})
			d.Text([]byte(piece))
		}
		if got := findings(d); strings.Contains(got, one) || strings.Contains(got, marked) {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestFound(t *testing.T) {
	d := New(Config{})
	var want []finding.Finding
	for i := range 100 {
		f := finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: fmt.Sprint(i)}
		d.Found(f)
		d.Found(f)
		if i < maxFound {
			want = append(want, f)
		}
	}
	last := finding.Finding{Name: finding.EncryptedMessage, Part: "101"}
	d.Found(last)
	if got := d.Findings(); !slices.Equal(got, append(want, last)) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestManyNumbers holds the bound of the counts.
func TestManyNumbers(t *testing.T) {
	d := New(Config{})
	d.Begin(Place{"1", Body})
	n := 0
	for i := uint64(9990000000); n < 5*finding.MaxCount; i++ {
		if !isIssued(i) {
			continue
		}
		if n++; n%2 == 0 {
			d.Text(fmt.Appendf(nil, "%03d %03d %04d, ", i/1e7, i/1e4%1e3, i%1e4))
		} else {
			d.Text(fmt.Appendf(nil, "order %d, ", i))
		}
	}
	want := []finding.Finding{{Name: finding.NHSNumber, Count: finding.MaxCount, Part: "1"}, {Name: finding.NHSNumberLikely, Count: finding.MaxCount, Part: "1"}}
	if got := d.Findings(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(d.numbers.levels) > 2*finding.MaxCount || cap(d.text) > 2*(behind+window+ahead) {
		t.Errorf("kept %d numbers and %d octets", len(d.numbers.levels), cap(d.text))
	}
}

// TestLongRuns holds that what is longer than a scan is read once, and in
// linear time.
func TestLongRuns(t *testing.T) {
	for _, s := range []string{"9", "9990000018", "9 ", "999 000 ", "\u200b", "9\u200b", "x", "\t", "\n", "9\t", "9\n", "OFFICIAL-", "SECRET ", "[", "(9) ", "+", "\x80", "\xe2", "NHS ", "NHS no "} {
		long := strings.Repeat(s, 200_000/len(s)+1)
		if got := read(Body, long); got != "" {
			t.Errorf("%q many times: got %q", s, got)
		}
		if got := read(Body, long+"\f999 000 0018\f"+long); got != one {
			t.Errorf("%q many times: got %q around a number", s, got)
		}
	}
}
