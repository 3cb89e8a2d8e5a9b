package doctor

import (
	"fmt"
	"regexp"
	"strings"
)

// mapUse is a list of maps, and what happens to mail if a result is an outside
// address.
type mapUse struct {
	service *Service
	name    string // the parameter
	maps    string
	effect  string
	aliases bool // in the format of aliases(5)
}

// maxOutside is after how many outside results the rows of a table are not looked at.
// Each can take a program.
const maxOutside = 100

// rows returns a finding for each map of a list that has results outside. addresses
// returns those of a result.
func (s *Site) rows(use mapUse, addresses func(Entry) ([]string, error)) (found []Finding, err error) {
	p := s.Postfix
	for _, table := range splitList(use.maps) {
		entries, complete, err := p.Entries(table)
		if err != nil {
			return found, err
		}
		var outside []string
		for _, e := range entries {
			if len(outside) == maxOutside {
				break
			}
			results, err := addresses(e)
			if err != nil {
				return found, err
			}
			for _, address := range results {
				if address == "@" { // postalias(1) adds this row
					continue
				}
				out, clear, err := s.outsideResult(table, e.Key, address)
				if err != nil {
					return found, err
				}
				complete = complete && clear
				if out && clear {
					outside = append(outside, e.Key+" "+e.Value)
					break
				}
			}
		}
		where, setting := p.Setting(use.service, use.name)
		f := Finding{Service: where, Setting: setting, Effect: use.effect}
		if len(outside) > 0 {
			f.Setting += ": " + outside[0]
			switch more := len(outside) - 1; {
			case len(outside) == maxOutside:
				f.Setting += fmt.Sprintf(", and at least %d more", more)
			case more > 0:
				f.Setting += fmt.Sprintf(", and %d more", more)
			}
			f.Fix = p.fixRows("remove the row, or name an address of your own, in ", use, where, table)
			found = append(found, f)
		}
		if !complete {
			f.Severity, f.Setting = Advice, setting
			f.Effect = "Not all results of " + table + " can be listed. Mail goes unencrypted to each outside address among them."
			f.Fix = "make sure that " + table + " returns only addresses of your own"
			found = append(found, f)
		}
	}
	return found, nil
}

// fixRows says how to change rows of a table. change begins the instruction.
func (p *Postfix) fixRows(change string, use mapUse, where, table string) string {
	table = strings.TrimPrefix(table, "proxy:")
	kind, name, _ := strings.Cut(table, ":")
	switch {
	case strings.HasPrefix(name, "{") || kind == "static" || kind == "inline":
		if where != "main.cf" {
			where = "master.cf, service " + where
		}
		return change + use.name + " of " + where + ", then run " + p.reload()
	case indexed[kind] && use.aliases:
		return change + name + ", then run " + p.command("postalias", table)
	case indexed[kind]:
		return change + name + ", then run " + p.command("postmap", table)
	}
	return change + name + ", then run " + p.reload()
}

// indexed are the types of table that postmap(1) writes.
var indexed = map[string]bool{"hash": true, "btree": true, "lmdb": true, "cdb": true, "dbm": true, "sdbm": true}

// substitution is the text of a group, in the result of a pattern.
var substitution = regexp.MustCompile(`\$(\d|\{\d+\}|\(\d+\))`)

// outsideResult reports whether a result of a row is outside. clear is false if this
// depends on the key.
func (s *Site) outsideResult(table, key, result string) (outside, clear bool, err error) {
	if strings.HasPrefix(result, "@") {
		result = "x" + result
	}
	at := strings.LastIndexByte(result, '@')
	if !substitution.MatchString(result[at+1:]) {
		outside, err = s.leaves(substitution.ReplaceAllString(result, "x"))
		return outside, true, err
	}
	for _, sample := range samples(key) {
		value, found, err := s.Postfix.Lookup(table, sample)
		if err != nil {
			return false, false, err
		}
		if found {
			outside, err = s.leaves(value)
			return outside && value != sample, true, err
		}
	}
	return false, false, nil
}

// wildcard is a part of a pattern that matches the text "x".
var wildcard = regexp.MustCompile(`(\[\^@\]|\[\^@ \]|\\S|\\w|\.)[*+]`)

// samples returns addresses that a simple pattern may match.
func samples(pattern string) []string {
	text := pattern
	if pattern != "" && !isWord(pattern[0]) && strings.Count(pattern, pattern[:1]) > 1 {
		text = pattern[1:strings.LastIndexByte(pattern, pattern[0])]
	}
	text = wildcard.ReplaceAllString(text, "x")
	text = strings.NewReplacer("?:", "", "(", "", ")", "", "^", "", "$", "", `\.`, ".", `\@`, "@").Replace(text)
	if strings.ContainsAny(text, `\[]{}*+?|`) {
		return nil
	}
	switch at := strings.IndexByte(text, '@'); {
	case at > 0 && at == len(text)-1:
		return []string{text + "example.org"}
	case at > 0:
		return []string{text}
	case at == 0:
		return []string{"x" + text}
	case strings.HasPrefix(text, "."):
		return []string{"x@example.org" + text}
	case strings.Contains(text, "."):
		return []string{"x@" + text}
	}
	return []string{text + "@example.org"}
}

func oneAddress(e Entry) ([]string, error) { return []string{e.Value}, nil }

// leaves reports whether an address is outside, and Postfix does not deliver its mail
// itself. local-domains reports a domain that Postfix delivers and that is outside.
func (s *Site) leaves(address string) (bool, error) {
	if !s.outside(address) {
		return false, nil
	}
	p := s.Postfix
	domain := p.Param(nil, "myorigin")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		domain = strings.ToLower(address[at+1:])
	}
	in, err := p.inDomains(p.Param(nil, "mydestination"), domain)
	if !in && err == nil {
		in, err = p.inDomains(p.Param(nil, "virtual_mailbox_domains"), domain)
	}
	return !in, err
}
