package subprocess

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// frameReady comes before the frames: the process has set its limits, and now reads the
// document.
const frameReady = 'R'

// A frame is one call of a Sink: its kind, the length of its content, and the
// content.
const (
	frameBegin   = 'B' // the kind of the place, and its part
	frameText    = 'T'
	frameFinding = 'F' // name, reason and part, with a NUL between them
	frameEnd     = 'E' // the document was read to its end
)

// maxFrame limits the content of a frame.
const maxFrame = 64 << 10

// frameWriter is the Sink of the process that reads. It writes each frame at
// once: a limit may end the process, and what was read before then counts.
type frameWriter struct {
	out io.Writer
	buf []byte
	err error // the first
}

func (w *frameWriter) frame(kind byte, content []byte) {
	w.buf = append(binary.AppendUvarint(append(w.buf[:0], kind), uint64(len(content))), content...)
	if _, err := w.out.Write(w.buf); w.err == nil {
		w.err = err
	}
}

func (w *frameWriter) Begin(p detect.Place) {
	w.frame(frameBegin, append([]byte{byte(p.Kind)}, p.Part...))
}

func (w *frameWriter) Text(p []byte) {
	for part := range slices.Chunk(p, maxFrame) {
		w.frame(frameText, part)
	}
}

func (w *frameWriter) Found(f finding.Finding) {
	w.frame(frameFinding, []byte(string(f.Name)+"\x00"+string(f.Reason)+"\x00"+f.Part))
}

// errFrame is the error for what no process of ours writes.
var errFrame = errors.New("the process for a document wrote what it must not write")

// replay reads frames up to the end of the document, and passes them to a sink.
// The process may have been taken over by a document, so nothing is believed:
// findings must be those that a reader can make, parts must be below part, and there
// are at most maxText octets of text.
func replay(r *bufio.Reader, part string, maxText int64, sink detect.Sink) error {
	content, text := make([]byte, maxFrame), int64(0)
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return err
		}
		length, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		if length > maxFrame {
			return errFrame
		}
		content := content[:length]
		if _, err := io.ReadFull(r, content); err != nil {
			return err
		}
		switch kind {
		case frameBegin:
			p, err := readPlace(content, part)
			if err != nil {
				return err
			}
			sink.Begin(p)
		case frameText:
			if text += int64(len(content)); text > maxText {
				sink.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: part})
				return nil
			}
			sink.Text(content)
		case frameFinding:
			f, err := readFinding(content, part)
			if err != nil {
				return err
			}
			sink.Found(f)
		case frameEnd:
			return nil
		default:
			return errFrame
		}
	}
}

func readPlace(content []byte, part string) (detect.Place, error) {
	if len(content) == 0 || detect.Kind(content[0]) > detect.Margin || !isBelow(string(content[1:]), part) {
		return detect.Place{}, errFrame
	}
	return detect.Place{Kind: detect.Kind(content[0]), Part: string(content[1:])}, nil
}

func readFinding(content []byte, part string) (finding.Finding, error) {
	texts := strings.Split(string(content), "\x00")
	if len(texts) != 3 || !isBelow(texts[2], part) {
		return finding.Finding{}, errFrame
	}
	f := finding.Finding{Name: finding.Name(texts[0]), Reason: finding.Reason(texts[1]), Part: texts[2]}
	switch f.Name {
	case finding.Unreadable:
		if slices.Contains(finding.Reasons(), f.Reason) {
			return f, nil
		}
	case finding.Picture:
		if f.Reason == "" {
			return f, nil
		}
	}
	return finding.Finding{}, errFrame
}

// maxPart limits the number of a part, which is logged.
const maxPart = 100

// isBelow reports whether a number names a part or a place inside it.
func isBelow(number, part string) bool {
	inside, ok := strings.CutPrefix(number, part)
	return ok && len(number) <= maxPart && strings.Trim(inside, "0123456789./") == ""
}
