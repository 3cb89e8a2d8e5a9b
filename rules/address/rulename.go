package address

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// RuleName normalises a row's name. Its errors say what to write instead of
// what people write, such as the "*. nhs.uk" of the guidance of November 2019.
func RuleName(text string) (string, error) {
	name, err := NormalizeDomain(text)
	if _, ipErr := netip.ParseAddr(strings.Trim(strings.TrimSpace(text), "[].")); ipErr == nil {
		return "", errors.New("this is an IP address: write a domain")
	}
	if err == nil {
		return name, CheckLabels(name)
	}
	meant, meantErr := NormalizeDomain(withoutStrays(text))
	host, isURL := hostOf(text)
	switch several := severalNames(text); {
	case text == "":
		return "", errors.New("name is missing: write name = \"a domain\" or address = \"an address\"")
	case several != nil:
		return "", fmt.Errorf("%d domains in one string: write a row for each of them", len(several))
	case isURL:
		return "", fmt.Errorf("this is the address of a web page: write the domain alone, %q", host)
	case strings.Contains(text, "@"):
		return "", errors.New("a name must be a domain: for an address, use address = \"…\"")
	case meantErr != nil:
		return "", err
	case strings.HasPrefix(strings.TrimSpace(text), "*") || strings.HasPrefix(text, "."):
		return "", fmt.Errorf("a name cannot have a wildcard or a blank: write %q, and subdomains = true", meant)
	}
	return "", fmt.Errorf("%w: write %q", err, meant)
}

// WholeDomain normalises a domain that includes everything below it, as in
// local_domains.
func WholeDomain(text string) (string, error) {
	if several := severalNames(text); several != nil {
		return "", fmt.Errorf(`%d domains in one string: put each in quotes, "%s"`, len(several), strings.Join(several, `", "`))
	}
	if text == "" {
		return "", errors.New("a domain is missing: write one between the quotes, or delete them")
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if domain, err := NormalizeDomain(withoutStrays(text[at+1:])); err == nil {
			return "", fmt.Errorf("this is an address: write the domain alone, %q", domain)
		}
	}
	stripped := strings.TrimSpace(text)
	if strings.HasPrefix(stripped, "*") || strings.HasPrefix(stripped, ".") {
		if domain, err := NormalizeDomain(withoutStrays(text)); err == nil {
			return "", fmt.Errorf("a domain covers every name below it: write %q, without a wildcard", domain)
		}
	}
	return RuleName(text)
}

// severalNames returns the domains of a text that lists two or more of them and
// nothing else, or nil.
func severalNames(text string) (names []string) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;|", r) }) {
		name, err := NormalizeDomain(withoutStrays(word))
		if err != nil || !strings.Contains(name, ".") {
			return nil
		}
		names = append(names, name)
	}
	if len(names) < 2 {
		return nil
	}
	return names
}

// hostOf returns the domain of a web address such as https://trust.example/.
func hostOf(text string) (host string, ok bool) {
	_, rest, isURL := strings.Cut(text, "//")
	if !isURL {
		rest = text
	}
	rest, _, hasPath := strings.Cut(rest, "/")
	rest, _, hasPort := strings.Cut(rest, ":")
	host, err := NormalizeDomain(strings.TrimSpace(rest))
	return strings.TrimPrefix(host, "www."), err == nil && (isURL || hasPath || hasPort)
}

// withoutStrays removes characters that are copied along with a name from a
// page.
func withoutStrays(text string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`*"'“”‘’<>(),;`, r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimLeft(name, ".")
}

// RuleAddress normalises a row's address.
func RuleAddress(text string) (Address, error) {
	a := Parse(text)
	if strings.Contains(a.Local, "*") {
		return a, fmt.Errorf("an address cannot have a wildcard: for all addresses of a domain, write the domain alone, %q", a.Domain)
	}
	if inner := innerAddress(text); a.Fault != "" && inner != "" {
		return a, fmt.Errorf("write the address alone, %q", inner)
	}
	if a.Fault != "" {
		return a, fmt.Errorf("the address cannot be read because %s: write it as name@domain", a.Fault)
	}
	return a, CheckLabels(a.Domain)
}

// innerAddress returns the text in angle brackets, or after "mailto:", if that
// is an address. Otherwise it returns "".
func innerAddress(text string) string {
	inner := strings.TrimPrefix(strings.TrimSpace(text), "mailto:")
	if _, rest, ok := strings.Cut(inner, "<"); ok {
		inner, _, _ = strings.Cut(rest, ">")
	}
	if inner == text || Parse(inner).Fault != "" {
		return ""
	}
	return inner
}

// CheckLabels refuses A-labels that do not decode, and labels with letters that
// only look like those of another name.
func CheckLabels(name string) error {
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

// mixedScripts names the scripts of a label with letters of several scripts
// that are easily confused. It returns "" for any other label.
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
