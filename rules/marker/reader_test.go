package marker

import (
	"strings"
	"testing"
	"unicode"
)

func mustReader(t testing.TB, words []string, position Position) Reader {
	t.Helper()
	m, err := NewReader(words, ShippedOthers(), position)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func textOf(texts ...string) []Subject {
	var subjects []Subject
	for _, text := range texts {
		subjects = append(subjects, Subject{Text: text})
	}
	return subjects
}

func TestRead(t *testing.T) {
	secure := mustReader(t, []string{"secure"}, Anywhere)
	start := mustReader(t, []string{"secure"}, Start)
	several := mustReader(t, []string{"encrypt", "send secure", "rw4-encrypt"}, Anywhere)
	odd := mustReader(t, []string{"a]b", "s*", "***", "sécurisé", "安全", "(x)"}, Anywhere)
	short := mustReader(t, []string{"nhs"}, Anywhere)
	for _, test := range []struct {
		name     string
		reader   Reader
		subjects []Subject
		want     Reading
	}{
		{"no field", secure, nil, Reading{State: Missing}},
		{"an empty field", secure, textOf(""), Reading{State: Missing}},
		{"present", secure, textOf("Re: [SeCuRe] x"), Reading{State: Present}},
		{"a combining mark on the bracket", secure, textOf("[secure]\u0301"), Reading{NearMiss, LookAlike}},
		{"a zero-width space after the bracket", secure, textOf("[secure]\u200b"), Reading{State: Present}},
		{"every field", secure, textOf("[secure]", "Re: [secure]"), Reading{State: Present}},
		{"some fields", secure, textOf("a", "[secure]"), Reading{NearMiss, SomeFields}},
		{"the first near miss of several", secure, textOf("a", "(secure)", "[ secure ]"), Reading{NearMiss, WrongBrackets}},

		{"undecoded word", secure, []Subject{{"\uFFFD", []string{"=?x?Q?Secure?= Secure"}, nil}}, Reading{NearMiss, Undecodable}},
		{"undecoded look-alike", secure, []Subject{{"\uFFFD", []string{"ѕеcure"}, nil}}, Reading{NearMiss, Undecodable}},
		{"undecoded, the word elsewhere", secure, []Subject{{"Secure ward \uFFFD", []string{"=?x?Q?rota?= rota"}, nil}}, Reading{State: Missing}},
		{"undecoded, the marker elsewhere", secure, []Subject{{"[secure] \uFFFD", []string{"=?x?Q?secure?="}, nil}}, Reading{State: Present}},
		{"undecoded, the marker not at the start", start, []Subject{{"a [secure] \uFFFD", []string{"secure"}, nil}}, Reading{NearMiss, Undecodable}},
		{"undecoded, a near miss elsewhere", secure, []Subject{{"(secure) \uFFFD", []string{"rota"}, nil}}, Reading{NearMiss, WrongBrackets}},

		{"at the start", start, textOf("Re: [secure] a"), Reading{State: Present}},
		{"not at the start", start, textOf("a [secure]"), Reading{NearMiss, NotAtStart}},
		{"twice, once at the start", start, textOf("[secure] a [secure]"), Reading{State: Present}},

		{"the first of several words", several, textOf("[Encrypt] a"), Reading{State: Present}},
		{"a word with a blank", several, textOf("[Send Secure] a"), Reading{State: Present}},
		{"a word with a blank, two typed", several, textOf("[send  secure] a"), Reading{NearMiss, BlanksInside}},
		{"a word with a blank, none typed", several, textOf("[sendsecure] a"), Reading{NearMiss, BlanksInside}},
		{"a word with a hyphen", several, textOf("[RW4-Encrypt] a"), Reading{State: Present}},
		{"a word with a hyphen as a label", several, textOf("rw4-encrypt: a"), Reading{NearMiss, BareWord}},
		{"own word goes before another's", several, textOf("(encrypt) a"), Reading{NearMiss, WrongBrackets}},
		{"secure is another's word", several, textOf("[secure] a"), Reading{NearMiss, OtherMarker}},
		{"a misspelling goes after another's word", several, textOf("[encrypted]"), Reading{NearMiss, OtherMarker}},

		{"a bracket in the word", odd, textOf("[a]b]"), Reading{State: Present}},
		{"a word is no pattern", odd, textOf("[sss]"), Reading{State: Missing}},
		{"two brackets and no word", odd, textOf("[[] x"), Reading{State: Missing}},
		{"a star in the word", odd, textOf("[S*]"), Reading{State: Present}},
		{"a word without letters", odd, textOf("x [***]"), Reading{State: Present}},
		{"a word without letters fits no phrase", odd, textOf("[send]"), Reading{State: Missing}},
		{"accents", odd, textOf("[Sécurisé]"), Reading{State: Present}},
		{"accents in upper case", odd, textOf("[SÉCURISÉ]"), Reading{State: Present}},
		{"accents left off", odd, textOf("[securise]"), Reading{NearMiss, LookAlike}},
		{"accents decomposed", odd, textOf("[se\u0301curise\u0301]"), Reading{NearMiss, LookAlike}},
		{"Chinese", odd, textOf("通知[安全]"), Reading{State: Present}},
		{"Chinese between other brackets", odd, textOf("通知（安全）"), Reading{NearMiss, LookAlike}},
		{"brackets in the word", odd, textOf("[(X)]"), Reading{State: Present}},

		{"short words have no misspellings", short, textOf("[nh] [nhd] [hns]"), Reading{State: Missing}},
		{"short words have other near misses", short, textOf("[ nhs ]"), Reading{NearMiss, BlanksInside}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.reader.Read(test.subjects); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestReadWithoutOthers(t *testing.T) {
	m, err := NewReader([]string{"secure"}, nil, Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Read(textOf("[encrypt]")); got.State != Missing {
		t.Errorf("got %v, want missing", got)
	}
}

// TestOnlyASCIIIsPresent replaces each octet of the marker by every character.
func TestOnlyASCIIIsPresent(t *testing.T) {
	m := mustReader(t, []string{"sk"}, Anywhere)
	const marker = "[sk]"
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if 0xD800 <= r && r <= 0xDFFF {
			continue // surrogates are not characters
		}
		text := string(r)
		for i := range len(marker) {
			same := r < 0x80 && strings.EqualFold(text, marker[i:i+1])
			if got := m.find(marker[:i] + text + marker[i+1:]); got && !same {
				t.Errorf("%U in the place of %q: got present", r, marker[i])
			}
		}
	}
}

func TestNewMarkerReaderRefuses(t *testing.T) {
	for _, test := range []struct {
		name          string
		words, others []string
		want          string
	}{
		{"no word", nil, nil, "marker.words is empty"},
		{"empty word", []string{"secure", ""}, nil, "marker.words contains an empty word"},
		{"word of characters that are not seen", []string{"\u200b"}, nil, "marker.words contains an empty word"},
		{"blanks around", []string{" secure"}, nil, `marker.words: " secure" has blanks`},
		{"line end", []string{"se\ncure"}, nil, "control characters"},
		{"not UTF-8", []string{"\xff"}, nil, "control characters"},
		{"brackets", []string{"[secure]"}, nil, "without its brackets"},
		{"another's word with brackets", []string{"secure"}, []string{"[encrypt]"}, `marker.others: "[encrypt]"`},
		{"two faults", []string{"[a]"}, []string{""}, "marker.others contains an empty word"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewReader(test.words, test.others, Anywhere)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzReadMarker(f *testing.F) {
	for _, seed := range []string{
		"", "[secure]", "Re: [SECURE] x", "(secure)", "[secure", "]secure[", "[]secure", "[ſecure]", "[se\u0301cure]",
		"[secure]\u0301", "[\u200bsecure]", "［secure］", "secure: x", "OFFICIAL-SENSITIVE: [External] Re[2]: [secure]",
		"[send secure]", "[secure, PDF] x", "[[EXTERNAL] secure (1)]", "[#12345] URGENT: secure: x", "%255Bsecure&#93; &lsqb;=5B_x005B_",
		`\u005b\x{5b}\133\5b\[`, "+AFs-secure+AF0- +-AFs-", "[<b>secure</b>]<!-- <o:p", "[[[[]]]]", "((((", "\xff[secure]", "\u2066[secure\u2069]",
	} {
		f.Add(seed, seed)
	}
	anywhere, start := mustReader(f, []string{"secure"}, Anywhere), mustReader(f, []string{"secure"}, Start)
	f.Fuzz(func(t *testing.T, text, undecoded string) {
		subject := []Subject{{text, []string{undecoded}, nil}}
		got, atStart := anywhere.Read(subject), start.Read(subject)
		literal := strings.Contains(asciiLower(text), "[secure]")
		if got.State == Present && !literal {
			t.Errorf("%q: got present", text)
		}
		if literal && got.State == Missing {
			t.Errorf("%q: got missing", text)
		}
		if atStart.State < got.State {
			t.Errorf("%q: got %v at the start, %v anywhere", text, atStart, got)
		}
		for _, r := range []Reading{got, atStart} {
			if (r.State == NearMiss) != (r.Kind != "") {
				t.Errorf("%q: got %v", text, r)
			}
		}
		if marked := anywhere.Read(textOf("[secure] " + text)); marked.State != Present {
			t.Errorf("%q: got %v once the marker stood before it", text, marked)
		}
	})
}

// asciiLower is strings.ToLower for ASCII letters only.
func asciiLower(text string) string {
	octets := []byte(text)
	for i, c := range octets {
		if 'A' <= c && c <= 'Z' {
			octets[i] = c | 0x20
		}
	}
	return string(octets)
}

func BenchmarkRead(b *testing.B) {
	m := mustReader(b, []string{"secure"}, Anywhere)
	fill := func(s string) string { return strings.Repeat(s, 100<<10/len(s)) }
	for _, bench := range []struct{ name, text string }{
		{"present", "Re: [secure] Discharge summary for ward 7"},
		{"missing", "Re: Discharge summary for ward 7 and the minutes"},
		{"missing, with brackets", "[External] Re: [Ref 1234] Discharge summary (copy)"},
		{"100 kB of letters", fill("a")},
		{"100 kB of brackets", fill("[")},
		{"100 kB of pairs", fill("[]")},
		{"100 kB of words", fill("secure ")},
		{"100 kB in one pair", "[" + fill("secure ") + "x]"},
		{"100 kB of phrases", fill("[send this via the secure x]")},
		{"100 kB of prefixes", fill("Re: ")},
		{"100 kB of tags", fill("[External]")},
		{"100 kB of marks", fill("\u0301")},
		{"100 kB of look-alikes", fill("𝐬")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			subjects := textOf(bench.text)
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				m.Read(subjects)
			}
		})
	}
}
