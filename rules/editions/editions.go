// Package editions holds the tables that ship with postseal.
package editions

import (
	"embed"
	"slices"
	"strings"
)

// Default is the edition that is used if the configuration names none.
const Default = "nhsmail-2022"

// Retired is the table of the retired names. No edition can make them valid
// again.
const Retired = "retired"

//go:embed *.toml
var files embed.FS

// File returns the name of a table's file, for messages and for Read.
func File(name string) string { return "editions/" + name + ".toml" }

// Read returns the text of a file.
func Read(file string) ([]byte, error) { return files.ReadFile(strings.TrimPrefix(file, "editions/")) }

// Names returns the names of the editions.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the directory is part of the program
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".toml"))
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == Retired })
}
