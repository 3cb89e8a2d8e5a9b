package markup

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"sync"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// declared is the encoding in an XML declaration.
var declared = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<\?xml[^>]{0,200}encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)
})

// decoded returns UTF-8. The byte order mark decides, or the declaration.
func decoded(r *bufio.Reader) *bufio.Reader {
	head, _ := r.Peek(300)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		r.Discard(3)
		return r
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("<\x00")):
		return wide(r, unicode.LittleEndian)
	case bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\x00<")):
		return wide(r, unicode.BigEndian)
	}
	name := declared().FindSubmatch(head)
	if name == nil {
		return r
	}
	enc, err := htmlindex.Get(string(name[1]))
	if err != nil || enc == unicode.UTF8 {
		return r
	}
	if canonical, err := htmlindex.Name(enc); err == nil && (canonical == "utf-8" || canonical == "utf-16le" || canonical == "utf-16be") {
		return r // it is not: the declaration itself was read
	}
	return bufio.NewReaderSize(enc.NewDecoder().Reader(r), window)
}

func wide(r io.Reader, order unicode.Endianness) *bufio.Reader {
	return bufio.NewReaderSize(unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(r), window)
}
