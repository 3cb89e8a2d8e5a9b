// Package logtest checks lines of the log against contrib/log/schema.json.
package logtest

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// start is the directory in which the test began. The test may change it.
var start, _ = os.Getwd()

// Schema returns the text of the schema.
var Schema = sync.OnceValues(func() ([]byte, error) {
	dir := start
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return os.ReadFile(filepath.Join(dir, "contrib", "log", "schema.json"))
		} else if dir == filepath.Dir(dir) {
			return nil, err
		}
		dir = filepath.Dir(dir)
	}
})

// events has the schema of each event, by its msg. Its errors are short. The whole
// schema would report the faults of every event.
var events = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	text, err := Schema()
	if err != nil {
		return nil, err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", schema); err != nil {
		return nil, err
	}
	whole, err := c.Compile("schema.json")
	if err != nil {
		return nil, err
	}
	byMsg := make(map[string]*jsonschema.Schema)
	for _, event := range whole.OneOf {
		event = event.Ref
		if msg := event.Properties["msg"]; msg == nil || msg.Const == nil || byMsg[fmt.Sprint(*msg.Const)] != nil {
			return nil, fmt.Errorf("%s has no msg of its own", event.Location)
		}
		byMsg[fmt.Sprint(*event.Properties["msg"].Const)] = event
	}
	return byMsg, nil
})

// seen has the hashes of valid lines, because a test may cause thousands of similar
// lines.
var (
	seen sync.Map
	seed = maphash.MakeSeed()
)

// varying are the values in which similar lines differ. Only the first of such lines
// is checked.
var varying = [][2]string{{`{"time":"`, `"`}, {`,"queue_id":"`, `"`}, {`,"took_us":`, `}`}}

func hashOf(line []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, f := range varying {
		before, value, ok := bytes.Cut(line, []byte(f[0]))
		if end := bytes.Index(value, []byte(f[1])); ok && end > 0 && !bytes.Contains(value[:end], []byte(`\`)) {
			h.Write(before)
			h.WriteString(f[0])
			line = value[end:]
		}
	}
	h.Write(line)
	return h.Sum64()
}

// Fault returns an error if a line does not match the schema.
func Fault(line []byte) error {
	hash := hashOf(line)
	if _, ok := seen.Load(hash); ok {
		return nil
	}
	events, err := events()
	if err != nil {
		return err
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return fmt.Errorf("a line of %d octets is not JSON: %w", len(line), err)
	}
	object, _ := decoded.(map[string]any)
	msg, _ := object["msg"].(string)
	event, ok := events[msg]
	if !ok {
		return fmt.Errorf("contrib/log/schema.json has no event %.100q", msg)
	}
	if err := event.Validate(decoded); err != nil {
		return fmt.Errorf("contrib/log/schema.json, event %q: %w", msg, err)
	}
	seen.Store(hash, nil)
	return nil
}

// Check fails the test if a line does not match the schema.
func Check(t testing.TB, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if err := Fault([]byte(line)); err != nil {
			t.Error(err)
		}
	}
}

// CheckStderr is Check for what a process wrote to standard error. It ignores start-up
// errors and what the race detector writes. It also ignores a last line without a
// newline, because the process may still be writing that line.
func CheckStderr(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "{") && strings.HasSuffix(line, "\n") {
			Check(t, line)
		}
	}
}

// Writer returns a writer that checks each line and passes it on to w. Each Write must
// have one line. The test fails at its end if a line does not match the schema.
func Writer(t testing.TB, w io.Writer) io.Writer {
	t.Helper()
	if _, err := events(); err != nil { // read now: a test may leave no file descriptors
		t.Fatal(err)
	}
	c := &checked{w: w}
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.fault != nil {
			t.Error(c.fault)
		}
	})
	return c
}

type checked struct {
	w     io.Writer
	mu    sync.Mutex
	fault error // the first
}

func (c *checked) Write(line []byte) (int, error) {
	err := Fault(line)
	c.mu.Lock()
	if c.fault == nil {
		c.fault = err
	}
	c.mu.Unlock()
	return c.w.Write(line)
}
