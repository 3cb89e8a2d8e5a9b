package queue

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	// An entry begins with the queue ID. All other lines of an entry are indented.
	entryLine = regexp.MustCompile(`^([0-9A-Za-x]{8})\d{5,}(.*)`)
	totalLine = regexp.MustCompile(`^\s+Total requests: (\d+)`)
)

// readSendmail reads the output of "sendmail -bp". Each entry counts. The last line
// has the number of entries.
func readSendmail(r io.Reader, now time.Time) (w Waiting, err error) {
	entries, total := 0, -1
	for in := bufio.NewReader(r); ; {
		line, isPrefix, err := in.ReadLine()
		if err == io.EOF {
			break
		}
		start := string(line) // the rest of a long line does not matter
		for isPrefix && err == nil {
			_, isPrefix, err = in.ReadLine()
		}
		if err != nil {
			return Waiting{}, noEOF(err)
		}
		if m := totalLine.FindStringSubmatch(start); m != nil {
			total, err = strconv.Atoi(m[1])
			if err != nil {
				return Waiting{}, errors.New("the total is not a number")
			}
		}
		m := entryLine.FindStringSubmatch(start)
		if m == nil {
			continue
		}
		entries++
		if strings.TrimSpace(m[2]) == "(job completed)" {
			continue // delivered meanwhile
		}
		queued, ok := timeOf(m[1])
		if !ok {
			return Waiting{}, errors.New("a queue ID without a time")
		}
		w.add(max(0, now.Sub(queued)))
	}
	switch {
	case total < 0:
		return Waiting{}, errors.New("the output does not end with a total")
	case total != entries:
		return Waiting{}, fmt.Errorf("%d entries of %d can be read", entries, total)
	}
	return w, nil
}

// digits are those of Sendmail's queue IDs.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"

// timeOf returns the time in a queue ID: year, month, day, hour, minute and second
// in UTC, with one digit each. The time that the list shows has no year and no
// zone.
func timeOf(id string) (time.Time, bool) {
	var n [6]int
	for i := range n {
		n[i] = strings.IndexByte(digits, id[i])
	}
	t := time.Date(2000+(n[0]+20)%60, time.Month(n[1]+1), n[2], n[3], n[4], n[5], 0, time.UTC)
	isDate := n[1] < 12 && t.Day() == n[2] && n[3] < 24
	return t, isDate
}
