package main

import (
	"fmt"
	"io"
	"os"

	"github.com/postseal/postseal/rules"
)

const importUsage = `Usage: postseal import [-config FILE] [-accept] [-dry-run] [-json] LIST.csv|LIST.xlsx|-

Reads the accredited list as it is published, checks it, shows what changes,
and puts it in the place of the file that rules.accredited names. A "-" stands
for standard input. A damaged list is refused. One that adds or removes more
than rules.max_change per cent of the domains (20 unless set) is held until
-accept. The differences go to standard output, all else to standard error.
`

func importList(args []string, std stdio) int {
	c := newCommand("import", importUsage, std)
	accept := c.Bool("accept", false, "put the list in place however much it changes")
	dryRun := c.Bool("dry-run", false, "show what changes and write nothing")
	asJSON := c.Bool("json", false, "print one JSON object")
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() != 1 {
		return c.misused("give one list after the options: a file, or - for standard input")
	}
	origin, text, err := readConfigFile(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	config, err := parseConfig(origin, text)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	if config.file.Rules.Accredited == "" {
		return c.failed(exitConfig, fmt.Errorf(`%s: rules.accredited names no file for the list: add accredited = "/var/lib/postseal/accredited.csv" below [rules]`, config.origin))
	}
	i := listImport{name: c.Arg(0), list: config.file.Rules.Accredited, maxChange: config.file.Rules.MaxChange, accept: *accept, dryRun: *dryRun}
	data, err := i.readInput(std)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	if i.fresh, i.leftOut, err = rules.ReadAccredited(i.name, data); err != nil {
		return c.failed(exitFailure, fmt.Errorf("%w\nthe list is refused: %s stays as it is", err, i.list))
	}
	if err := i.carryOut(); err != nil {
		return c.failed(exitFailure, err)
	}
	if err := i.show(std, *asJSON); err != nil {
		return c.failed(exitFailure, err)
	}
	if i.held != "" {
		return exitHeld
	}
	return exitDone
}

// listImport is one import, and what became of it.
type listImport struct {
	name      string // of the new list, for messages
	list      string // the file that rules.accredited names
	maxChange int
	accept    bool
	dryRun    bool

	fresh   []rules.AccreditedRow
	leftOut []string // what is said of rows without a domain name
	changes rules.AccreditedChanges
	held    string // why the list was not put in place; empty where nothing speaks against it
	written bool
}

// readInput reads the new list whole, or as much of it as shows that it is
// too large.
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
	return io.ReadAll(io.LimitReader(in, rules.MaxListSize+1))
}

// carryOut compares the lists and puts the new one in place, unless it is to
// be held. A list without changes counts as imported: the file's time says so.
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
	var old []rules.AccreditedRow
	var unreadable error
	if exists {
		old, _, unreadable = rules.ReadAccredited(i.list, data)
	}
	i.changes = rules.CompareAccredited(old, i.fresh)
	switch {
	case i.accept || !exists:
	case unreadable != nil:
		i.held = fmt.Sprintf("the list in place cannot be read, so that nobody knows what changes: %v", unreadable)
	case i.changes.Exceeds(i.maxChange):
		i.held = fmt.Sprintf("of %d domains %d would go and %d be added, more than rules.max_change = %d per cent",
			len(old), len(i.changes.Removed), len(i.changes.Added), i.maxChange)
	}
	switch {
	case i.held != "" || i.dryRun:
		return nil
	case i.changes.None():
		return file.touch()
	}
	i.written = true
	return file.replace(rules.FormatAccredited(i.fresh))
}
