// Package tomlfile reads TOML files that people write by hand: what is wrong
// is said with its line, its column and a remedy.
package tomlfile
