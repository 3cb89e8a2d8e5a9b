package milter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/document"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules/detect"
)

// readDocument is the process for a document. Some documents stand for a reader
// with a fault, which no known document has.
func readDocument(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits subprocess.Limits) {
	head := make([]byte, 30)
	n, _ := r.ReadAt(head, 0)
	switch string(bytes.TrimSpace(head[:n])) {
	case "%PDF-1.4 loop":
		for sum := 0; ; sum++ {
			runtime.KeepAlive(sum)
		}
	case "%PDF-1.4 memory":
		for block := range 1 << 20 {
			held = append(held, bytes.Repeat([]byte{byte(block)}, 1<<20))
		}
	case "%PDF-1.4 exit":
		os.Exit(0)
	case "%PDF-1.4 panic":
		panic("document")
	case "%PDF-1.4 forge":
		os.Stdout.Write(bytes.Repeat([]byte("T\xff\xff\xff\xff\x0f"), 1<<20))
	case "%PDF-1.4 text":
		for {
			sink.Text(make([]byte, 1<<20))
		}
	default:
		document.Read(r, size, place, sink, document.Limits{Unpacked: limits.Unpacked, Entries: limits.Entries, Depth: limits.Depth})
	}
}

var held [][]byte

// within returns the limits of documents with another time.
func within(limit time.Duration) subprocess.Limits {
	limits := subprocess.DefaultLimits()
	limits.Time = limit
	return limits
}

// reading returns a configuration that reads whole messages, with a real process
// for each document.
func reading(t testing.TB, limit time.Duration) *message.Config {
	c := testConfig(t)
	c.Read = message.Read{Header: true, Body: true, VisibleRecipients: 15, Documents: subprocess.NewPool(2, within(limit), os.Args[0], subprocess.Command)}
	return c
}

// attached returns the packets of a message's header and of a body with a
// document.
func attached(content []byte) (packets []string) {
	packets = []string{header("Content-Type", "multipart/mixed; boundary=b"), header("Subject", "Letter")}
	text := base64.StdEncoding.EncodeToString(content)
	var body strings.Builder
	body.WriteString("--b\r\n\r\nSee the letter.\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for len(text) > 76 {
		body.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	body.WriteString(text + "\r\n--b--\r\n")
	for chunk := range slices.Chunk([]byte(body.String()), 65535) {
		packets = append(packets, "B"+string(chunk))
	}
	return packets
}

// letter returns a document with the number 999 000 0018.
func letter(t testing.TB) []byte {
	content, err := os.ReadFile("../testdata/documents/pdf/libreoffice.pdf")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// names returns the entries of a folder.
func names(pattern string) []string {
	files, _ := filepath.Glob(pattern)
	return files
}

// children returns the processes that this one has started.
func children() (pids []string) {
	for _, file := range names("/proc/self/task/*/children") {
		text, _ := os.ReadFile(file)
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}

var divertBob = []string{"-<bob@gmail.com>\x00", "2<bob@gmail.com.encrypt.invalid>\x00ORCPT=rfc822;bob@gmail.com\x00", "hX-Postseal\x00divert; marker=missing\x00", goOnPacket}

// TestShutdownWhileADocumentIsRead lets the message end, or cuts it off, which
// the MTA answers with 451. No process is left.
func TestShutdownWhileADocumentIsRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		drain Drain
		cut   int
		want  []string
	}{
		{"enough time", Drain{UnderWay: far, Between: far, All: far}, 0, []string{addTag, goOnPacket}},
		{"no time", Drain{}, 1, []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newServer(t, always(reading(t, time.Second)), DefaultTimeouts)
			p := r.open(t)
			p.send(append(append(append(mailFrom("a@trust.example"), "R<bob@gmail.com>\x00"), attached([]byte("%PDF-1.4 loop"))...), "E")...)
			p.want(goOnPacket)
			until(t, func() bool { return len(children()) > 0 }, func() string { return "no process reads the document" })
			cut := r.shutdown(test.drain)
			p.want(test.want...)
			wantCut(t, cut, test.cut)
			if left := children(); len(left) > 0 {
				t.Errorf("processes are left: %q", left)
			}
		})
	}
}

// findingsOf returns the findings of the message with a queue ID.
func findingsOf(t testing.TB, r *running, id string) (list []string) {
	t.Helper()
	for line := range strings.Lines(r.log.String()) {
		var e struct {
			Msg      string
			QueueID  string `json:"queue_id"`
			Findings []struct{ Name, Reason string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Msg == "decision" && e.QueueID == id {
			for _, f := range e.Findings {
				list = append(list, strings.TrimSpace(f.Name+" "+f.Reason))
			}
		}
	}
	return list
}
