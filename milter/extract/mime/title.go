package mime

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/extract/subject"
	"github.com/postseal/postseal/rules/detect"
)

// title shows what clients show beside the icon of a part: the file's name and
// the description.
func (r *Reader) title(h *fields, at position) {
	var titles []string
	for _, value := range h.types {
		titles = append(titles, parseType(value).params["name"])
	}
	for _, value := range h.names {
		titles = append(titles, parseType(value).params["filename"])
	}
	titles = append(titles, h.remarks...)
	for i, title := range titles {
		titles[i] = strings.TrimSpace(subject.Read(title).Text)
	}
	for i, text := range titles {
		if text == "" || slices.Contains(titles[:i], text) {
			continue
		}
		r.sink.isTitle = true
		r.sink.Begin(detect.Place{Part: at.number})
		r.sink.Text([]byte(strings.ToValidUTF8(text, "\uFFFD") + "\n"))
		r.sink.isTitle = false
	}
}
