// Package text reads the octets of text: it finds out the charset and the
// kind of the text, and reads it as that.
package text

import (
	"bytes"

	"github.com/postseal/postseal/milter/extract/charset"
	"github.com/postseal/postseal/milter/extract/html"
	"github.com/postseal/postseal/milter/extract/plain"
	"github.com/postseal/postseal/milter/extract/transfer"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// Type is what is declared about text.
type Type struct {
	Media   string // such as "text/html", in lower case
	Charset string // in lower case
	Flowed  bool   // format=flowed
	DelSp   bool   // delsp=yes
}

// Reader reads text at one place.
type Reader struct {
	sink    detect.Sink
	place   detect.Place
	decoder *charset.Decoder
	reader  plain.Reader
	source  *source                   // nil if the text has one reading
	quoted  *transfer.QuotedPrintable // in old vCards and calendars
	files   *attached                 // in vCards and calendars
	narrow  bool                      // the beginning has no NULs
}

// StartSize is how many octets NewReader wants to see at most.
const StartSize = 1024

// NewReader begins the place. start is how the text begins. The reader must get
// these octets with Write, too.
func NewReader(sink detect.Sink, place detect.Place, declared Type, start []byte) *Reader {
	start = start[:min(len(start), StartSize)]
	r := &Reader{sink: sink, place: place, narrow: bytes.IndexByte(start, 0) < 0}
	shown := withoutNUL(start)
	name := declared.Charset
	kind := kindOf(declared, shown)
	if inside := charsetInside(shown); kind.html && inside != "" && (name == "" || name == "us-ascii") {
		name = inside
	}
	sink.Begin(place)
	switch {
	case kind.doubtful:
		r.reader = html.NewReader(lenient{sink}, place.Part)
	case kind.html:
		r.reader = html.NewReader(sink, place.Part)
	case kind.table:
		r.reader = plain.NewTable(sink, plain.Delimiter(shown))
	case kind.folded:
		r.files = &attached{Sink: sink}
		r.reader = plain.NewFolded(r.files)
	case declared.Flowed:
		r.reader = plain.NewFlowed(sink, declared.DelSp)
	default:
		r.reader = plain.NewLines(sink)
	}
	if kind.both {
		r.source = newSource()
	}
	r.decoder = charset.NewDecoder(name, start, r.decoded)
	if kind.folded && contains(shown, "encoding=quoted-printable") {
		r.quoted = transfer.NewQuotedPrintable(r.decoder.Write)
	}
	return r
}

// lenient drops findings of damage, because text that is not HTML has no end tags.
// The text is also read as it is.
type lenient struct{ detect.Sink }

// Found implements detect.Sink.
func (l lenient) Found(f finding.Finding) {
	if f.Reason != finding.Damaged {
		l.Sink.Found(f)
	}
}

func (r *Reader) decoded(p []byte) {
	if r.source != nil {
		r.source.lines.Write(p)
	}
	r.reader.Write(p)
}

// Write adds octets.
func (r *Reader) Write(p []byte) {
	if r.quoted != nil {
		r.quoted.Write(p)
		return
	}
	r.decoder.Write(p)
}

// Close ends the text.
func (r *Reader) Close() {
	if r.quoted != nil {
		r.quoted.Close()
	}
	r.decoder.Close()
	r.reader.Close()
	if r.files != nil {
		r.files.tell(r.place.Part)
	}
	if r.source != nil {
		r.source.replay(r.sink, r.place)
	}
	if r.narrow && r.decoder.HasNUL() { // something else follows the text
		r.sink.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.UnknownType, Part: r.place.Part})
	}
	if !r.decoder.HasCharacters() {
		r.sink.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.NoCharacters, Part: r.place.Part})
	}
}

// maxSource is the size of the text that is kept for the second reading. The
// readings of one message follow each other, so a message never needs more.
const maxSource = 256 << 10

// source keeps text as it stands, beside its reading as HTML, because clients
// differ in what they show.
type source struct {
	lines plain.Reader
	text  []byte
	over  bool
}

func newSource() *source {
	s := &source{}
	s.lines = plain.NewLines(s)
	return s
}

// Begin implements detect.Sink.
func (s *source) Begin(detect.Place) {}

// Found implements detect.Sink.
func (s *source) Found(finding.Finding) {}

// Text implements detect.Sink.
func (s *source) Text(p []byte) {
	n := min(len(p), maxSource-len(s.text))
	s.text = append(s.text, p[:n]...)
	s.over = s.over || n < len(p)
}

// replay tells the sink what was kept.
func (s *source) replay(sink detect.Sink, place detect.Place) {
	s.lines.Close()
	sink.Begin(place)
	sink.Text(s.text)
	if s.over {
		sink.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: place.Part})
	}
}
