package maillog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/table"
)

// readAll returns the entries of a log.
func readAll(t testing.TB, log io.Reader) (entries []*Entry, left LeftOut) {
	t.Helper()
	r, err := NewReader(log)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, r.LeftOut
		}
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
}

const lineTime = "2026-11-29T09:00:00.123456789Z"

// TestReaderReadsEveryEvent writes each event, and reads it back from each form in
// which its line is stored.
func TestReaderReadsEveryEvent(t *testing.T) {
	quoted := func(line string) string { text, _ := json.Marshal(line); return string(text) }
	for name, form := range map[string]func(line string) string{
		"as written":       func(line string) string { return line },
		"CR LF":            func(line string) string { return line + "\r" },
		"journalctl":       func(line string) string { return "Nov 29 09:00:00 mx postseal[123]: " + line },
		"journalctl, unit": func(line string) string { return "Nov 29 09:00:00 mx postseal.service[123]: " + line },
		"short-full":       func(line string) string { return "Sun 2026-11-29 09:00:00 GMT mx postseal[123]: " + line },
		"short-monotonic":  func(line string) string { return "[ 1234.567890] mx postseal[123]: " + line },
		"rsyslog":          func(line string) string { return "2026-11-29T09:00:00.123456+00:00 mx postseal[123]:  " + line },
		"RFC 5424":         func(line string) string { return "<22>1 2026-11-29T09:00:00Z mx postseal 123 - - " + line },
		"journalctl -o json": func(line string) string {
			return `{"_PID":"1","SYSLOG_IDENTIFIER":"postseal","MESSAGE":` + quoted(line) + `,"x":[1,{"y":null}]}`
		},
		"Docker": func(line string) string {
			return `{"log":` + quoted(line+"\n") + `,"stream":"stderr","time":"2026-11-29T09:00:00Z"}`
		},
		"Kubernetes":          func(line string) string { return "2026-11-29T09:00:00.1Z stderr F " + line },
		"other order of keys": func(line string) string { rest, time := cutTime(line); return "{" + rest + "," + time + "}" },
		"new keys":            func(line string) string { return `{"new":[{"a":-1.5e3}],"old":null,"text":"\"}",` + line[1:] },
		"blanks":              func(line string) string { return strings.NewReplacer(`":`, `" : `, `,"`, " ,\t\"").Replace(line) },
	} {
		for _, e := range events {
			if _, ok := e.(DecisionRecipients); ok {
				continue
			}
			line := strings.TrimSuffix(writtenLine(e), "\n")
			entries, left := readAll(t, strings.NewReader(form(line)+"\n"))
			if len(entries) != 1 || left != (LeftOut{}) {
				t.Errorf("%s: %T: %d entries, left out %+v, of %s", name, e, len(entries), left, form(line))
				continue
			}
			got := entries[0]
			if event := reflect.ValueOf(got.Event).Elem().Interface(); !reflect.DeepEqual(event, e) || got.Time.Format(time.RFC3339Nano) != lineTime || got.Line != 1 || got.Incomplete {
				t.Errorf("%s: got %+v of %+v\nwant %+v", name, event, got, e)
			}
		}
	}
}

// cutTime returns the keys of a line without the time, and the time.
func cutTime(line string) (rest, time string) {
	time, rest, _ = strings.Cut(strings.TrimPrefix(line, "{"), ",")
	return strings.TrimSuffix(rest, "}"), time
}

func TestReaderCountsWhatItLeavesOut(t *testing.T) {
	decision := strings.TrimSuffix(writtenLine(events[0]), "\n")
	for _, test := range []struct {
		line string
		want LeftOut
	}{
		{"Nov 29 09:00:00 mx postfix/smtpd[1]: connect from unknown", LeftOut{Others: 1}},
		{"Nov 29 09:00:00 mx postfix/cleanup[1]: warning: header Subject: " + decision, LeftOut{Others: 1}},
		{"Nov 29 09:00:00 mx postfix/cleanup[1]: warning: header Subject: postseal[1]: " + decision, LeftOut{Others: 1}},
		{"<22>1 2026-11-29T09:00:00Z mx postfix 123 - - " + decision, LeftOut{Others: 1}},
		{"postfix " + decision, LeftOut{Others: 1}},
		{`{"SYSLOG_IDENTIFIER":"other","MESSAGE":"` + strings.ReplaceAll(decision, `"`, `\"`) + `"}`, LeftOut{Others: 1}},
		{"postseal: /etc/postseal/postseal.toml:3: unknown key x", LeftOut{Others: 1}},
		{`{"level":"info","ts":1,"msg":7}`, LeftOut{Others: 1}},
		{"{", LeftOut{Others: 1}},
		{"{}", LeftOut{Others: 1}},
		{strings.Repeat("x", 1<<20) + decision, LeftOut{Others: 1}},
		{decision[:20], LeftOut{Cut: 1}},
		{decision[:300], LeftOut{Cut: 1}},
		{decision[:len(decision)-1], LeftOut{Cut: 1}},
		{decision + "}", LeftOut{Cut: 1}},
		{"Nov 29 09:00:00 mx postseal[123]: " + decision[:300], LeftOut{Cut: 1}},
		{strings.Replace(decision, `"msg":"decision"`, `"msg":"decided"`, 1), LeftOut{Unknown: 1}},
		{strings.Replace(decision, `"action":"divert"`, `"action":"burn"`, 1), LeftOut{Unknown: 1}},
		{strings.Replace(decision, `"took_us":412`, `"took_us":"412"`, 1), LeftOut{Unknown: 1}},
		{strings.Replace(decision, lineTime, "yesterday", 1), LeftOut{Unknown: 1}},
		{writtenLine(events[1]), LeftOut{Recipients: 1}},
		{"", LeftOut{}},
	} {
		// The lines around it are read.
		entries, left := readAll(t, strings.NewReader(decision+"\n"+test.line+"\n"+decision))
		if len(entries) != 2 || left != test.want {
			t.Errorf("%.200s: %d entries, left out %+v, want %+v", test.line, len(entries), left, test.want)
		}
	}
	// A key that a version does not have.
	for _, key := range []string{"by_class", "findings", "queue_id", "reason", "recipient_count"} {
		entries, left := readAll(t, strings.NewReader(strings.Replace(decision, `"`+key+`":`, `"other":`, 1)))
		if len(entries) != 1 || left != (LeftOut{}) {
			t.Errorf("without %s: %d entries, %+v", key, len(entries), left)
		}
	}
}

// manyRecipients returns the lines of a decision with n recipients.
func manyRecipients(queueID string, n int) []string {
	d := rules.Decision{}
	for i := range n {
		d.Outcomes = append(d.Outcomes, rules.Outcome{Recipient: rules.Recipient{Text: fmt.Sprintf("%s-%d@gmail.com", queueID, i), Class: table.Unknown}, Action: rules.Tag})
	}
	var log bytes.Buffer
	m := message.New(&message.Config{Addresses: shown.Addresses{Format: shown.Full}}, message.Envelope{})
	WriteDecision(boundedLog(&log), m, queueID, message.Verdict{Decision: d}, 0)
	return strings.SplitAfter(strings.TrimSuffix(log.String(), "\n"), "\n")
}

// TestReaderJoinsRecipients reads the lines of two messages, with one after the
// other and in turn, and with lines missing.
func TestReaderJoinsRecipients(t *testing.T) {
	a, b := manyRecipients("A", 300), manyRecipients("B", 200)
	if len(a) < 4 || len(b) < 3 {
		t.Fatalf("%d and %d lines", len(a), len(b))
	}
	for i := range b {
		b[i] = strings.TrimSuffix(b[i], "\n") + "\n"
	}
	for i := range a {
		a[i] = strings.TrimSuffix(a[i], "\n") + "\n"
	}
	var turn []string
	for i := range a {
		turn = append(turn, a[i])
		if i < len(b) {
			turn = append(turn, b[i])
		}
	}
	for _, test := range []struct {
		name, log string
		want      string
		left      LeftOut
	}{
		{"one after the other", strings.Join(a, "") + strings.Join(b, ""), "A 300, B 200", LeftOut{}},
		{"in turn", strings.Join(turn, ""), "B 200, A 300", LeftOut{}},
		{"the end is missing", strings.Join(a[:len(a)-1], "") + strings.Join(b, ""), "B 200, A incomplete", LeftOut{}},
		{"the start is missing", a[1] + strings.Join(b, ""), "B 200", LeftOut{Recipients: 1}},
		{"the same ID again", a[0] + strings.Join(a, ""), "A incomplete, A 300", LeftOut{}},
	} {
		entries, left := readAll(t, strings.NewReader(test.log))
		var got []string
		for _, e := range entries {
			d := e.Event.(*Decision)
			n := fmt.Sprint(d.QueueID, " ", len(d.Recipients))
			if e.Incomplete {
				n = d.QueueID + " incomplete"
			} else if last := d.Recipients[len(d.Recipients)-1].Address; last != fmt.Sprintf("%s-%d@gmail.com", d.QueueID, d.RecipientCount-1) {
				t.Errorf("%s: the last is %s", test.name, last)
			}
			got = append(got, n)
		}
		if strings.Join(got, ", ") != test.want || left != test.left {
			t.Errorf("%s: got %q, %+v", test.name, got, left)
		}
	}
	// Decisions whose recipients never come.
	var log strings.Builder
	for i := range 3 * maxPending {
		log.WriteString(strings.ReplaceAll(a[0], `"queue_id":"A"`, fmt.Sprintf(`"queue_id":"%d"`, i)))
	}
	r, err := NewReader(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxPending {
		e, err := r.Next()
		if err != nil || e.Event.(*Decision).QueueID != fmt.Sprint(i) || !e.Incomplete || len(r.pending) > maxPending {
			t.Fatalf("%d: %v, %+v, %d pending", i, err, e, len(r.pending))
		}
	}
}

func TestReaderUnpacks(t *testing.T) {
	var packed bytes.Buffer
	for range 2 { // as logrotate and cat put files together
		w := gzip.NewWriter(&packed)
		w.Write([]byte(writtenLine(events[0])))
		w.Close()
	}
	if entries, left := readAll(t, &packed); len(entries) != 2 || left != (LeftOut{}) {
		t.Errorf("%d entries, %+v", len(entries), left)
	}
	packed.Reset()
	w := gzip.NewWriter(&packed)
	for range 1000 {
		w.Write([]byte(writtenLine(events[0])))
	}
	w.Close()
	r, err := NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-20]))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = r.Next(); err == nil; _, err = r.Next() {
		n++
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 {
		t.Errorf("cut off: %d entries, %v", n, err)
	}
	for _, magic := range []string{"\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "BZh91"} {
		if _, err := NewReader(strings.NewReader(magic)); err == nil || !strings.HasPrefix(err.Error(), "it is compressed with ") {
			t.Errorf("%q: %v", magic, err)
		}
	}
}

// FuzzReader reads any text, and compares what it reads of a decision with
// encoding/json.
func FuzzReader(f *testing.F) {
	examples, err := os.ReadFile("../../contrib/log/examples.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(examples)) {
		f.Add([]byte(line))
		f.Add([]byte("Nov 29 09:00:00 mx postseal[123]: " + line + line[:len(line)/2]))
	}
	f.Add([]byte(`{"MESSAGE":"{\"time\":\"` + lineTime + `\",\"msg\":\"decision\"}"}`))
	f.Add([]byte(`{"time":"` + lineTime + `","msg":"decision","sender":"\u00e9\"@x","findings":null,"by_class":{},"x":[[],{"a":-1e9}]}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		r, err := NewReader(bytes.NewReader(log))
		if err != nil {
			return
		}
		for e, err := r.Next(); err == nil; e, err = r.Next() {
			got, ok := e.Event.(*Decision)
			if !ok || log[0] != '{' || bytes.ContainsAny(log, "\n\r") {
				continue
			}
			var want Decision
			if err := json.Unmarshal(log, &want); err != nil || !bytes.HasPrefix(log, []byte(`{"time":"`)) {
				continue // a finding of another version, or a line in another line
			}
			if written, again := writtenLine(*got), writtenLine(want); written != again && isPlain(log) {
				t.Errorf("of %s\ngot  %s\nwant %s", log, written, again)
			}
		}
	})
}

// FuzzEvents writes each event with any texts and numbers, and reads it back.
func FuzzEvents(f *testing.F) {
	f.Add("4bKX8Q1zZqz9sT", "ward@trust.example", 7)
	f.Add("\"msg\":\"decision\"}\n{\"time\":\""+lineTime+"\"", "<\u2028\x00\xff\xe2\x80", -1)
	f.Add("é😀\\u00e9", "postseal[1]: {", 1<<40)
	f.Fuzz(func(t *testing.T, one, two string, n int) {
		one, two = one[:min(len(one), 90)], two[:min(len(two), 90)] // so that no line is cut
		var log strings.Builder
		var want []Event
		for i, e := range events {
			if _, ok := e.(DecisionRecipients); ok {
				continue // Decision has them
			}
			line := writtenLine(with(e, one, two, n))
			quoted, _ := json.Marshal(line)
			switch (i + n) & 3 {
			case 1:
				line = "Nov 29 09:00:00 mx postseal[123]: " + line
			case 2:
				line = `{"SYSLOG_IDENTIFIER":"postseal","MESSAGE":` + string(quoted) + "}\n"
			}
			log.WriteString(line)
			want = append(want, with(e, string([]rune(one)), string([]rune(two)), n)) // slog replaces octets that are not UTF-8
		}
		entries, left := readAll(t, strings.NewReader(log.String()))
		if len(entries) != len(want) || left != (LeftOut{}) {
			t.Fatalf("%d entries, left out %+v, of %s", len(entries), left, log.String())
		}
		for i, e := range entries {
			if got := reflect.ValueOf(e.Event).Elem().Interface(); !reflect.DeepEqual(got, want[i]) {
				t.Errorf("got %+v, want %+v", got, want[i])
			}
		}
	})
}

// with returns an event with other texts and numbers.
func with(e Event, one, two string, n int) Event {
	copied := reflect.New(reflect.TypeOf(e)).Elem()
	texts := 0
	fillWith(copied, reflect.ValueOf(e), func() string { texts++; return []string{one, two}[texts%2] }, n)
	return copied.Interface().(Event)
}

// fillWith copies an event, and replaces its texts and numbers. A count of recipients
// stays, because the reader waits for as many.
func fillWith(to, from reflect.Value, text func() string, n int) {
	switch to.Kind() {
	case reflect.Struct:
		for i := range to.NumField() {
			if to.Type().Field(i).Name != "RecipientCount" {
				fillWith(to.Field(i), from.Field(i), text, n)
			} else {
				to.Field(i).Set(from.Field(i))
			}
		}
	case reflect.Slice:
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			fillWith(to.Index(i), from.Index(i), text, n)
		}
	case reflect.Int, reflect.Int64:
		to.SetInt(int64(n))
	default:
		to.Set(from)
		if to.Type() == reflect.TypeFor[string]() {
			to.SetString(text())
		}
	}
}

// isPlain reports whether a line has each key once, in lower case, and no character
// that encoding/json replaces.
func isPlain(line []byte) bool {
	keys := make(map[string]bool)
	dec := json.NewDecoder(bytes.NewReader(line))
	for {
		token, err := dec.Token()
		if err != nil {
			return err == io.EOF
		}
		if text, ok := token.(string); ok {
			if text != strings.ToLower(text) || strings.ContainsRune(text, '\ufffd') || keys[text] {
				return false
			}
			keys[text] = true
		}
	}
}

// BenchmarkReader reads decisions as they are logged.
func BenchmarkReader(b *testing.B) {
	var log bytes.Buffer
	for log.Len() < 8<<20 {
		log.WriteString(writtenLine(events[0]))
		log.WriteString("Nov 29 09:00:00 mx postfix/smtpd[123]: connect from unknown[192.0.2.7]\n")
	}
	b.SetBytes(int64(log.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(log.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err = r.Next(); err == nil; _, err = r.Next() {
			n++
		}
		if n == 0 || err != io.EOF {
			b.Fatal(n, err)
		}
	}
}
