package mime

import (
	"bytes"

	"github.com/postseal/postseal/milter/extract/text"
	"github.com/postseal/postseal/milter/extract/transfer"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// inline reads text, and finds the files in uuencode, in its form with base64
// and in yEnc, and the PGP messages in it.
type inline struct {
	r        *Reader
	at       position
	declared text.Type

	text   *text.Reader // nil if none is open
	window []byte       // nil after the text has begun
	files  int
	start  bool   // at the beginning of a line
	held   []byte // a line that may begin a block, or a line of a block
	mode   mode
	base64 bool     // the file is in base64, not uuencode
	file   consumer // nil before its first line
	isYEnc bool     // a finding tells of a file in yEnc
	buf    [64]byte
}

// mode is what the lines are.
type mode byte

const (
	inText mode = iota
	inFile
	inPGP
)

// plainText returns the consumer of text that begins with window, as far as that
// is known. The consumer gets these octets with its first write.
func (r *Reader) plainText(at position, declared text.Type, window []byte) consumer {
	return &inline{r: r, at: at, declared: declared, window: window, start: true}
}

var (
	beginFile   = []byte("begin ")
	beginBase64 = []byte("begin-base64 ")
	beginYEnc   = []byte("=ybegin ")
	beginPGP    = []byte("-----BEGIN PGP MESSAGE")
	endPGP      = []byte("-----END PGP MESSAGE")
)

// mayBegin reports whether a block may begin with an octet.
func mayBegin(c byte) bool { return c == 'b' || c == '-' || c == '=' }

// maxLine is how much of a line is kept in a block, and before it.
const maxLine = 400

func (c *inline) write(p []byte) {
	for len(p) > 0 {
		switch {
		case c.mode != inText || len(c.held) > 0 || c.start && mayBegin(p[0]):
			p = c.hold(p)
		default:
			n := nextStart(p)
			c.pass(p[:n])
			c.start = p[n-1] == '\n'
			p = p[n:]
		}
	}
}

// nextStart returns the index of the first line that may begin a block, but for
// the beginning of p.
func nextStart(p []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(p[i:], '\n')
		if n < 0 || i+n+1 == len(p) {
			return len(p)
		}
		if i += n + 1; mayBegin(p[i]) {
			return i
		}
	}
}

// hold keeps a part of a line.
func (c *inline) hold(p []byte) []byte {
	n := bytes.IndexByte(p, '\n') + 1
	if n == 0 {
		n = len(p)
	}
	n = min(n, maxLine-len(c.held))
	if c.mode == inText && len(c.held) < len(beginPGP) {
		n = min(n, len(beginPGP)-len(c.held))
	}
	c.held = append(c.held, p[:n]...)
	isWhole := c.held[len(c.held)-1] == '\n' || len(c.held) == maxLine
	if isWhole || c.mode == inText && !c.mayBegin() {
		c.line()
	}
	return p[n:]
}

// mayBegin reports whether the held octets may begin a block.
func (c *inline) mayBegin() bool {
	for _, begin := range [][]byte{beginFile, beginBase64, beginYEnc, beginPGP} {
		if n := min(len(begin), len(c.held)); bytes.Equal(begin[:n], c.held[:n]) {
			return true
		}
	}
	return false
}

// line reads the line that is held, or the part of it that is enough.
func (c *inline) line() {
	line := bytes.TrimRight(c.held, "\r\n")
	switch {
	case c.mode == inFile && c.fileLine(line), c.mode == inPGP && c.pgpLine(line):
	case bytes.HasPrefix(line, beginPGP):
		c.endText()
		c.mode = inPGP
	default:
		c.mode = inText
		c.pass(c.held)
		c.start = c.held[len(c.held)-1] == '\n'
		c.begin(line)
	}
	c.held = c.held[:0]
}

// begin looks for the begin of a file in a line of text.
func (c *inline) begin(line []byte) {
	switch c.base64 = bytes.HasPrefix(line, beginBase64); {
	case transfer.IsUUBegin(line):
		c.mode = inFile
	case bytes.HasPrefix(line, beginYEnc) && !c.isYEnc:
		c.isYEnc = true
		c.r.unreadable(c.at.number, finding.UnknownType)
	}
}

// fileLine reads a line of a file. It returns false for text.
func (c *inline) fileLine(line []byte) bool {
	octets, ok, end := line, len(line) > 0 && transfer.LooksLikeBase64(line), "===="
	if !c.base64 {
		octets, ok = transfer.UULine(c.buf[:0], line)
		end = "end"
	}
	isEnd := string(line) == end
	if !isEnd && ok && c.file == nil {
		c.endText()
		c.files++
		at := c.at.file(c.files)
		if c.r.addPart(at.number) && at.depth <= c.r.limits.Depth {
			c.file = &leaf{r: c.r, at: at}
			if c.base64 {
				c.file = c.r.encoded(base64, at, c.file)
			}
		} else {
			ok = false
		}
	}
	if ok && !isEnd {
		c.file.write(octets)
		return true
	}
	c.endFile()
	return isEnd
}

func (c *inline) endFile() {
	if c.file != nil {
		c.file.close()
		c.file = nil
	}
	c.mode, c.start = inText, true
}

// pgpLine reads a line of a PGP message. It returns false for text, which may
// follow a message that is cut short.
func (c *inline) pgpLine(line []byte) bool {
	isEnd := bytes.HasPrefix(line, endPGP)
	if !isEnd && isArmor(line) {
		return true
	}
	c.endPGP()
	return isEnd
}

func (c *inline) endPGP() {
	c.r.addEncrypted(c.at.number)
	c.mode, c.start = inText, true
}

// isArmor reports whether a line can be one of a PGP message: base64, or a
// field of its header.
func isArmor(line []byte) bool {
	if bytes.ContainsAny(line, " :") {
		name, _, ok := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Version", "Comment", "MessageID", "Hash", "Charset":
			return ok
		}
		return len(bytes.TrimSpace(line)) == 0
	}
	return transfer.LooksLikeBase64(line)
}

// pass passes text on.
func (c *inline) pass(p []byte) {
	if c.text == nil {
		c.text = text.NewReader(&c.r.sink, detect.Place{Part: c.at.number}, c.declared, c.window)
	}
	c.text.Write(p)
}

func (c *inline) endText() {
	c.window = nil
	if c.text != nil {
		c.text.Close()
		c.text = nil
	}
}

func (c *inline) close() {
	if len(c.held) > 0 {
		c.line()
	}
	switch c.mode {
	case inFile:
		c.endFile()
	case inPGP:
		c.endPGP()
	}
	c.endText()
}
