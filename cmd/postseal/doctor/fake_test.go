package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// fakePostfix makes a Postfix without its programs. The lines of main are as in
// main.cf; those of master are a service such as "submission/inet smtpd", or "-o
// name=value" for the service before. Macros stay as they are. tables are the rows of
// each table.
func fakePostfix(main, master string, tables map[string]map[string]string) *Postfix {
	p := &Postfix{Directory: "/etc/postfix", isDefault: true, set: make(map[string]string), tables: fakeTables(tables)}
	p.main = map[string]string{"queue_directory": "/var/spool/postfix", "myorigin": "mx.trust.example"}
	for line := range strings.Lines(main) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p.set[strings.TrimSpace(name)] = strings.TrimSpace(value)
			p.main[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for line := range strings.Lines(master) {
		line = strings.TrimSpace(line)
		if option, ok := strings.CutPrefix(line, "-o "); ok {
			s := p.services[len(p.services)-1]
			if s.set == nil {
				s.set, s.params = make(map[string]string), make(map[string]string)
				for name, value := range p.main {
					s.params[name] = value
				}
			}
			name, value, _ := strings.Cut(option, "=")
			s.set[name], s.params[name] = value, value
		} else if line != "" {
			name, command, _ := strings.Cut(line, " ")
			name, kind, _ := strings.Cut(name, "/")
			p.services = append(p.services, &Service{Name: name, Type: kind, Command: command})
		}
	}
	return p
}

type fakeTables map[string]map[string]string

func (f fakeTables) query(table string, keys []string) (map[string]string, error) {
	rows, ok := f[table]
	if !ok {
		return nil, fmt.Errorf("open %s: no such table", table)
	}
	found := make(map[string]string)
	for key, value := range rows {
		if slices.Contains(keys, key) || key == "*" {
			found[key] = value
		}
	}
	if value, ok := found["*"]; ok {
		for _, key := range keys {
			found[key] = value
		}
	}
	return found, nil
}

func (f fakeTables) list(table string) (entries []Entry, err error) {
	for key, value := range f[table] {
		entries = append(entries, Entry{key, value})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return entries, nil
}

// site makes a site whose own domain is trust.example.
func site(t *testing.T, p *Postfix, m *Sendmail) *Site {
	t.Helper()
	local := []string{"trust.example"}
	rows, err := table.Load(table.Sources{Edition: editions.Default, LocalDomains: local, RelayDomain: "encrypt.invalid"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	ruleset, err := rules.NewRuleset(rows, reader, "encrypt.invalid", rules.ShippedPolicies())
	if err != nil {
		t.Fatal(err)
	}
	return &Site{
		Rules: ruleset, Local: local, Postfix: p, Sendmail: m,
		Sockets: []string{"unix:/var/spool/postfix/postseal/postseal.sock"},
		Now:     time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC),
	}
}

// wantFound runs the checks of one family, and compares the findings: each as "id
// service: setting -> fix".
func wantFound(t *testing.T, s *Site, checks []check, want ...string) {
	t.Helper()
	var got []string
	for _, c := range checks {
		found, err := c.look(s)
		if err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
		for _, f := range found {
			if f.Effect == "" || f.Fix == "" || f.Setting == "" || f.Service == "" {
				t.Errorf("%s: not complete: %+v", c.id, f)
			}
			got = append(got, fmt.Sprintf("%s %s: %s -> %s", c.id, f.Service, f.Setting, f.Fix))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
