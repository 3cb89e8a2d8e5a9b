package main

import (
	"fmt"
	"slices"
	"strings"
)

// missingFrom says which of explain's arguments is missing or too many, or "".
func missingFrom(from, to string, files []string) string {
	if i := slices.IndexFunc(files, func(f string) bool { return len(f) > 1 && f[0] == '-' }); i >= 0 {
		return fmt.Sprintf("%q stands after the file: options go before it", files[i])
	}
	var missing []string
	if from == "" {
		missing = append(missing, "-from is missing: give the envelope sender, or <> for the null sender")
	}
	if len(splitAddresses(to)) == 0 {
		missing = append(missing, "-to is missing: give the recipients, with commas between them")
	}
	switch {
	case len(files) == 0:
		missing = append(missing, "the file is missing: name a saved message, or - for standard input")
	case len(files) > 1:
		missing = append(missing, fmt.Sprintf("%q is one file too many: explain takes one", files[1]))
	}
	return strings.Join(missing, "; ")
}
