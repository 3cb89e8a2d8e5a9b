package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/postseal/postseal/milter/mtatest"
)

// sample is one mail and its expected result: NAME.eml with NAME.toml.
type sample struct {
	Shows      string   `toml:"shows"`  // one sentence: what the mail demonstrates
	From       string   `toml:"from"`   // the envelope sender
	Marker     string   `toml:"marker"` // present, near-miss or missing
	Recipients []wanted `toml:"recipient"`

	name    string
	subject string // as its writer sees it
	message []byte // CRLF line ends
}

// wanted is the expected result for one recipient's mail.
type wanted struct {
	To       string `toml:"to"`
	Arrives  place  `toml:"arrives"`
	Subject  string `toml:"subject"`  // with which it arrives
	Released place  `toml:"released"` // where held mail goes after its release
}

// place is where a recipient's mail arrived.
type place string

const (
	direct   place = "direct"
	relay    place = "relay"
	held     place = "held"
	refused  place = "refused"
	rejected place = "rejected"

	putOff  place = "put off" // with a reply of 4xx; never expected
	nowhere place = "nowhere" // never expected
)

// loadMails reads the samples in the order of their names.
func loadMails(dir string) ([]sample, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		extension := filepath.Ext(file.Name())
		if extension != ".eml" && extension != ".toml" {
			return nil, fmt.Errorf("%s: neither .eml nor .toml: take it away", filepath.Join(dir, file.Name()))
		}
		names = append(names, strings.TrimSuffix(file.Name(), extension))
	}
	slices.Sort(names)
	var mails []sample
	for _, name := range slices.Compact(names) {
		m, err := loadMail(dir, name)
		if err != nil {
			return nil, err
		}
		mails = append(mails, m)
	}
	if len(mails) == 0 {
		return nil, fmt.Errorf("%s: no sample mails: run this in a whole checkout", dir)
	}
	return mails, nil
}

func loadMail(dir, name string) (sample, error) {
	m := sample{name: name}
	eml, err := os.ReadFile(filepath.Join(dir, name+".eml"))
	if err != nil {
		return m, fmt.Errorf("%w: every sample is a pair of .eml and .toml", err)
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(eml))
	if err != nil {
		return m, fmt.Errorf("%s.eml: %w", name, err)
	}
	m.message = mtatest.CRLF(eml)
	m.subject = shown(parsed.Header.Get("Subject"))

	file := filepath.Join(dir, name+".toml")
	text, err := os.ReadFile(file)
	if err != nil {
		return m, fmt.Errorf("%w: every sample is a pair of .eml and .toml", err)
	}
	meta, err := toml.Decode(string(text), &m)
	if err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	for _, key := range meta.Undecoded() {
		faults = append(faults, fmt.Errorf("unknown key %s", key))
	}
	if err := errors.Join(append(faults, m.check()...)...); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// check returns the errors in the expectations.
func (m sample) check() []error {
	var faults []error
	if m.Shows == "" || m.From == "" || len(m.Recipients) == 0 {
		faults = append(faults, errors.New("shows, from or [[recipient]] is missing"))
	}
	if !slices.Contains([]string{"present", "near-miss", "missing"}, m.Marker) {
		faults = append(faults, fmt.Errorf("marker %q: write present, near-miss or missing", m.Marker))
	}
	for _, r := range m.Recipients {
		end := cmp.Or(r.Released, r.Arrives)
		arrives := end == direct || end == relay
		switch {
		case !slices.Contains([]place{direct, relay, held, refused, rejected}, r.Arrives):
			faults = append(faults, fmt.Errorf("recipient %s: arrives %q: write direct, relay, held, refused or rejected", r.To, r.Arrives))
		case (r.Arrives == held) != (r.Released == direct || r.Released == relay):
			faults = append(faults, fmt.Errorf("recipient %s: released goes with arrives \"held\": write direct or relay", r.To))
		case arrives == (r.Subject == ""):
			faults = append(faults, fmt.Errorf("recipient %s: subject goes with mail that arrives, and only with that", r.To))
		}
	}
	return faults
}

// arrivals returns what is expected, in the form of what is seen.
func (r wanted) arrivals() []arrival {
	if r.Released != "" {
		return []arrival{{place: r.Arrives}, {r.Released, r.Subject}}
	}
	return []arrival{{r.Arrives, r.Subject}}
}

// shown returns a Subject as a mail program shows it (RFC 2047), or as written
// if that cannot be decoded.
func shown(subject string) string {
	var words mime.WordDecoder
	if text, err := words.DecodeHeader(subject); err == nil {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(subject)
}
