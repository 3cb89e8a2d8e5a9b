package rules

import "slices"

// minSlip is how many letters a word must have before a misspelling of it is
// told from another word.
const minSlip = 5

// isSlip tells whether a word was typed with one letter too few, too many or
// wrong, or with two neighbours exchanged.
func isSlip(typed, word []rune) bool {
	if len(word) < minSlip {
		return false
	}
	for len(typed) > 0 && len(word) > 0 && typed[0] == word[0] {
		typed, word = typed[1:], word[1:]
	}
	for len(typed) > 0 && len(word) > 0 && typed[len(typed)-1] == word[len(word)-1] {
		typed, word = typed[:len(typed)-1], word[:len(word)-1]
	}
	switch {
	case len(typed) == 2 && len(word) == 2:
		return typed[0] == word[1] && typed[1] == word[0]
	case len(typed) <= 1 && len(word) <= 1:
		return len(typed)+len(word) > 0
	}
	return false
}

func hasPrefix(text, prefix []rune) bool {
	return len(text) > len(prefix) && slices.Equal(text[:len(prefix)], prefix)
}
