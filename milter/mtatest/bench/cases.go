package main

import (
	"fmt"
	"slices"
)

// testCase is one way of sending mail.
type testCase struct {
	Senders    int    `json:"senders"`    // clients that send at the same time
	Recipients int    `json:"recipients"` // of each message
	KiB        int    `json:"kib"`        // the size of a message
	Connection string `json:"connection"` // each or reused
}

// The values of testCase.Connection.
const (
	each   = "each"   // each message has a connection of its own
	reused = "reused" // each sender has one connection
)

func (c testCase) String() string {
	connection := "reused connection"
	if c.Connection == each {
		connection = "a connection each"
	}
	return fmt.Sprintf("%s, %d KiB, %s, %s", plural(c.Senders, "sender"), c.KiB, plural(c.Recipients, "recipient"), connection)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// mainCases are those of "-cases main": what a mail host does most of the time,
// and the rows in which the replies to RCPT count.
var mainCases = []testCase{
	{1, 1, 4, reused},
	{10, 1, 4, each},
	{10, 1, 4, reused},
	{10, 20, 4, each},
	{10, 20, 4, reused},
	{10, 100, 4, reused},
	{10, 1, 100, each},
	{10, 1, 100, reused},
	{10, 20, 100, reused},
	{50, 1, 4, each},
	{50, 1, 4, reused},
	{50, 20, 4, reused},
}

// quickCases are those of -quick.
var quickCases = []testCase{
	{10, 1, 4, each},
	{10, 1, 4, reused},
	{10, 20, 4, reused},
}

// matrix returns every combination of the values.
func matrix(senders, recipients, kib []int, connections []string) (cases []testCase) {
	for _, s := range senders {
		for _, k := range kib {
			for _, r := range recipients {
				for _, c := range connections {
					cases = append(cases, testCase{s, r, k, c})
				}
			}
		}
	}
	return cases
}

// among returns the cases that are in the list too, in the order of the list.
func among(list, cases []testCase) []testCase {
	return slices.DeleteFunc(slices.Clone(list), func(c testCase) bool { return !slices.Contains(cases, c) })
}
