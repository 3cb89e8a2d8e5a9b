package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// ruleName normalises a row's name and names the remedy for what people
// write, such as the "*. nhs.uk" of the guidance of November 2019.
func ruleName(text string) (string, error) {
	name, err := NormalizeDomain(text)
	if err == nil {
		return name, checkLabels(name)
	}
	meant, meantErr := NormalizeDomain(withoutStrays(text))
	switch {
	case text == "":
		return "", errors.New("name is missing")
	case strings.Contains(text, "@"):
		return "", errors.New("a name is a domain: write an address under the key address")
	case meantErr != nil:
		return "", err
	case strings.HasPrefix(strings.TrimSpace(text), "*") || strings.HasPrefix(text, "."):
		return "", fmt.Errorf("a name takes no wildcard and no blank: write %q, and subdomains = true", meant)
	}
	return "", fmt.Errorf("%w: write %q", err, meant)
}

// ownDomain normalises a domain of local_domains, which takes everything below
// it along.
func ownDomain(text string) (string, error) {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if domain, err := NormalizeDomain(withoutStrays(text[at+1:])); err == nil {
			return "", fmt.Errorf("this is an address: write the domain alone, %q", domain)
		}
	}
	stripped := strings.TrimSpace(text)
	if strings.HasPrefix(stripped, "*") || strings.HasPrefix(stripped, ".") {
		if domain, err := NormalizeDomain(withoutStrays(text)); err == nil {
			return "", fmt.Errorf("a domain takes everything below it along: write %q, without a wildcard", domain)
		}
	}
	return ruleName(text)
}

// withoutStrays leaves out what comes along when a name is copied from a page.
func withoutStrays(text string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`*"'“”‘’<>(),;`, r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimLeft(name, ".")
}

// ruleAddress normalises a row's address.
func ruleAddress(text string) (Address, error) {
	a := ParseAddress(text)
	if a.Fault != "" {
		return a, fmt.Errorf("the address cannot be read, since %s: write it as name@domain", a.Fault)
	}
	return a, checkLabels(a.Domain)
}

// checkLabels refuses A-labels that do not decode, and labels whose letters
// only look like those of another name.
func checkLabels(name string) error {
	for label := range strings.SplitSeq(name, ".") {
		if !strings.HasPrefix(label, "xn--") {
			continue
		}
		text, err := idna.Lookup.ToUnicode(label)
		if err != nil {
			return fmt.Errorf("%q is not a valid internationalised name: write the name in its own script", label)
		}
		if scripts := mixedScripts(text); scripts != "" {
			return fmt.Errorf("%q mixes %s letters: write the name in one script", text, scripts)
		}
	}
	return nil
}

// mixedScripts names the scripts of a label that holds letters of more than
// one of those that are taken for each other, or is empty.
func mixedScripts(label string) string {
	var found []string
	for _, script := range []struct {
		name   string
		letter *unicode.RangeTable
	}{{"Latin", unicode.Latin}, {"Greek", unicode.Greek}, {"Cyrillic", unicode.Cyrillic}} {
		if strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(script.letter, r) }) {
			found = append(found, script.name)
		}
	}
	if len(found) < 2 {
		return ""
	}
	return strings.Join(found, " and ")
}
