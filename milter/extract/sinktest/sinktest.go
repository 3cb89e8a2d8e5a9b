// Package sinktest records for tests what a detect.Sink is told.
package sinktest

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// Recorder is a detect.Sink that records the calls. Texts that follow each other
// are one.
type Recorder struct {
	text strings.Builder // since the last other call
	log  []string
}

// Begin implements detect.Sink.
func (r *Recorder) Begin(place detect.Place) {
	r.settle()
	r.log = append(r.log, fmt.Sprintf("[%s%s]", place.Part, map[detect.Kind]string{detect.Subject: " subject", detect.Margin: " margin"}[place.Kind]))
}

// Text implements detect.Sink.
func (r *Recorder) Text(p []byte) { r.text.Write(p) }

// Found implements detect.Sink.
func (r *Recorder) Found(f finding.Finding) {
	r.settle()
	r.log = append(r.log, fmt.Sprintf("{%s}", strings.TrimRight(fmt.Sprint(f.Name, " ", f.Reason, " ", f.Part), " ")))
}

// Note adds a note between the calls.
func (r *Recorder) Note(text string) {
	r.settle()
	r.log = append(r.log, text)
}

func (r *Recorder) settle() {
	if r.text.Len() > 0 {
		r.log = append(r.log, r.text.String())
		r.text.Reset()
	}
}

// Calls returns the calls: "[part]" for Begin, the text, and "{name reason
// part}" for Found.
func (r *Recorder) Calls() []string {
	r.settle()
	return r.log
}

// String returns the calls one after the other.
func (r *Recorder) String() string { return strings.Join(r.Calls(), "") }
