package subprocess

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// believing is a Sink that checks what gets past replay.
type believing struct{ t *testing.T }

func (b believing) Begin(p detect.Place)    { b.check(p.Part) }
func (b believing) Text([]byte)             {}
func (b believing) Found(f finding.Finding) { b.check(f.Part) }

func (b believing) check(part string) {
	if !strings.HasPrefix(part, "2.1") || strings.Trim(part, "0123456789./") != "" {
		b.t.Errorf("part %q", part)
	}
}

func FuzzFrames(f *testing.F) {
	var out bytes.Buffer
	w := &frameWriter{out: &out}
	w.Begin(detect.Place{Part: "2.1/1", Kind: detect.Margin})
	w.Text([]byte("text"))
	w.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooDeep, Part: "2.1"})
	w.frame(frameEnd, nil)
	f.Add(out.Bytes())
	f.Add([]byte("T\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		replay(bufio.NewReader(bytes.NewReader(data)), "2.1", 1<<30, believing{t})
	})
}
