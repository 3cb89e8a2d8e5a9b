package detect

import (
	"unicode/utf8"

	"github.com/postseal/postseal/rules/finding"
)

// maxFound bounds the findings of one name that the reader makes itself.
const maxFound = 10

// Config is what a site chooses.
type Config struct {
	// Labels are the labels of msip_labels that count as sensitivity: names or
	// GUIDs. Case and blanks do not matter.
	Labels     []string
	Disclaimer Disclaimer
	Patterns   []Pattern
}

// Detector finds what makes one message sensitive. It uses constant memory: it
// counts at most 1,000 distinct numbers of a kind and 1,000 distinct matches of a
// pattern, and keeps at most 10 findings of one name that the reader makes. The
// places where the text is cut between calls of Text do not matter.
type Detector struct {
	text   text
	window int // octets that one scan reads
	start  int // of text, in all the text of the place
	pos    int // of the next octet to scan, in text
	place  Place

	table    table
	shapeEnd int // the end of the last group 3-3-4, in all the text of the place

	numbers    numbers
	marking    *finding.Finding
	isLabelled bool // a label or Sensitivity
	labels     []string
	disclaimer disclaimerState
	patterns   []patternState
	found      []finding.Finding
}

// A scan decides about the text up to ahead octets before its end. It looks at
// most behind octets back, and at most ahead octets forward. Each rule has bounds
// of its own below these, so that its result does not depend on where a scan
// begins.
const (
	behind  = 2 << 10
	ahead   = 2 << 10
	window  = 32 << 10
	noShape = -1
)

// New returns a Detector for one message.
func New(config Config) *Detector {
	d := &Detector{window: window, disclaimer: disclaimerState{Disclaimer: config.Disclaimer}}
	for _, label := range config.Labels {
		d.labels = append(d.labels, withoutBlanks(label))
	}
	for i := range config.Patterns {
		d.patterns = append(d.patterns, patternState{Pattern: &config.Patterns[i]})
	}
	d.reset(Place{})
	return d
}

// Begin starts the text of a place.
func (d *Detector) Begin(place Place) {
	d.scan(true)
	d.reset(place)
}

func (d *Detector) reset(place Place) {
	d.text, d.start, d.pos, d.place, d.shapeEnd = d.text[:0], 0, 0, place, noShape
	d.table.reset(0)
	d.disclaimer.state = 0
	for i := range d.patterns {
		d.patterns[i].pos, d.patterns[i].isCut = 0, false
	}
}

// Text adds text of the place.
func (d *Detector) Text(p []byte) {
	full := behind + d.window + ahead
	for len(p) > 0 {
		n := min(len(p), full-len(d.text))
		d.text = append(d.text, p[:n]...)
		p = p[n:]
		if len(d.text) == full {
			d.scan(false)
		}
	}
}

// Found keeps a finding of the reader, once.
func (d *Detector) Found(f finding.Finding) {
	same := 0
	for _, known := range d.found {
		if known == f {
			return
		}
		if known.Name == f.Name {
			same++
		}
	}
	if same < maxFound {
		d.found = append(d.found, f)
	}
}

// Findings ends the message and returns what was found in it: one finding of
// each name with the part of the first place, then those of the reader.
func (d *Detector) Findings() []finding.Finding {
	d.Begin(Place{})
	findings := d.numbers.findings()
	if d.marking != nil {
		findings = append(findings, *d.marking)
	}
	if d.isLabelled {
		findings = append(findings, finding.Finding{Name: finding.Sensitivity})
	}
	for i := range d.patterns {
		if f := d.patterns[i].finding; f.Count > 0 {
			findings = append(findings, f)
		}
	}
	if d.disclaimer.isMissing() {
		findings = append(findings, finding.Finding{Name: finding.NoDisclaimer})
	}
	return append(findings, d.found...)
}

// scan decides about the text that is kept: all of it if the place ends, or else
// as far as later text cannot change the result. It drops what no later scan
// needs.
func (d *Detector) scan(ends bool) {
	end := len(d.text)
	if !ends {
		end -= ahead
		for range utf8.UTFMax - 1 {
			if !utf8.RuneStart(d.text[end]) {
				end--
			}
		}
	}
	for i := range d.patterns {
		d.patterns[i].read(d.text, ends, d.place.Part)
	}
	from := d.pos
	d.look(end)
	if d.place.Kind == Body {
		d.disclaimer.read(d.text, from, d.pos)
	}
	if ends {
		return
	}
	drop := max(0, d.pos-behind)
	d.text = d.text[:copy(d.text, d.text[drop:])]
	d.start += drop
	d.pos -= drop
	for i := range d.patterns {
		d.patterns[i].pos -= drop
	}
}

// The kinds of octets that need a closer look.
const (
	isDigit   = iota + 1
	isForeign // may begin a decimal digit other than 0 to 9
	isF       // of OFFICIAL
	isS       // of SECRET
	isTab
	isLine
	isTableEnd
)

var look = func() (kinds [256]byte) {
	for c := '0'; c <= '9'; c++ {
		kinds[c] = isDigit
	}
	for _, c := range foreignLeads() {
		kinds[c] = isForeign
	}
	kinds['f'], kinds['F'], kinds['S'] = isF, isF, isS
	kinds['\t'], kinds['\n'], kinds['\f'] = isTab, isLine, isTableEnd
	return kinds
}()

// look reads the text up to end. It looks closer only at octets that can belong
// to a number, a marking or a table.
func (d *Detector) look(end int) {
	b, i := d.text, d.pos
	for i < end {
		switch look[b[i]] {
		case 0:
			for i++; i+4 <= end; i += 4 {
				s := b[i : i+4 : i+4]
				if look[s[0]]|look[s[1]]|look[s[2]]|look[s[3]] != 0 {
					break
				}
			}
			for i < end && look[b[i]] == 0 {
				i++
			}
		case isDigit:
			i = d.number(i)
		case isForeign:
			if _, ok := digitValue(b.at(i)); ok {
				i = d.number(i)
			} else {
				i++
			}
		case isF:
			if i > 0 && b[i-1]|0x20 == 'o' && i+1 < len(b) && b[i+1]|0x20 == 'f' {
				d.official(i - 1)
			}
			i++
		case isS:
			if i+1 < len(b) && b[i+1] == 'E' {
				d.secret(i)
			}
			i++
		case isTab:
			i++
			d.table.endCell(b, d.start, i)
		case isLine:
			i++
			d.table.endLine(b, d.start, i)
		case isTableEnd:
			i++
			d.table.reset(d.start + i)
		}
	}
	d.pos = i
}
