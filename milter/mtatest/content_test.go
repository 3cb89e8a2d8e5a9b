package mtatest_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// withDocument returns a message with a document, and no marker.
func withDocument(subject string, content []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Subject: %s\r\nFrom: Ward 7 <ward@trust.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", subject)
	b.WriteString("--b\r\nContent-Type: text/plain\r\n\r\nSee the letter.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for line := range bytes.SplitSeq(bytes.TrimSpace(lines76(content)), []byte("\n")) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.WriteString("--b--\r\n")
	return b.Bytes()
}

// lines76 encodes in base64, in lines.
func lines76(content []byte) []byte {
	text := base64.StdEncoding.EncodeToString(content)
	var b bytes.Buffer
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	b.WriteString(text)
	return b.Bytes()
}

// letterPDF is a letter with the number 999 000 0018.
func (t *T) letterPDF() []byte {
	content, err := os.ReadFile(filepath.Join(root, "testdata", "documents", "pdf", "libreoffice.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// testNumberInDocument: nobody typed the marker, but the letter holds a number.
func testNumberInDocument(t *T) {
	d := t.serve("enforce", "")
	sent := withDocument("Letter", t.letterPDF())
	s := t.send([]string{"<a@nhs.net>", "<bob@gmail.com>"}, sent)
	direct, relayed, _ := t.settle()
	t.compareArrived(direct, relayed, arrived{[]string{"a@nhs.net: Letter"}, []string{"bob@gmail.com: {[secure] }Letter"}})
	for _, delivery := range direct {
		_, got, _ := bytes.Cut(delivery.Data, []byte("\r\n\r\n"))
		_, want, _ := bytes.Cut(sent, []byte("\r\n\r\n"))
		if !bytes.Equal(got, want) {
			t.Error("the body has changed")
		}
	}
	e := decision(t, d, s.QueueID())
	if got := fmt.Sprint(e["findings"]); !strings.Contains(got, "nhs-number") || strings.Contains(d.Log(), "999 000 0018") {
		t.Errorf("findings: got %v", got)
	}
}

// testLargeMessagePasses: 25 MB, of which the document is the most.
func testLargeMessagePasses(t *T) {
	d := t.serve("enforce", "")
	content := make([]byte, 18<<20)
	rand.Read(content)
	s := t.send([]string{"<bob@gmail.com>"}, withDocument("Large", append([]byte("%PDF-1.4\n"), content...)))
	t.wantArrived(arrived{[]string{"bob@gmail.com: Large"}, nil})
	if e := decision(t, d, s.QueueID()); !strings.Contains(fmt.Sprint(e["findings"]), "unreadable") {
		t.Errorf("findings: got %v", e["findings"])
	}
}

// testKilledDocumentProcess kills each process for a document as soon as it runs, as the
// kernel does if memory runs out. The client must try again.
func testKilledDocumentProcess(t *T) {
	d := t.startDaemon("enforce", "")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			for _, pid := range mtatest.Children(d.PID()) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}()
	content := make([]byte, 4<<20)
	rand.Read(content)
	letter := withDocument("Letter", append([]byte("%PDF-1.4\n"), content...))
	s := t.send([]string{"<bob@gmail.com>"}, letter)
	close(stop)
	<-stopped
	if e := d.Events("internal error"); s.End.Code != 451 || len(e) != 1 || !strings.Contains(fmt.Sprint(e[0]["fault"]), "killed") {
		t.Errorf("got %v, %v", s.End, e)
	}
	t.send([]string{"<bob@gmail.com>"}, letter)
	t.wantArrived(arrived{[]string{"bob@gmail.com: Letter"}, nil})
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
}
