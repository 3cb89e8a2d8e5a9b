package document

import (
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/rules/detect"
)

// stripTags reads HTML as text.
func stripTags(j *flow.Job, r io.Reader) error {
	s := markup.New(r)
	s.Lenient = true
	f := j.Begin(detect.Body)
	defer f.Close()
	for {
		switch s.Next() {
		case markup.None:
			return nil
		case markup.Text:
			if name := s.Parent(0); name != "script" && name != "style" {
				f.Words(s.Text)
			}
		case markup.Start, markup.End:
			switch s.Name {
			case "p", "div", "tr", "br", "li", "h1", "h2", "h3", "table", "title":
				f.Line()
			case "td", "th":
				f.Tab()
			}
		}
	}
}
