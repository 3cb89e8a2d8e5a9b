// Package shown says how addresses stand in the log.
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

// Format says how addresses stand in the log.
type Format string

// The formats of log.addresses.
const (
	Full   Format = "full"   // as they are
	Domain Format = "domain" // the domain alone, if it can be read
	Hash   Format = "hash"   // twelve hex digits, the same for the same address and key
)

// UnmarshalText reads the name; anything else is an error.
func (f *Format) UnmarshalText(text []byte) error {
	return keyword.Word(f, text, Full, Domain, Hash)
}

// Addresses renders addresses for the log.
type Addresses struct {
	Format Format
	// Key is of Hash. Without one nothing is shown: anybody can guess the
	// address behind a bare hash.
	Key []byte
}

// Address renders an address or a login. The null sender stays empty.
func (a Addresses) Address(text string) string {
	switch {
	case text == "" || a.Format == Full:
		return text
	case a.Format == Domain:
		// Not what follows the last "@": that can be a comment or a local part.
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

// Text renders a text that may name addresses.
func (a Addresses) Text(text string) string {
	if a.Format == Full {
		return text
	}
	return inText.ReplaceAllStringFunc(text, a.Address)
}

// DomainName renders the domain of an address.
func (a Addresses) DomainName(name string) string {
	if a.Format == Domain {
		return name
	}
	return a.Address(name)
}

// Row renders the name of a row, which is a domain or an address.
func (a Addresses) Row(name string) string {
	if !strings.Contains(name, "@") {
		return name
	}
	return a.Address(name)
}

// Client renders a client, which mail need not have.
func Client(client netip.Addr) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}
