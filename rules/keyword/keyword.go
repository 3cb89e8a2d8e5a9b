// Package keyword reads the words with which configuration, log and JSON name
// the values of a type.
package keyword

import (
	"fmt"
	"slices"
)

// Number sets the value to the index of the text among the words. Any other
// text is an error.
func Number[T ~uint8](value *T, text []byte, words []string) error {
	i := slices.Index(words, string(text))
	if i < 0 {
		return unknown(text, words)
	}
	*value = T(i)
	return nil
}

// Word sets the value to the text if it is one of the words. Any other text is
// an error.
func Word[T ~string](value *T, text []byte, words ...T) error {
	if !slices.Contains(words, T(text)) {
		return unknown(text, words)
	}
	*value = T(text)
	return nil
}

func unknown[T ~string](text []byte, words []T) error {
	return fmt.Errorf("%q is not one of %q", text, words)
}
