package mime

import (
	"io"

	"github.com/postseal/postseal/rules/detect"
)

// ReadFile reads a file that is not a part of a message, such as one in an
// archive: text, a picture, a saved message. part is its number, and media its
// type in lower case, if one is declared. It calls open as NewReader says, also
// for the file itself. It returns an error of the file. What comes before the
// error is read.
func ReadFile(file io.Reader, part, media string, sink detect.Sink, open func(part string) io.WriteCloser, limits Limits) error {
	r := NewReader(sink, open, limits)
	r.sink.clear = true // whatever is encrypted, it is not the message
	l := &leaf{r: r, at: position{number: part}, declared: contentType{media: media}}
	_, err := io.CopyBuffer(writer{l}, struct{ io.Reader }{file}, make([]byte, 32<<10))
	l.close()
	r.settleEncrypted()
	return err
}

// writer makes a consumer an io.Writer.
type writer struct{ consumer }

func (w writer) Write(p []byte) (int, error) {
	w.write(p)
	return len(p), nil
}
