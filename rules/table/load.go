package table

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/replytext"
	"github.com/postseal/postseal/rules/tomlfile"
)

// ownDomains is the table of the site's own domains.
const ownDomains = "local_domains"

// Sources names the parts that a table is made from.
type Sources struct {
	Edition      string
	Accredited   string   // the accredited list's file; empty for none
	Files        []string // local rule files
	LocalDomains []string
	RelayDomain  string // empty if the site has no relay
}

// Load builds a table. It reads files only through read, and returns every
// fault that it finds, each with its file and the remedy.
func Load(s Sources, read func(name string) ([]byte, error)) (*Table, error) {
	l := loader{table: &Table{rows: make(map[string]*Row), mailboxes: make(map[address.Mailbox]*Row)}, read: read}
	for _, file := range s.Files {
		l.ruleFile(file, localLayer, read)
	}
	l.localDomains(s.LocalDomains)
	l.relayDomain(s.RelayDomain)
	l.ruleFile(editions.File(editions.Retired), retiredLayer, editions.Read)
	if s.Accredited != "" {
		l.accredited(s.Accredited)
	}
	if names := editions.Names(); slices.Contains(names, s.Edition) {
		l.ruleFile(editions.File(s.Edition), editionLayer, editions.Read)
	} else {
		l.faults = append(l.faults, tomlfile.At("rules.edition", fmt.Errorf("edition %q is not known: choose one of %s", s.Edition, strings.Join(names, ", "))))
	}
	l.table.similar = newLookAlikes(l.table)
	l.refuseWideTrust()
	return l.table, errors.Join(l.faults...)
}

type loader struct {
	table  *Table
	read   func(name string) ([]byte, error)
	faults []error
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

// ruleFile is the TOML of a rule file.
type ruleFile struct {
	Table struct {
		Name     string    `toml:"name"`
		Source   string    `toml:"source"`
		Issued   time.Time `toml:"issued"`
		ReviewBy time.Time `toml:"review_by"`
	} `toml:"table"`
	Domain []ruleRow `toml:"domain"`
}

// ruleRow is the TOML of a row. It has either Name or Address.
type ruleRow struct {
	Name       string    `toml:"name"`
	Address    string    `toml:"address"`
	Subdomains bool      `toml:"subdomains"`
	Class      *Class    `toml:"class"`
	Expires    time.Time `toml:"expires"`
	Note       string    `toml:"note"`
	Source     string    `toml:"source"`
}

func (l *loader) ruleFile(file string, in layer, read func(string) ([]byte, error)) {
	text, err := read(file)
	if err != nil {
		l.fault("%w: make the file readable or remove it from the configuration", err)
		return
	}
	var f ruleFile
	places, err := tomlfile.Decode(text, &f)
	l.decoded(file, err)
	if places == nil {
		return
	}
	if f.Table.Name == "" && err == nil {
		l.fault("%s: table.name is missing: write [table] and, below it, name = \"a name for the log\"", file)
	}
	info := &Info{
		Name: f.Table.Name, File: file, Source: f.Table.Source,
		Issued: f.Table.Issued, ReviewBy: f.Table.ReviewBy,
	}
	for i, d := range f.Domain {
		row := fmt.Sprintf("domain[%d]", i)
		where := func(keys ...string) string {
			line, column, _ := places.At(row)
			for _, key := range keys {
				if l, c, ok := places.At(row + "." + key); ok {
					line, column = l, c
				}
			}
			return fmt.Sprintf("%s: line %d, column %d: domain %d (%q)", file, line, column, i+1, cmp.Or(d.Name, d.Address))
		}
		if err != nil && (d.Class == nil || d.Name == "" && d.Address == "") {
			continue // a key may be missing because it could not be read
		}
		if d.Class == nil {
			l.fault("%s: class is missing: give one of %q", where(), classNames)
			continue
		}
		if *d.Class == Closed { // the note is part of the reply to RCPT
			if err := replytext.Check(d.Note, replytext.MaxReply); err != nil {
				l.fault("%s: note: %w", where("note"), err)
			}
		}
		line, _, _ := places.At(row)
		l.row(where("name", "address"), d, &Row{
			subdomains: d.Subdomains, Class: *d.Class, Expires: d.Expires,
			Note: d.Note, source: d.Source, number: i + 1, line: line, Table: info, layer: in,
		})
	}
}

// decoded adds the faults that were found when the file was read, with the
// file's name.
func (l *loader) decoded(file string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l.fault("%s: %w", file, e)
		}
	} else if err != nil {
		l.fault("%s: %w", file, err)
	}
}

// row sets the name of a row and adds it.
func (l *loader) row(where string, d ruleRow, row *Row) {
	if d.Address == "" {
		name, err := address.RuleName(d.Name)
		if err != nil {
			l.fault("%s: %w", where, err)
			return
		}
		row.Name = name
		l.reportTwin(where, l.table.add(row))
		return
	}
	address, err := address.RuleAddress(d.Address)
	switch {
	case d.Name != "" || d.Subdomains:
		err = errors.New("a row with address cannot also have name or subdomains: split it into two rows")
	case row.layer != localLayer:
		err = errors.New("a row with address is only allowed in a local rule file")
	}
	if err != nil {
		l.fault("%s: %w", where, err)
		return
	}
	m := address.Mailbox()
	row.Name = m.Local + "@" + m.Domain
	l.reportTwin(where, l.table.addAddress(m, row))
}

func (l *loader) reportTwin(where string, twin *Row) {
	if twin != nil {
		l.fault("%s: duplicates %s: remove one of the two rows", where, twin.where())
	}
}

// localDomains adds a row for each own domain, unless a local file has a row
// for the same name. Local files override all else.
func (l *loader) localDomains(domains []string) {
	info := &Info{Name: ownDomains, Source: "the configuration"}
	for i, domain := range domains {
		name, err := address.WholeDomain(domain)
		if err != nil {
			l.faults = append(l.faults, tomlfile.At(fmt.Sprintf("local_domains[%d]", i), fmt.Errorf("local_domains: %q: %w", domain, err)))
			continue
		}
		l.table.add(&Row{Name: name, subdomains: true, Class: Local, item: i, Table: info, layer: localLayer})
	}
}

// relayDomain adds the row that makes an already diverted recipient secure, so
// that a second pass changes nothing.
func (l *loader) relayDomain(domain string) {
	if domain == "" {
		return
	}
	fault := func(format string, args ...any) {
		l.faults = append(l.faults, tomlfile.At("relay.domain", fmt.Errorf("relay.domain %q: "+format+": write a domain that nothing else uses, such as encrypt.invalid", append([]any{domain}, args...)...)))
	}
	name, err := address.NormalizeDomain(domain)
	switch _, isIP := netip.ParseAddr(strings.Trim(domain, "[]")); {
	case isIP == nil:
		fault("this is an IP address")
		return
	case err != nil:
		fault("this is not a domain")
		return
	}
	if err := address.CheckLabels(name); err != nil {
		fault("%w", err)
		return
	}
	twin := l.table.add(&Row{
		Name: name, subdomains: true, belowOnly: true, Class: Secure,
		Note: "on its way to the encryption relay", layer: localLayer,
		Table: &Info{Name: "relay", Source: "the configuration"},
	})
	if twin != nil {
		fault("duplicates %s", twin.where())
	}
}
