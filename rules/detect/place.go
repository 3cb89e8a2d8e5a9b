// Package detect finds in text what makes mail sensitive: text in, findings
// out.
package detect

import "github.com/postseal/postseal/rules/finding"

// Place is where text of a message stands.
type Place struct {
	Part string // the part's number, as in finding.Finding
	Kind Kind
}

// Kind is what a place is to its reader.
type Kind byte

// The kinds of places.
const (
	Body    Kind = iota
	Subject      // a Subject field, also of an attached message
	Margin       // a header or footer of a document
)

// Sink receives what a message says, in the order in which it is read.
type Sink interface {
	// Begin starts the text of a place. Text before and after it is not
	// connected.
	Begin(Place)
	// Text adds text in UTF-8, cut anywhere. Among other characters, "\n" ends
	// a line, a paragraph or a row of a table, "\t" separates the cells of a
	// row, and "\f" ends a table or a page. p is valid only during the call.
	Text(p []byte)
	// Found adds a finding that the reader makes itself, such as unreadable.
	Found(finding.Finding)
}
