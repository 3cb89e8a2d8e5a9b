package detect

import (
	"strings"

	"github.com/postseal/postseal/rules/finding"
)

// Field reads a header field of the message: Sensitivity, msip_labels, and the
// fields that bear a protective marking. value can be folded.
func (d *Detector) Field(name, value string) {
	name = strings.ToLower(name)
	switch {
	case name == "sensitivity":
		switch strings.ToLower(withoutBlanks(value)) {
		case "personal", "private", "company-confidential":
			d.isLabelled = true
		}
	case name == "msip_labels":
		d.readLabels(value)
	// Products name the field as they like: X-Protective-Marking,
	// X-Classification, X-Microsoft-Classification, X-Security-Label.
	case strings.Contains(name, "marking"), strings.Contains(name, "classif"), strings.Contains(name, "label"):
		d.readMarkingField(value)
	}
}

// readLabels reads settings such as MSIP_Label_GUID_Name=Confidential, divided by
// semicolons. A label that is not enabled was taken off.
func (d *Detector) readLabels(value string) {
	type label struct {
		names    []string // also the GUID
		isUnused bool
	}
	labels := make(map[string]*label)
	for setting := range strings.SplitSeq(value, ";") {
		key, value, _ := strings.Cut(withoutBlanks(setting), "=")
		key, ok := cutPrefixFold(key, "MSIP_Label_")
		if !ok {
			continue
		}
		guid, attribute, _ := strings.Cut(strings.ToLower(key), "_")
		l := labels[guid]
		if l == nil {
			l = &label{names: []string{guid}}
			labels[guid] = l
		}
		switch attribute {
		case "enabled":
			l.isUnused = strings.EqualFold(value, "false")
		case "name":
			// A label below another one is named by both.
			l.names = append(l.names, value)
			l.names = append(l.names, strings.Split(value, `\`)...)
		}
	}
	for _, l := range labels {
		for _, name := range l.names {
			if l.isUnused {
				continue
			}
			d.readMarkingField(name)
			for _, want := range d.labels {
				d.isLabelled = d.isLabelled || strings.EqualFold(name, want)
			}
		}
	}
}

func cutPrefixFold(s, prefix string) (after string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// readMarkingField reads a field that is there for markings: any marking in it
// counts, in any letter case.
func (d *Detector) readMarkingField(value string) {
	b := text(value)
	for i, end := b.word(0, len(b)); i < end; i, end = b.word(end, len(b)) {
		word := strings.ToLower(string(b[i:end]))
		_, isOfficial := b.officialSensitive(i)
		if isOfficial || word == "secret" || word == "topsecret" {
			d.mark("")
		}
	}
}

// mark keeps a marking.
func (d *Detector) mark(part string) {
	if d.marking == nil {
		d.marking = &finding.Finding{Name: finding.Marking, Part: part}
	}
}
