package main

import (
	"io"

	"github.com/postseal/postseal/milter/extract/document"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
)

// readDocument is the process that serve and explain start for a document. It is
// no command for people, so that the usage does not name it.
func readDocument(args []string, std stdio) int {
	if len(args) != 1 {
		return exitUsage
	}
	read := func(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink) {
		document.Read(r, size, place, sink, document.DefaultLimits())
	}
	if err := subprocess.Serve(args[0], std.in, std.out, read); err != nil {
		return exitFailure
	}
	return exitDone
}
