// Package tomlfile reads TOML files that people write by hand. Each error has
// the line, the column and a remedy.
package tomlfile
