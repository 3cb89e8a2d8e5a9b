package doctor

import (
	"fmt"

	"github.com/postseal/postseal/rules/keyword"
	"github.com/postseal/postseal/rules/tomlfile"
)

// Severity says what a setting does to mail.
type Severity uint8

// The severities, the worst first.
const (
	Leak   Severity = iota + 1 // mail that needs the marker goes out unencrypted
	Loss                       // somebody does not get the mail
	Delay                      // mail waits
	Advice                     // mail is well today
)

var severityNames = [...]string{Leak: "leak", Loss: "loss", Delay: "delay", Advice: "advice"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ID names a kind of finding.
type ID string

// UnmarshalText reads the name. Any other text is an error.
func (i *ID) UnmarshalText(text []byte) error {
	err := keyword.Word(i, text, IDs()...)
	var names []string
	for _, id := range IDs() {
		names = append(names, string(id))
	}
	if near := tomlfile.Nearest(string(text), names); err != nil && near != "" {
		return fmt.Errorf("%w: did you mean %s?", err, near)
	}
	return err
}

// Finding is a setting, or a fact about postseal, that needs attention. Its JSON
// names are never changed within a major version.
type Finding struct {
	ID       ID       `json:"id"`
	Severity Severity `json:"severity"`
	Setting  string   `json:"setting"` // as in "smtpd_milter_maps = static:DISABLE"
	Service  string   `json:"service"` // as in "submission/inet", or "main.cf", "sendmail.cf", "postseal"
	Effect   string   `json:"effect"`  // what happens to mail, in one or two sentences
	Fix      string   `json:"fix"`     // the command or line, ready to use
	Accepted bool     `json:"accepted"`
}
