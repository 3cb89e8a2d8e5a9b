//go:build !race

package pdf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/growthtest"
)

// TestGrowth holds that work and memory grow with the file.
func TestGrowth(t *testing.T) {
	for name, file := range map[string]func(n int) []byte{
		"text": func(n int) []byte { return document(strings.Repeat("BT /F1 12 Tf (999 000) Tj ET ", n)) },
		"glyphs": func(n int) []byte {
			var out strings.Builder
			for i := range n {
				fmt.Fprintf(&out, "BT /F1 12 Tf %d %d Td (9) Tj ET ", i*7919%600, i*104729%800)
			}
			return document(out.String())
		},
		"pages": func(n int) []byte {
			return build("<</Type/Catalog/Pages 2 0 R>>", "<</Kids["+strings.Repeat("<</Type/Page/Contents 3 0 R>>", n)+"]>>", stream("", "BT (9) Tj ET"))
		},
		"content streams": func(n int) []byte {
			return build("<</Type/Catalog/Pages 2 0 R>>", "<</Contents["+strings.Repeat("3 0 R ", n)+"]>>", stream("/Filter/FlateDecode", deflate("BT (9) Tj ET")))
		},
		"no cross-references": func(n int) []byte {
			return []byte("%PDF-1.7\n" + strings.Repeat("1 0 obj<</Type/Catalog>>endobj\n", n))
		},
		"open streams": func(n int) []byte { return []byte("%PDF-1.7\n" + strings.Repeat("1 0 obj<<>>stream\n", n)) },
		"forms": func(n int) []byte {
			return documentWith("", "/XObject<</X 6 0 R>>", strings.Repeat("/X Do ", n), stream("/Subtype/Form", "BT (9) Tj ET"))
		},
		"annotations": func(n int) []byte {
			return documentWith("/Annots["+strings.Repeat("<</Contents(999)>>", n)+"]", "", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			growthtest.Linear(t, 300, func(n int) func() {
				data := file(n)
				return func() { count(data) }
			})
		})
	}
}
