package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/postseal/postseal/milter/extract/document"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
)

// readDocument is the process that serve, explain and replay start for a document, with
// pipes. People have no use for it, so the usage does not name it.
func readDocument(args []string, std stdio) int {
	if !isPipe(std.in) {
		fmt.Fprintf(std.err, "postseal: only postseal itself runs %s: to see what a message contains, run postseal explain\n", subprocess.Command)
		return exitUsage
	}
	read := func(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits subprocess.Limits) {
		document.Read(r, size, place, sink, document.Limits{Unpacked: limits.Unpacked, Entries: limits.Entries, Depth: limits.Depth})
	}
	if err := subprocess.Serve(args, std.in, std.out, read); err != nil {
		return exitFailure
	}
	return exitDone
}

func isPipe(r io.Reader) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}
