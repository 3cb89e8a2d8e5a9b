package pdf

import (
	"io"

	"github.com/postseal/postseal/rules/detect"
)

// ReadOrPanic is Read without the recovery from a panic.
func ReadOrPanic(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, attached Attachment) {
	newDocument(place, sink, attached).read(r, size)
}
