package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	// loadSender sends the load, which Postfix holds, and checkSender the checks.
	loadSender  = "load@trust.example"
	checkSender = "check@trust.example"
	// rows is the number of domains that every filter has in its table.
	rows = 10_000
	// listed is one of them, and gets the mail that a filter must not change.
	listed = "listed.example"
	// unlisted is not one of them, and gets the mail that a filter must change.
	unlisted = "unlisted.example"
)

// table returns the domains of the table.
func table() []string {
	domains := []string{listed}
	for i := 1; i < rows; i++ {
		domains = append(domains, fmt.Sprintf("trust-%04d.example", i))
	}
	return domains
}

// loadRecipients returns n addresses at as many domains. None is in the table, so that
// every message needs the edit.
func loadRecipients(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("clerk@clinic-%03d.example", i))
	}
	return list
}

// words make up the text. None of them is a finding.
var words = strings.Fields(`the clinic will write to you about your next visit and
	please bring this letter with you on the day parking is free at weekends if you
	cannot come call our office between nine and five so that we can offer another
	time transport meals room 14 level 2 3rd floor 09:30 Monday Tuesday 12 May`)

// unmarked is the subject of the load.
const unmarked = "Clinic list for Monday"

// mail returns a message of the given size with CRLF line ends.
func mail(subject string, kib int) []byte {
	var b bytes.Buffer
	b.WriteString("From: Ward 7 <ward@trust.example>\r\n" +
		"To: Clinic <clerk@clinic-000.example>\r\n" +
		"Subject: " + subject + "\r\n" +
		"Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n" +
		"Message-ID: <20261121090000.1@trust.example>\r\n" +
		"MIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: 7bit\r\n\r\n")
	random := rand.New(rand.NewPCG(1, 1)) // the same text in every run
	for length := 0; b.Len() < kib<<10-len("\r\n"); {
		word := words[random.IntN(len(words))]
		separator := " "
		if length += len(word) + 1; length > 72 {
			separator, length = "\r\n", 0
		}
		b.WriteString(word + separator)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
