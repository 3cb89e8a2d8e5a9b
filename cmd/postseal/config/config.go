// Package config reads postseal.toml and all files that it names.
package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/doctor"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
	"github.com/postseal/postseal/rules/tomlfile"
)

const Default = "/etc/postseal/postseal.toml"

// File is the TOML of the configuration.
type File struct {
	Listen       string     `toml:"listen"`
	Mode         rules.Mode `toml:"mode"`
	LocalDomains []string   `toml:"local_domains"`
	Marker       struct {
		Words []string `toml:"words"`
		// Others are the words of other systems' markers, such as
		// "[encrypt]", which are near misses. An empty list turns this off.
		Others   []string        `toml:"others"`
		Position marker.Position `toml:"position"`
	} `toml:"marker"`
	Relay struct {
		Domain string `toml:"domain"`
	} `toml:"relay"`
	Rules struct {
		Edition    string   `toml:"edition"`
		Accredited string   `toml:"accredited"`
		Files      []string `toml:"files"`
	} `toml:"rules"`
	Content contentTable   `toml:"content"`
	Pattern []patternTable `toml:"pattern"`
	Policy  []policyTable  `toml:"policy"`
	Log     struct {
		Format    LogFormat    `toml:"format"`
		Addresses shown.Format `toml:"addresses"`
	} `toml:"log"`
	Metrics struct {
		Listen string `toml:"listen"` // empty if off
	} `toml:"metrics"`
	Doctor struct {
		Accept []doctor.ID `toml:"accept"` // findings that the site accepts
	} `toml:"doctor"`
}

// Config is a configuration that was read and checked.
type Config struct {
	Origin  string // the file, or "built-in configuration"
	Text    []byte // of that file
	File    File
	places  *tomlfile.Places // of the keys in text
	Message *message.Config

	Stamp        string    // of the files that file names, taken before they were read
	listModified time.Time // of the accredited list; zero if there is none
}

// Load reads the configuration file and all files that it names. An empty path
// means the default file, or the built-in configuration if that file does not
// exist. The error lists every fault.
func Load(path string) (*Config, error) {
	origin, text, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Build(origin, text)
}

// Read reads the file that Load reads for the same path.
func Read(path string) (origin string, text []byte, err error) {
	origin = cmp.Or(path, Default)
	text, err = os.ReadFile(origin)
	switch {
	case path == "" && errors.Is(err, fs.ErrNotExist):
		return "built-in configuration", nil, nil
	case OutOfDescriptors(err):
		return "", nil, fmt.Errorf("%s: %w", origin, errDescriptors)
	case err != nil:
		return "", nil, fmt.Errorf("%w: name a readable file with -config", err)
	}
	return origin, text, nil
}

// longList is a size in octets from which an accredited list needs care with memory.
const longList = 16 << 20

// piece is how many octets of a file are read or hashed at once.
const piece = 64 << 10

// Build parses the text of a configuration and reads all files that it names.
func Build(origin string, text []byte) (*Config, error) {
	c, err := Parse(origin, text)
	if c == nil {
		return nil, err
	}
	whole := err == nil
	if info, err := os.Stat(c.File.Rules.Accredited); err == nil && info.Size() > longList {
		defer debug.SetGCPercent(debug.SetGCPercent(25)) // the garbage of a load need not be as large as the list
	}
	hash := sha256.New()
	add := func(name string, text []byte) {
		fmt.Fprintf(hash, "%s\x00%d\x00", name, len(text))
		// Not by Fprintf, which would copy the text. And not at once, because a
		// collection stops all goroutines and cannot interrupt the function.
		for part := range slices.Chunk(text, piece) {
			hash.Write(part)
		}
	}
	add(origin, text)
	c.Stamp, _ = c.File.Stamp() // build finds the same fault
	if info, err := os.Stat(c.File.Rules.Accredited); err == nil {
		c.listModified = info.ModTime()
	}
	var buildErr error
	c.Message, buildErr = c.File.build(whole, func(name string) ([]byte, error) {
		text, err := readFile(name)
		add(name, text)
		return text, err
	})
	if OutOfDescriptors(buildErr) {
		return nil, fmt.Errorf("%s: %w", origin, errDescriptors) // no file is at fault
	}
	if buildErr != nil {
		err = errors.Join(err, c.named(buildErr))
	}
	if err != nil {
		return nil, err
	}
	c.Message.Hash = hex.EncodeToString(hash.Sum(nil))[:12]
	return c, nil
}

// readFile reads a file in pieces. One read of a long list into new memory can take
// 200 ms, and a collection that starts meanwhile stops all goroutines for as long. The
// same goes for a bytes.Buffer that grows.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var text []byte
	if info, err := file.Stat(); err == nil {
		text = make([]byte, 0, info.Size()+1) // one more, to see the end of the file
	}
	for err == nil {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		var n int
		n, err = file.Read(text[len(text):min(cap(text), len(text)+piece)])
		text = text[:len(text)+n]
	}
	if err == io.EOF {
		err = nil
	}
	return text, err
}

// Parse parses the text of a configuration and reads no other file. If only single
// keys are faulty, it returns the rest together with the error.
func Parse(origin string, text []byte) (*Config, error) {
	c := &Config{Origin: origin, Text: text}
	c.File.Listen = "inet:127.0.0.1:8899"
	c.File.Marker.Words = []string{"secure"}
	c.File.Marker.Others = marker.ShippedOthers()
	c.File.Relay.Domain = "encrypt.invalid"
	c.File.Rules.Edition = editions.Default
	c.File.Content = defaultContent()
	c.File.Log.Format = AutoFormat
	c.File.Log.Addresses = shown.Full

	places, err := tomlfile.Decode(text, &c.File)
	c.places = places
	if places == nil {
		return nil, c.named(err)
	}
	if err != nil {
		return c, c.named(err)
	}
	return c, nil
}

// named puts the configuration's name before each line of an error, and also the
// line and column if they are known.
func (c *Config) named(err error) error {
	if c.places != nil {
		err = c.places.Locate(err)
	}
	return fmt.Errorf("%s: %s", c.Origin, strings.ReplaceAll(err.Error(), "\n", "\n"+c.Origin+": "))
}

// build makes the configuration that messages are decided by. Unless the file is
// whole, build does not check the policies: a fault in them may follow from the
// fault that Parse found.
func (f *File) build(whole bool, read func(string) ([]byte, error)) (*message.Config, error) {
	_, _, err := milter.ParseListen(f.Listen)
	faults := []error{tomlfile.At("listen", err)}
	if f.Metrics.Listen != "" {
		_, _, err := milter.ParseListen(f.Metrics.Listen)
		if err == nil && f.Metrics.Listen == f.Listen && !strings.HasSuffix(f.Listen, ":0") {
			err = errors.New("metrics.listen equals listen: write another port or path")
		}
		faults = append(faults, tomlfile.At("metrics.listen", err))
	}
	files, err := expand(f.Rules.Files)
	faults = append(faults, tomlfile.At("rules.files", err))
	rows, err := table.Load(table.Sources{
		Edition:      f.Rules.Edition,
		Accredited:   f.Rules.Accredited,
		Files:        files,
		LocalDomains: f.LocalDomains,
		RelayDomain:  f.Relay.Domain,
	}, read)
	faults = append(faults, err)
	reader, err := marker.NewReader(f.Marker.Words, f.Marker.Others, f.Marker.Position)
	faults = append(faults, tomlfile.At("marker", err))
	if !whole {
		return nil, errors.Join(faults...)
	}
	content, err := f.content()
	faults = append(faults, err)
	policies, err := f.Policies()
	faults = append(faults, err)
	ruleset, err := rules.NewRuleset(rows, reader, f.Relay.Domain, policies)
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &message.Config{
		Rules:     ruleset,
		Mode:      f.Mode,
		Addresses: shown.Addresses{Format: f.Log.Addresses},
		Read: message.Read{
			Header:            ruleset.AsksFor(finding.Name.IsAboutMessage),
			Body:              ruleset.AsksFor(finding.Name.NeedsBody),
			Content:           content,
			VisibleRecipients: f.Content.VisibleRecipients,
			Documents:         documents.Within(f.Content.limits()),
		},
	}, nil
}

// expand returns the rule files in order, each once, even if several names and
// patterns match it. A pattern may match no file, but its directory must be readable:
// otherwise a row that withdraws trust could get lost unnoticed. A plain name must
// exist; Load finds that out when it reads the file.
func expand(patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		switch info, err := os.Stat(pattern); {
		case pattern == "":
			return nil, errors.New("rules.files: a name is empty: write one between the quotes, or delete them")
		case strings.Contains(pattern, "**"):
			return nil, fmt.Errorf(`rules.files: %q: "**" does not search directories below: write a pattern for each directory, as in "/etc/postseal/rules.d/*.toml"`, pattern)
		case err == nil && info.IsDir():
			return nil, fmt.Errorf("rules.files: %q is a directory: write %q for the files in it", pattern, filepath.Join(pattern, "*.toml"))
		case !isPattern(pattern):
			files = append(files, pattern)
			continue
		}
		matches, err := glob(pattern)
		switch {
		case errors.Is(err, filepath.ErrBadPattern):
			return nil, fmt.Errorf("rules.files: %q: %w", pattern, err)
		case err != nil:
			return nil, fmt.Errorf("rules.files: %q: %w: make the directory readable, or remove the pattern", pattern, err)
		}
		files = append(files, matches...)
	}
	return withoutTwins(files), nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, `*?[`) }

// withoutTwins removes names of the same file, such as links, except the first.
func withoutTwins(names []string) (files []string) {
	var seen []os.FileInfo
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && slices.ContainsFunc(seen, func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
			continue
		}
		if err == nil {
			seen = append(seen, info)
		}
		files = append(files, name)
	}
	return files
}
