package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

const importUsage = `Usage: postseal import [-config FILE] [-accept] [-dry-run] [-json] [-v] LIST

Reads the accredited list as published, in CSV or XLSX, checks it, and replaces
the file that rules.accredited names. LIST is a file, or - for standard input. If
nothing changes, only the file's timestamp is updated.

A damaged list, or a file that is not a list, is refused. Some lists are held
until you import them with -accept: a list that adds or removes more than 20 per
cent of the domains, a list with consumer mail services or public suffixes, and a
first list of fewer than 100 domains.

The differences go to standard output, one line for each organisation. All other
messages go to standard error, with a summary in the last line.
`

// minFirstList is the least number of domains of a first list, which cannot be
// compared with an earlier one. The published list had 103 after its greatest loss of
// rows.
const minFirstList = 100

// maxChange is the greatest part of the domains, in per cent, that an import may
// add or remove without -accept. The published list changes by a few domains at a
// time. A list of the wrong rows changes far more, as did the one true update that
// removed 57 per cent: somebody must look at both.
const maxChange = 20

func importList(args []string, std stdio) int {
	c := newCommand("import", importUsage, std)
	accept := c.Bool("accept", false, "import a list that is held")
	dryRun := c.Bool("dry-run", false, "show the changes and write nothing")
	asJSON := c.Bool("json", false, "print one JSON object")
	verbose := c.Bool("v", false, "show every domain that changes")
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() != 1 {
		return c.misused("give one list after the options: a file, or - for standard input")
	}
	origin, text, err := config.Read(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	loaded, err := config.Parse(origin, text)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	if loaded.File.Rules.Accredited == "" {
		return c.failed(exitConfig, fmt.Errorf(`%s: rules.accredited is not set: add accredited = "/var/lib/postseal/accredited.csv" below [rules]`, loaded.Origin))
	}
	i := listImport{name: c.Arg(0), list: loaded.File.Rules.Accredited, accept: *accept, dryRun: *dryRun, verbose: *verbose}
	i.national, err = table.Load(table.Sources{Edition: editions.Default}, nil)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	data, err := i.readInput(std)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	if i.fresh, err = published.Read(i.name, data); err != nil {
		return c.failed(exitFailure, fmt.Errorf("%w\nthe list is refused: %s is unchanged", err, i.list))
	}
	if err := i.carryOut(); err != nil {
		return c.failed(exitFailure, err)
	}
	if err := i.show(std, *asJSON); err != nil {
		return c.failed(exitFailure, err)
	}
	if len(i.held) > 0 {
		return exitHeld
	}
	return exitDone
}

// listImport is one import and its result.
type listImport struct {
	name    string // of the new list, for messages
	list    string // the file that rules.accredited names
	accept  bool
	dryRun  bool
	verbose bool

	national *table.Table // the edition alone

	fresh     published.List
	doubtful  []string // the rows that need -accept
	changes   accredited.Changes
	first     bool     // there is no earlier list to compare it with
	held      []string // why the list is held
	unchanged bool     // the file already has the new list
	written   bool
}

// readInput reads the new list, up to one octet more than the limit.
func (i *listImport) readInput(std stdio) ([]byte, error) {
	in := std.in
	if i.name == "-" {
		i.name = "standard input"
		fmt.Fprintln(std.err, "postseal import: reading standard input")
	} else {
		file, err := os.Open(i.name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	return io.ReadAll(io.LimitReader(in, published.MaxListSize+1))
}

// carryOut compares the lists and, unless the new one is held, replaces the old
// one. If nothing changes it updates the file's time, which shows that the list
// is current.
func (i *listImport) carryOut() error {
	file, err := openListFile(i.list)
	if err != nil {
		return err
	}
	defer file.close()
	data, exists, err := file.read()
	if err != nil {
		return err
	}
	var old []accredited.Row
	var unreadable error
	if exists {
		old, unreadable = readList(i.list, data)
	}
	i.first = !exists || unreadable != nil
	i.compare(old)
	if unreadable != nil {
		i.held = append(i.held, fmt.Sprintf("the current list cannot be read, so the changes cannot be checked (%v)", unreadable))
	}
	if i.accept {
		i.held = nil
	}
	fresh := accredited.Format(i.fresh.Rows)
	i.unchanged = bytes.Equal(fresh, data)
	switch {
	case len(i.held) > 0 || i.dryRun:
		return nil
	case i.unchanged:
		return file.touch()
	}
	i.written = true
	return file.replace(fresh)
}

// readList reads the list that is in place. serve reads only what import wrote,
// but somebody may have copied the published list there, or edited the file.
func readList(name string, data []byte) ([]accredited.Row, error) {
	if list, err := accredited.Read(name, data); err == nil {
		return list.Rows, nil
	}
	list, err := published.Read(name, data)
	if err == nil && len(list.Rows) == 0 {
		err = fmt.Errorf("%s: the list has no valid row", name)
	}
	return list.Rows, err
}

// compare finds the changes, and everything that an operator must accept. A
// doubtful row that was accepted before needs no -accept again.
func (i *listImport) compare(old []accredited.Row) {
	i.doubtful = i.fresh.Accept(func(domain string) bool {
		return slices.ContainsFunc(old, func(row accredited.Row) bool { return row.Accepted && row.Domain == domain })
	})
	if i.accept {
		i.fresh.Accept(func(string) bool { return true })
	}
	i.changes = accredited.Compare(old, i.fresh.Rows)
	hold := func(format string, args ...any) { i.held = append(i.held, fmt.Sprintf(format, args...)) }
	if n := len(i.doubtful); n > 0 {
		hold("%s for a consumer mail service or a public suffix", counted(n, "row"))
	}
	i.held = append(i.held, i.fresh.Doubts...)
	for _, row := range i.changes.Added {
		if meant, found := i.national.LookAlike(row.Domain, nil, time.Now()); found && !row.Accepted {
			hold("%q is easily mistaken for %s", row.Domain, cmp.Or(meant, "a national domain"))
		}
	}
	switch {
	case i.first && len(i.fresh.Rows) < minFirstList:
		hold("a first list of %s, fewer than %d, may be incomplete", counted(len(i.fresh.Rows), "domain"), minFirstList)
	case !i.first && i.changes.Exceeds(maxChange):
		hold("%d of %d domains would be removed and %d added, more than %d per cent",
			len(i.changes.Removed), len(old), len(i.changes.Added), maxChange)
	}
}
