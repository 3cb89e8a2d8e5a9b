package main

import (
	"fmt"
	"strings"
	"time"
)

// parts are what a message can have many of. Subjects are counted in octets.
var parts = []struct {
	name  string
	least int
	most  int
	mail  func(n int) mail
}{
	{"recipients, secure", 1, 1000, many(func(i int) string { return fmt.Sprintf("a%d@nhs.net", i) })},
	{"recipients, unknown", 1, 1000, many(func(i int) string { return fmt.Sprintf("a@customer%d.example", i) })},
	{"recipients, look-alikes", 1, 1000, many(func(i int) string { return fmt.Sprintf("a@x%d.nhs.nte", i) })},
	{"header fields", 10, 10_000, func(n int) mail {
		m := one()
		for i := range n {
			m.header = append(m.header, [2]string{fmt.Sprintf("X-Field-%d", i), "value"})
		}
		return m
	}},
	{"subject, plain", 1 << 10, 1 << 20, subject("clinic list ")},
	{"subject, brackets", 1 << 10, 1 << 20, subject("[")},
	{"subject, pairs of brackets", 1 << 10, 1 << 20, subject("[]")},
	{"subject, encoded words", 1 << 10, 1 << 20, subject("=?utf-8?Q?a?= ")},
	{"subject, encoded words without an end", 1 << 10, 1 << 20, subject("=?utf-8?Q?a ")},
	{"subject, confusables", 1 << 10, 1 << 20, subject("ѕесυrе ")},
	{"subject, near misses", 1 << 10, 1 << 20, subject("(secrue) [sercure ")},
}

func one() mail {
	return mail{sender: "ward@trust.example", recipients: []string{"a@nhs.net"}, header: header("a@nhs.net", "x")}
}

func many(address func(i int) string) func(n int) mail {
	return func(n int) mail {
		m := one()
		m.recipients = nil
		for i := range n {
			m.recipients = append(m.recipients, address(i))
		}
		return m
	}
}

func subject(text string) func(n int) mail {
	return func(n int) mail {
		m := one()
		n = min(n, 1<<20-100) // the greatest packet
		m.header = header("a@nhs.net", strings.Repeat(text, n/len(text)))
		return m
	}
}

// leastMessages is how many messages give a time, unless they take long.
const leastMessages = 50

// growth measures messages with more and more of one part.
func growth(r *report, f *filters, p plan) error {
	t := r.table("growth", "The time of a message for each recipient, header field, or KiB of the subject, in µs, the fastest tenth. Ratios are to a tenth as many.",
		"µs each")
	t.grows = true
	return f.with(withoutBody, 1, mails(1, 1), func(r *running, _ *load) error {
		for _, part := range parts {
			for n := part.least; n <= min(part.most, max(p.units, part.least)); n *= 10 {
				if n*10 > part.most {
					n = part.most
				}
				l, err := r.connect(1, []mail{part.mail(n)})
				if err != nil {
					return err
				}
				var took times
				for end := time.Now().Add(10 * time.Second); err == nil && len(took) < leastMessages && time.Now().Before(end); {
					var result result
					result, err = l.run(0, p.length/8)
					took = append(took, result.message...)
				}
				l.close()
				if err != nil {
					return fmt.Errorf("%d %s: %w", n, part.name, err)
				}
				units := float64(n)
				if strings.HasPrefix(part.name, "subject") {
					units /= 1 << 10
				}
				t.add(part.name, fmt.Sprint(n), map[string]float64{"µs each": microseconds(took.percentile(10)) / units})
				if n == part.most {
					break
				}
			}
		}
		return nil
	})
}
