package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/report"
)

const reportUsage = `Usage: postseal report [-config FILE] [-since DATE] [-until DATE] [-text | -json | -csv]
                       [-o FILE] LOG...|-

Counts what a log of serve says of a period: marked and unmarked mail, what was
sealed, held and refused, near misses, and domains that are missing from the table.
With -o, it writes one HTML page, which can be printed. No address, subject or queue
ID is shown.

Exit status: 0 success, 1 a failure, or no message in the period, 2 wrong usage,
78 faulty configuration.
`

func reportLog(args []string, std stdio) int {
	c := newCommand("report", reportUsage, std)
	var options report.Options
	date := func(name, does string, into *time.Time) {
		c.Func(name, does, func(text string) error {
			t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
			if err != nil {
				return errors.New("write the date as in 2026-11-29")
			}
			*into = t
			return nil
		})
	}
	date("since", "first `DATE` of the period; default: the first in the log", &options.Since)
	date("until", "last `DATE` of the period; default: the last in the log", &options.Until)
	asText := c.Bool("text", false, "print text; the default without -o")
	asJSON := c.Bool("json", false, "print one JSON object")
	asCSV := c.Bool("csv", false, "print the figures of the period and of each day as CSV")
	file := c.String("o", "", "write to `FILE`, as HTML unless another option says otherwise; - is standard output")
	if code, stop := c.parse(args); stop {
		return code
	}
	logs := c.Args()
	late := slices.IndexFunc(logs, func(p string) bool { return len(p) > 1 && p[0] == '-' })
	switch {
	case moreThanOne(*asText, *asJSON, *asCSV):
		return c.misused("give one of -text, -json and -csv")
	case late >= 0:
		return c.misused("%q follows a log: put options before logs, and write ./%s for a file", logs[late], logs[late])
	case len(logs) == 0:
		return c.misused("the log is missing: name its files, or - for standard input")
	case !options.Since.IsZero() && !options.Until.IsZero() && options.Until.Before(options.Since):
		return c.misused("-until is before -since")
	}
	if *c.config != "" {
		loaded, err := config.Load(*c.config)
		if err != nil {
			return c.failed(exitConfig, err)
		}
		options.Rows = loaded.Message.Rules.Table.Rows()
	}
	r, err := report.Read(options, logs, std.in)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	write := r.Text
	switch {
	case *asJSON:
		write = func(w io.Writer) error { return newEncoder(w).Encode(r) }
	case *asCSV:
		write = r.CSV
	case *file != "" && !*asText:
		write = func(w io.Writer) error { return r.Page(w, version(), time.Now()) }
	}
	if *file != "" && *file != "-" {
		err = writeWhole(*file, write)
	} else {
		out := bufio.NewWriter(std.out)
		if err = write(out); err == nil {
			err = out.Flush()
		}
	}
	if err != nil {
		return c.failed(exitFailure, err)
	}
	return exitDone
}

// writeWhole writes a file, or leaves it as it was.
func writeWhole(path string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // such as /dev/stdout
		return os.WriteFile(path, text.Bytes(), 0o644)
	}
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	defer os.Remove(temp) // does nothing after the rename
	if err := os.WriteFile(temp, text.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
