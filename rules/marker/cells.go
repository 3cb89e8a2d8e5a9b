package marker

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

func countBlanks(cells []similar.Cell) int {
	if n := slices.IndexFunc(cells, func(c similar.Cell) bool { return c.Rune != ' ' }); n >= 0 {
		return n
	}
	return len(cells)
}

// indexAny returns the index of the first cell that is one of the characters,
// or -1.
func indexAny(cells []similar.Cell, chars string) int {
	return slices.IndexFunc(cells, func(c similar.Cell) bool { return strings.ContainsRune(chars, c.Rune) })
}

// wordLength returns the length of the word if the cells begin with it and no
// letter follows. Otherwise it returns 0.
func wordLength(cells []similar.Cell, word []rune) int {
	if !beginsWith(cells, word) || len(cells) > len(word) && cells[len(word)].IsLetter() {
		return 0
	}
	return len(word)
}

func beginsWith(cells []similar.Cell, word []rune) bool {
	if len(cells) < len(word) {
		return false
	}
	for i, r := range word {
		if cells[i].Rune != r {
			return false
		}
	}
	return true
}

// lastWordLength returns the length of the word if the cells end with it and no
// letter comes before it. Otherwise it returns 0.
func lastWordLength(cells []similar.Cell, word []rune) int {
	at := len(cells) - len(word)
	if at < 0 || at > 0 && cells[at-1].IsLetter() {
		return 0
	}
	return wordLength(cells[at:], word)
}

func trimBlanks(cells []similar.Cell) []similar.Cell {
	end := len(cells)
	for end > 0 && cells[end-1].Rune == ' ' {
		end--
	}
	return cells[:end]
}

// letterLength returns how many letters and digits the cells begin with.
func letterLength(cells []similar.Cell) int {
	if n := slices.IndexFunc(cells, func(c similar.Cell) bool { return !c.IsLetter() }); n >= 0 {
		return n
	}
	return len(cells)
}

// fields returns the words of the cells, but at most one more than most.
func fields(cells []similar.Cell, most int) [][]rune {
	var parts [][]rune
	for len(cells) > 0 && len(parts) <= most {
		begin := slices.IndexFunc(cells, similar.Cell.IsLetter)
		if begin < 0 {
			break
		}
		cells = cells[begin:]
		end := letterLength(cells)
		parts = append(parts, similar.Letters(cells[:end]))
		cells = cells[end:]
	}
	return parts
}
