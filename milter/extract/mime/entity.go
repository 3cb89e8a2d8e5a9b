package mime

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/text"
	"github.com/postseal/postseal/rules/finding"
)

// entity returns the consumer of the body of a part or message with a header.
func (r *Reader) entity(h *fields, at position) consumer {
	t, boundaries, same := h.contentType(at)
	enc, sameEncoding := h.encoding()
	isMultipart := t.isMultipart()
	if !isMultipart {
		at = at.leaf()
	}
	r.title(h, at)
	if !same || !sameEncoding {
		r.unreadable(at.number, finding.Damaged) // clients differ in what they read
	}
	switch {
	case at.depth > r.limits.Depth:
		r.unreadable(at.number, finding.TooDeep)
		return r.encoded(enc, at, r.plainText(at, text.Type{Media: "text/plain"}, nil))
	case isMultipart:
		if enc == quotedPrintable {
			enc = identity // as clients do: it is not allowed
		}
		return r.encoded(enc, at, r.multipart(t, boundaries, at))
	case isMessage(t.media):
		return r.encoded(enc, at, r.message(at, t.media == headersOnly))
	}
	return r.encoded(enc, at, &leaf{r: r, at: at, declared: t})
}

// headersOnly is the type of the header of a message that was not delivered.
// Some clients show it as text.
const headersOnly = "text/rfc822-headers"

func isMessage(media string) bool {
	return media == "message/rfc822" || media == "message/global" || media == "message/news" || media == headersOnly
}

// isLeaf reports whether the body has neither parts nor a header.
func (f *fields) isLeaf(at position) bool {
	t, _, _ := f.contentType(at)
	return !t.isMultipart() && !isMessage(t.media)
}

// contentType returns the type of a body, and the boundaries of all types that
// are declared. It returns false if they are types of different kinds.
func (f *fields) contentType(at position) (t contentType, boundaries []string, same bool) {
	t.media, same = "text/plain", true
	if at.digest {
		t.media = "message/rfc822"
	}
	for i, value := range f.types {
		other := parseType(value)
		boundaries = append(boundaries, other.boundaries(value)...)
		isMultipart, wasMultipart := other.isMultipart(), t.isMultipart()
		if i > 0 && !isMultipart && !wasMultipart && other.media != t.media {
			same = false
		}
		if i == 0 && other.media != "" || isMultipart && !wasMultipart {
			t = other
		}
	}
	return t, boundaries, same
}

// isMultipart reports whether clients may read parts in a body.
func (t contentType) isMultipart() bool {
	return t.media == "multipart" || strings.HasPrefix(t.media, "multipart/") || t.media == "" && t.params["boundary"] != ""
}

// textType returns what a type says about text.
func (t contentType) textType() text.Type {
	return text.Type{
		Media:   t.media,
		Charset: strings.ToLower(strings.Trim(t.params["charset"], " '\"")),
		Flowed:  strings.EqualFold(t.params["format"], "flowed"),
		DelSp:   strings.EqualFold(t.params["delsp"], "yes"),
	}
}
