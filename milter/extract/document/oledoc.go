package document

import (
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/legacy"
	"github.com/postseal/postseal/milter/extract/document/mapi"
	"github.com/postseal/postseal/milter/extract/document/ole"
)

// readOLE reads a compound file: a message, or a document of Office before 2007.
func readOLE(j *flow.Job, r io.ReaderAt, _ int64) error {
	f, err := ole.New(r)
	j.Fail(err)
	switch {
	case f == nil:
		return nil
	case mapi.Is(f):
		return mapi.ReadMSG(j, f)
	}
	return legacy.Read(j, f)
}
