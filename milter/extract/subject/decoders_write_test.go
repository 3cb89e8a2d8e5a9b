//go:build decoders

package subject

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // for what go-message decodes
	"github.com/emersion/go-message/textproto"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// libmime reads the subjects of nodemailer and mailparser (MIT licence).
const libmime = "libmime@5.6.4"

// fromDecoders is a subject, and the texts that the decoders read in it.
type fromDecoders struct {
	Kind, Value        string // the value as Latin-1
	Python, JavaScript []string
}

// askDecoders lets Python's email and libmime read subjects: those of the list, or those
// that generate.py makes if it is nil.
func askDecoders(t *testing.T, list [][2]string) (subjects []fromDecoders) {
	t.Helper()
	if os.Getenv("NODE_PATH") == "" {
		modules := t.TempDir()
		output(t, nil, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", modules, libmime)
		t.Setenv("NODE_PATH", filepath.Join(modules, "node_modules"))
	}
	script := []string{"-I", "../../../testdata/decoders/generate.py"}
	var given bytes.Buffer
	if list != nil {
		script = append(script, "-")
		lines := json.NewEncoder(&given)
		for _, s := range list {
			lines.Encode(s)
		}
	}
	read := output(t, output(t, given.Bytes(), "python3", script...), "node", "../../../testdata/decoders/read.js")
	for line := range bytes.Lines(read) {
		var s fromDecoders
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, s)
	}
	return subjects
}

// octets returns the value as it is in a message.
func (s fromDecoders) octets(t *testing.T) string {
	t.Helper()
	value, err := charmap.ISO8859_1.NewEncoder().String(s.Value)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestWriteDecoders writes decodersFile anew: it generates subjects that bear
// the marker, and asks decoders in three languages which of them they read it
// in.
func TestWriteDecoders(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("# Written by \"make decoders\": the kind of subject, the decoders that read the\n" +
		"# marker in it (p: Python's email, j: libmime, g: go-message), and the Subject\n" +
		"# field with the escapes of a Go string but for the double quote.\n")
	for _, s := range askDecoders(t, nil) {
		value := s.octets(t)
		readers := ""
		for _, reader := range []struct {
			letter string
			texts  []string
		}{{"p", s.Python}, {"j", s.JavaScript}, {"g", readWithGoMessage(t, value)}} {
			if slices.ContainsFunc(reader.texts, showsMarker) {
				readers += reader.letter
			}
		}
		quoted := strconv.Quote(value)
		rows.WriteString(s.Kind + "\t" + cmp.Or(readers, "-") + "\t" + strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + "\n")
	}
	if err := os.WriteFile(decodersFile, []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// output runs a command.
func output(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	var errors bytes.Buffer
	command := exec.Command(name, args...)
	command.Stdin, command.Stderr = bytes.NewReader(stdin), &errors
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, errors.String())
	}
	return out
}

func readWithGoMessage(t *testing.T, value string) []string {
	t.Helper()
	fields, err := textproto.ReadHeader(bufio.NewReader(strings.NewReader("Subject: " + value + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	h := message.Header{Header: fields}
	text, err := h.Text("Subject")
	if err != nil {
		return nil
	}
	return []string{text}
}

// shownMarker is the word in brackets of any script.
var shownMarker = regexp.MustCompile(`(?i)[\p{Ps}<]\s*secure\s*[\p{Pe}>]`)

func showsMarker(text string) bool { return shownMarker.MatchString(norm.NFKC.String(text)) }
