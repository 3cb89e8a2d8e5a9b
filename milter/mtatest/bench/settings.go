package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// settings are the flags.
type settings struct {
	cases   []testCase
	rivals  []rival
	rounds  int
	seconds float64
	quick   bool
	say     func(format string, args ...any) // shows the progress
}

func parse(args []string) (s settings, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var names []string
	for _, r := range rivals {
		names = append(names, r.name)
	}
	senders := flags.String("senders", "1,10,50", "how many clients send at the same time")
	recipients := flags.String("recipients", "1,20,100", "how many recipients each message has")
	sizes := flags.String("sizes", "4,100", "the sizes of messages, in KiB")
	connections := flags.String("connections", "each,reused", "each: a connection for each message; reused: one for each sender")
	set := flags.String("cases", "main", "main: of the combinations of these four, the twelve that say most; all: each combination")
	chosen := flags.String("rivals", strings.Join(names, ","), "which filters; the ratios are to the first")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each filter has its turn in each case")
	flags.Float64Var(&s.seconds, "seconds", 1.5, "how long a turn is")
	flags.BoolVar(&s.quick, "quick", false, "compare postseal with C filters, and fail if it is worse than its bounds; the flags above for cases and filters then have no effect")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format, args...) }
	if flags.NArg() > 0 || s.rounds < 1 || s.seconds <= 0 {
		return s, errors.New("there must be no arguments, and -rounds and -seconds must be positive")
	}
	if s.quick {
		s.cases = quickCases
		s.rivals, err = pick("c-tag,tag,c-divert,divert")
		return s, err
	}
	if s.cases, err = combine(*senders, *recipients, *sizes, *connections); err != nil {
		return s, err
	}
	switch *set {
	case "all":
	case "main":
		s.cases = among(mainCases, s.cases)
	default:
		return s, fmt.Errorf("-cases %s: write main or all", *set)
	}
	if len(s.cases) == 0 {
		return s, errors.New("none of the main cases has these values: add -cases all")
	}
	s.rivals, err = pick(*chosen)
	return s, err
}

// combine returns the cases that four flags name.
func combine(senders, recipients, sizes, connections string) ([]testCase, error) {
	var lists [3][]int
	for i, text := range []string{senders, recipients, sizes} {
		for word := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q is not a list of positive numbers", text)
			}
			lists[i] = append(lists[i], n)
		}
	}
	words := strings.Split(connections, ",")
	for _, word := range words {
		if word != each && word != reused {
			return nil, fmt.Errorf("-connections %s: write each, reused or both", connections)
		}
	}
	return matrix(lists[0], lists[1], lists[2], words), nil
}

// pick returns the rivals with the names.
func pick(names string) (picked []rival, err error) {
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(rivals, func(r rival) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-rivals: there is no %q", name)
		}
		picked = append(picked, rivals[i])
	}
	return picked, nil
}

// useTmpfs makes Postfix's queue one in memory, and reports whether it did. Postfix
// calls fsync for each message, and a disk would be slower than any filter.
func useTmpfs() (bool, error) {
	const magic = 0x01021994 // statfs(2)
	var at syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &at); err != nil || at.Type != magic {
		return false, nil
	}
	return true, os.Setenv("TMPDIR", "/dev/shm")
}
