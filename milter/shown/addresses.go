// Package shown decides how addresses appear in the log.
package shown

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/keyword"
)

// Format says how addresses appear in the log.
type Format string

// The formats of log.addresses.
const (
	Full   Format = "full"   // as they are
	Domain Format = "domain" // only the domain, if it can be read
	Hash   Format = "hash"   // twelve hex digits, the same for the same address and key
)

// UnmarshalText reads the name. Any other text is an error.
func (f *Format) UnmarshalText(text []byte) error {
	return keyword.Word(f, text, Full, Domain, Hash)
}

// Addresses formats addresses for the log.
type Addresses struct {
	Format Format
	// Key is for Hash. Without it nothing is shown, because anybody can guess
	// the address behind an unkeyed hash.
	Key []byte
}

// Address returns an address or a login as the log shows it. The null sender
// stays empty.
func (a Addresses) Address(text string) string {
	switch {
	case text == "" || a.Format == Full:
		return text
	case a.Format == Domain:
		// The text after the last "@" is not shown, because it can be a comment
		// or a local part.
		return address.Parse(text).Domain
	case a.Format == Hash && len(a.Key) > 0:
		hash := hmac.New(sha256.New, a.Key)
		hash.Write([]byte(strings.ToLower(text)))
		return hex.EncodeToString(hash.Sum(nil)[:6])
	}
	return ""
}

// inText matches an address in the text of an error or a note.
var inText = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+`)

// Text returns a text that may contain addresses as the log shows it.
func (a Addresses) Text(text string) string {
	if a.Format == Full {
		return text
	}
	return inText.ReplaceAllStringFunc(text, a.Address)
}

// DomainName returns the domain of an address as the log shows it.
func (a Addresses) DomainName(name string) string {
	if a.Format == Domain {
		return name
	}
	return a.Address(name)
}

// Row returns the name of a row, a domain or an address, as the log shows it.
func (a Addresses) Row(name string) string {
	if !strings.Contains(name, "@") {
		return name
	}
	return a.Address(name)
}

// Client returns the address of a client. Mail may have none.
func Client(client netip.Addr) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}
