package milter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/keyword"
)

// AddressFormat says how addresses stand in the log.
type AddressFormat string

// The formats of log.addresses.
const (
	FullAddress   AddressFormat = "full"   // as they are
	DomainAddress AddressFormat = "domain" // the domain alone, if it can be read
	HashAddress   AddressFormat = "hash"   // twelve hex digits, the same for the same address and key
)

// UnmarshalText reads the name; anything else is an error.
func (f *AddressFormat) UnmarshalText(text []byte) error {
	return keyword.Word(f, text, FullAddress, DomainAddress, HashAddress)
}

// Addresses renders addresses for the log.
type Addresses struct {
	Format AddressFormat
	// Key is of HashAddress. Without one nothing is shown: anybody can guess the
	// address behind a bare hash.
	Key []byte
}

// apply renders an address or a login. The null sender stays empty.
func (a Addresses) apply(text string) string {
	switch {
	case text == "" || a.Format == FullAddress:
		return text
	case a.Format == DomainAddress:
		// Not what follows the last "@": that can be a comment or a local part.
		return address.Parse(text).Domain
	case a.Format == HashAddress && len(a.Key) > 0:
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
	if a.Format == FullAddress {
		return text
	}
	return inText.ReplaceAllStringFunc(text, a.apply)
}

// domain renders the domain of an address.
func (a Addresses) domain(name string) string {
	if a.Format == DomainAddress {
		return name
	}
	return a.apply(name)
}

// Row renders the name of a row, which is a domain or an address.
func (a Addresses) Row(name string) string {
	if !strings.Contains(name, "@") {
		return name
	}
	return a.apply(name)
}
