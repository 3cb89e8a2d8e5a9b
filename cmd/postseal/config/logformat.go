package config

import "github.com/postseal/postseal/rules/keyword"

// LogFormat is the value of log.format.
type LogFormat string

const (
	AutoFormat LogFormat = "auto" // colour on a terminal, JSON elsewhere
	JSONFormat LogFormat = "json"
	TextFormat LogFormat = "text"
)

// UnmarshalText reads the name; anything else is an error.
func (f *LogFormat) UnmarshalText(text []byte) error {
	return keyword.Word(f, text, AutoFormat, JSONFormat, TextFormat)
}
