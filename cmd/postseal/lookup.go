package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/rules"
)

const lookupUsage = `Usage: postseal lookup [-config FILE] [-json] ADDRESS|DOMAIN...

Says how each address or domain is classed, which row of which table says so,
and what the sender has to do.
`

// answer is one line of lookup -json.
type answer struct {
	Input       string      `json:"input"`
	Domain      string      `json:"domain"`
	Class       rules.Class `json:"class"`
	Row         string      `json:"row"`
	Table       string      `json:"table"`
	Source      string      `json:"source"`
	NeedsMarker bool        `json:"needs_marker"`
	Reason      string      `json:"reason"`

	unsafe bool
}

func lookup(args []string, std stdio) int {
	c := newCommand("lookup", lookupUsage, std)
	asJSON := c.Bool("json", false, "print one JSON object a line")
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() == 0 {
		return c.misused("no address and no domain")
	}
	config, err := loadConfig(*c.config)
	if err != nil {
		return c.failed(exitUsage, err)
	}
	encoder := json.NewEncoder(std.out)
	encoder.SetEscapeHTML(false)
	for _, input := range c.Args() {
		a := look(config.milter.Rules, input, time.Now())
		if *asJSON {
			err = encoder.Encode(a)
		} else {
			_, err = fmt.Fprint(std.out, a.text(config.milter.Rules.Marker.Text()))
		}
		if err != nil {
			return c.failed(exitFailure, err)
		}
	}
	return exitDone
}

// aliases is what no table can say of the site's own addresses.
const aliases = "where the MTA completes it or holds it for an alias, the mail may lead out: run postseal on the last host outwards"

// look classes an address, with or without angle brackets, or a domain.
func look(r *rules.Ruleset, input string, now time.Time) answer {
	address := rules.TrimAngles(input)
	if strings.Contains(address, ".") && !strings.Contains(address, "@") {
		address = "postmaster@" + address
	}
	got := r.Classify(address, "", now)
	a := answer{
		Input: input, Domain: got.Address.Domain, Class: got.Class, Row: got.RowName(),
		NeedsMarker: got.Class.NeedsMarker(), Reason: got.Reason(), unsafe: got.Unsafe(),
	}
	if got.Row != nil {
		a.Table, a.Source = got.Row.Table.Name, got.Row.Table.Source
	}
	switch {
	case got.Fault == rules.NoDomain:
		a.Reason = "a bare name cannot be judged: " + aliases
	case got.Class == rules.Local:
		a.Reason += "; " + aliases
	case a.unsafe && got.Address.Domain != "":
		a.Reason += "; the address is refused, since " + string(got.Fault)
	}
	return a
}

func (a answer) text(marker string) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-7s %s\n", name, value)
		}
	}
	fmt.Fprintln(&b, a.Input)
	line("class", a.Class.String())
	line("row", a.Row)
	line("table", a.Table)
	line("source", a.Source)
	line("reason", a.Reason)
	switch {
	case a.Class == rules.Closed:
		line("to do", "nothing can be sent there")
	case a.unsafe:
		line("to do", "write the address as name@domain")
	case a.NeedsMarker:
		line("to do", "put "+marker+" in the subject of personal or confidential mail")
	default:
		line("to do", "nothing")
	}
	return b.String()
}
