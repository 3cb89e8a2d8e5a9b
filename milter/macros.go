package milter

import (
	"bytes"
	"fmt"
	"strings"
)

// macros are the macros of one command that were asked for.
type macros map[string]string

// readMacros reads what follows the command in SMFIC_MACRO: names and values in
// turn, each ended by a NUL. Macros that were not asked for use no memory.
func readMacros(payload []byte) (macros, error) {
	var m macros
	kept := 0
	for len(payload) > 0 {
		var name, value []byte
		name, payload, _ = bytes.Cut(payload, []byte{0})
		value, payload, _ = bytes.Cut(payload, []byte{0})
		if !wanted[string(name)] {
			continue
		}
		if kept += len(value); kept > maxMacros {
			return nil, fmt.Errorf("macros of more than %d octets", maxMacros)
		}
		if m == nil {
			m = make(macros)
		}
		m[string(name)] = string(value)
	}
	return m, nil
}

// wanted contains the names in wantedMacros.
var wanted = func() map[string]bool {
	names := make(map[string]bool)
	for _, m := range wantedMacros {
		for name := range strings.FieldsSeq(m.names) {
			names[name] = true
		}
	}
	return names
}()
