package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// BenchmarkServe is the time of the processor that a message takes: of the
// daemon, and of the processes for documents.
func BenchmarkServe(b *testing.B) {
	const envelope = `
[[policy]]
name = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name = "rest"
action = "tag"
`
	text := prose(4 << 10)
	docx := "--b\r\n\r\nSee the letter.\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines(base64.StdEncoding.EncodeToString(docxOf(b, 200<<10))) + "--b--\r\n"
	for _, bench := range []struct{ name, config, to, body string }{
		{"4 KiB without content", envelope, "bob@gmail.com", text},
		{"4 KiB", "", "bob@gmail.com", text},
		{"4 KiB to a secure recipient", "", "a@nhs.net", text},
		{"DOCX without content", envelope, "bob@gmail.com", docx},
		{"DOCX", "", "bob@gmail.com", docx},
		{"10 MiB", "", "bob@gmail.com", strings.Repeat(text, 10<<8)},
		{"10 MiB to a secure recipient", "", "a@nhs.net", strings.Repeat(text, 10<<8)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			config := configtest.Write(b, "listen = \"unix:/DIR/s\"\nlocal_domains = [\"trust.example\"]\n"+bench.config)
			d := exec.Command(os.Args[0], "serve", "-config", config)
			d.Stderr = nil
			if err := d.Start(); err != nil {
				b.Fatal(err)
			}
			defer d.Wait()
			defer d.Process.Signal(syscall.SIGTERM)
			s := openSession(b, filepath.Join(filepath.Dir(config), "s"))
			defer s.Close()
			for range 3 {
				sendMail(b, s, bench.to, bench.body)
			}
			own, children := spent(b, d.Process.Pid)
			b.SetBytes(int64(len(bench.body)))
			n := 0
			for b.Loop() {
				sendMail(b, s, bench.to, bench.body)
				n++
			}
			ownAfter, childrenAfter := spent(b, d.Process.Pid)
			b.ReportMetric(float64((ownAfter-own).Microseconds())/float64(n), "daemon-µs/op")
			b.ReportMetric(float64((childrenAfter-children).Microseconds())/float64(n), "process-µs/op")
		})
	}
}

func openSession(b *testing.B, socket string) *gomilter.ClientSession {
	var s *gomilter.ClientSession
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		client := gomilter.NewClientWithOptions("unix", socket, gomilter.ClientOptions{
			ReadTimeout: time.Minute, WriteTimeout: time.Minute, ActionMask: 0x1ff, ProtocolMask: 0x1fffff,
		})
		var err error
		if s, err = client.Session(); err == nil {
			break
		} else if time.Now().After(end) {
			b.Fatal(err)
		}
	}
	if _, err := s.Conn("client.example", gomilter.FamilyInet, 12345, "192.0.2.7"); err != nil {
		b.Fatal(err)
	}
	return s
}

// sendMail sends a message whose answer must be to go on.
func sendMail(b *testing.B, s *gomilter.ClientSession, to, body string) {
	step := func(action *gomilter.Action, err error) {
		if err != nil || action.Code != gomilter.ActContinue {
			b.Fatal(action, err)
		}
	}
	step(s.Mail("ward@trust.example", nil))
	step(s.Rcpt(to, nil))
	for _, field := range [][2]string{
		{"Received", "from x by y"}, {"From", "ward@trust.example"}, {"To", to}, {"Subject", "Clinic list for Monday"}, {"Message-ID", "<1@trust.example>"},
		{"Date", "Sat, 21 Nov 2026 09:00:00 +0000"}, {"MIME-Version", "1.0"}, {"Content-Type", "multipart/mixed; boundary=b"},
	} {
		if !strings.HasPrefix(body, "--b") && field[0] == "Content-Type" {
			field[1] = "text/plain; charset=utf-8"
		}
		step(s.HeaderField(field[0], field[1]))
	}
	step(s.HeaderEnd())
	_, action, err := s.BodyReadFrom(strings.NewReader(body))
	step(action, err)
}

// spent returns the time of the processor that a process has used, and its
// children that have ended.
func spent(b *testing.B, pid int) (own, children time.Duration) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks [4]int64
	for i := range ticks {
		fmt.Sscan(fields[11+i], &ticks[i])
	}
	const tick = time.Second / 100
	return time.Duration(ticks[0]+ticks[1]) * tick, time.Duration(ticks[2]+ticks[3]) * tick
}

// prose returns lines of text.
func prose(octets int) string {
	random := rand.New(rand.NewSource(1))
	var text strings.Builder
	for text.Len() < octets {
		for range 10 {
			for range 2 + random.Intn(8) {
				text.WriteByte(byte('a' + random.Intn(26)))
			}
			text.WriteByte(' ')
		}
		text.WriteString("\r\n")
	}
	return text.String()[:octets]
}

func lines(text string) string {
	var b strings.Builder
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76] + "\r\n")
	}
	return b.String() + text + "\r\n"
}

// docxOf returns a document of about n octets, in runs as Word writes them.
func docxOf(b *testing.B, n int) []byte {
	var body strings.Builder
	body.WriteString(`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`)
	for text := prose(n * 158 / 100); len(text) > 400; text = text[400:] {
		body.WriteString(`<w:p w:rsidR="00A77B3E" w:rsidRDefault="00000000"><w:pPr><w:jc w:val="both"/></w:pPr>`)
		for i := 0; i < 400; i += 50 {
			body.WriteString(`<w:r w:rsidRPr="00B1"><w:rPr><w:lang w:val="en-GB"/></w:rPr><w:t xml:space="preserve">` + text[i:i+50] + `</w:t></w:r>`)
		}
		body.WriteString(`</w:p>`)
	}
	body.WriteString(`</w:body></w:document>`)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", body.String()},
	} {
		w, err := z.Create(part[0])
		if err == nil {
			_, err = w.Write([]byte(part[1]))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
