package queue

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// now is an hour after the mail of the captured lists.
var now = time.Date(2026, 11, 29, 11, 48, 34, 0, time.UTC)

// postfixList is what postqueue -j of Postfix 3.7 printed.
const postfixList = `{"queue_name": "deferred", "queue_id": "A01F29C00E4", "arrival_time": 1795949314, "message_size": 380, "forced_expire": false, "sender": "ward@trust.example", "recipients": [{"address": "a@example.net", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}, {"address": "eve@example.com.encrypt.invalid", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}, {"address": "bob@example.org.encrypt.invalid", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}]}
{"queue_name": "deferred", "queue_id": "A72379C00F2", "arrival_time": 1795949314, "message_size": 376, "forced_expire": false, "sender": "ward@trust.example", "recipients": [{"address": "a@example.net", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}]}
{"queue_name": "active", "queue_id": "022E19C0183", "arrival_time": 1795949315, "message_size": 398, "forced_expire": false, "sender": "ward@trust.example", "recipients": [{"address": "\"odd user\"@example.org.encrypt.invalid"}]}
{"queue_name": "hold", "queue_id": "B17DF9C0101", "arrival_time": 1795949314, "message_size": 376, "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "bob@example.org.encrypt.invalid"}]}
{"queue_name": "hold", "queue_id": "06D929C0193", "arrival_time": 1795949315, "message_size": 398, "forced_expire": false, "sender": "\"a (b) c\"@trust.example", "recipients": [{"address": "\"Held (x) y\"@example.org.encrypt.invalid"}]}
`

func TestPostfix(t *testing.T) {
	one := func(queue, arrived, address string) string {
		return fmt.Sprintf(`{"queue_name": %q, "arrival_time": %s, "recipients": [{"address": %q}]}`+"\n", queue, arrived, address)
	}
	for _, test := range []struct {
		name, list, relay string
		want              Figures
		fault             string
	}{
		{"captured", postfixList, "encrypt.invalid", Figures{Waiting{2, time.Hour}, Waiting{2, time.Hour}}, ""},
		{"without a relay", postfixList, "", Figures{Held: Waiting{2, time.Hour}}, ""},
		{"another relay", postfixList, "pt.invalid", Figures{Held: Waiting{2, time.Hour}}, ""},
		{"empty", "", "encrypt.invalid", Figures{}, ""},
		{"another case", one("incoming", "1795949314", "b@x.example.Encrypt.INVALID"), "encrypt.invalid", Figures{Sealed: Waiting{1, time.Hour}}, ""},
		{"the relay domain itself", one("deferred", "1795949314", "b@encrypt.invalid"), "encrypt.invalid", Figures{}, ""},
		{"arrives later than now", one("hold", "1895949314", "b@x.example"), "encrypt.invalid", Figures{Held: Waiting{1, 0}}, ""},
		{"an address as a reason", `{"queue_name": "deferred", "arrival_time": 1795949314, "sender": "x@y.encrypt.invalid", "recipients": [{"address": "a@x.example", "delay_reason": "b@x.encrypt.invalid"}]}`, "encrypt.invalid", Figures{}, ""},
		{"cut off", postfixList[:900], "encrypt.invalid", Figures{}, "unexpected EOF"},
		{"other text", "mail system is down\n", "encrypt.invalid", Figures{}, "unexpected output"},
		{"no time", `{"queue_name": "hold"}`, "encrypt.invalid", Figures{}, "without queue_name or arrival_time"},
		{"no integer", one("hold", "1.5", "b@x.example"), "encrypt.invalid", Figures{}, "arrival_time is not a time"},
		{"an array", `[]`, "encrypt.invalid", Figures{}, "not an object"},
	} {
		got, err := readPostfix(strings.NewReader(test.list), test.relay, now)
		if got != test.want || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
	}
}

// manyRecipients is a list of one message.
type manyRecipients struct {
	parts int
	heap  uint64 // in use before the last part
}

func (m *manyRecipients) Read(p []byte) (int, error) {
	m.parts--
	switch {
	case m.parts > 0:
		return copy(p, `{"address": "a@example.net"}, {"address": "bob@example.org.encrypt.invalid"},`), nil
	case m.parts == 0:
		m.heap = heap()
		return copy(p, `{"address": "a@example.net"}]}`), nil
	}
	return 0, io.EOF
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func TestPostfixInConstantMemory(t *testing.T) {
	rest := &manyRecipients{parts: 100_000}
	before := heap()
	got, err := readPostfix(io.MultiReader(strings.NewReader(`{"queue_name": "deferred", "arrival_time": 1795949314, "recipients": [`), rest), "encrypt.invalid", now)
	if err != nil || got.Sealed.Count != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if rest.heap > before+1<<20 {
		t.Errorf("%d octets are in use for one message", rest.heap-before)
	}
}

// sendmailList is what sendmail -bp printed, with two queue directories.
const sendmailList = `		/var/spool/mqueue/q1 (3 requests)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
6ATAmZxE007663        2 Sun Nov 29 10:48 <>
     QUARANTINE: postseal: policy hold
					 <bob@example.org.encrypt.invalid>
6ATAmZ5F007633*       2 Sun Nov 29 10:48 <ward@trust.example>
                 (Deferred: Connection refused by [127.0.0.1])
					 <bob@example.org.encrypt.invalid>
6ATAma98007682 (job completed)
		/var/spool/mqueue/q2 (1 request)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
6ATAmYK1007707 (Permission denied)
		Total requests: 4
`

func TestSendmail(t *testing.T) {
	const start = "		/var/spool/mqueue (1 request)\n-----Q-ID----- --Size--\n"
	long := start + "6ATAmYxE007663        2 Sun Nov 29 10:48 <" + strings.Repeat("6ATAmYxE007663 ", 1000) + ">\n		Total requests: 1\n"
	for _, test := range []struct {
		name, list string
		want       Waiting
		fault      string
	}{
		{"captured", sendmailList, Waiting{3, time.Hour}, ""},
		{"empty", "/var/spool/mqueue is empty\n		Total requests: 0\n", Waiting{}, ""},
		{"a long line", long, Waiting{1, time.Hour}, ""},
		{"from another year", start + "5ATAmYxE007663 2\n		Total requests: 1\n", Waiting{1, 365*24*time.Hour + time.Hour}, ""},
		{"shortened by MaxQueueRunSize", strings.Replace(sendmailList, ": 4", ": 9", 1), Waiting{}, "4 entries of 9 can be read"},
		{"nothing", "", Waiting{}, "does not end with a total"},
		{"cut off", sendmailList[:300], Waiting{}, "does not end with a total"},
		{"no permission", "can not chdir(/var/spool/mqueue/): Permission denied\n", Waiting{}, "does not end with a total"},
		{"no such month", start + "6xTAmYxE007663 2\n		Total requests: 1\n", Waiting{}, "a queue ID without a time"},
		{"a total without end", "		Total requests: 99999999999999999999\n", Waiting{}, "the total is not a number"},
	} {
		got, err := readSendmail(strings.NewReader(test.list), now)
		if got != test.want || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
	}
}

func FuzzPostfix(f *testing.F) {
	for _, list := range []string{postfixList, postfixList[:900], "{}", `{"queue_name": ["hold", {"address": 1}], "arrival_time": 1}`, "[[{", `"`} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		got, err := readPostfix(strings.NewReader(list), "encrypt.invalid", now)
		check(t, list, got.Held, err)
		check(t, list, got.Sealed, err)
		twice, again := readPostfix(strings.NewReader(list+list), "encrypt.invalid", now)
		if err == nil && again == nil && (twice.Held.Count != 2*got.Held.Count || twice.Sealed.Count != 2*got.Sealed.Count) {
			t.Errorf("got %+v, and twice %+v", got, twice)
		}
	})
}

func FuzzSendmail(f *testing.F) {
	for _, list := range []string{sendmailList, sendmailList[:300], "/q is empty\n\t\tTotal requests: 0", strings.Repeat("x", 9000)} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		got, err := readSendmail(strings.NewReader(list), now)
		check(t, list, got, err)
	})
}

// check checks what holds for any list.
func check(t *testing.T, list string, w Waiting, err error) {
	switch {
	case err != nil && w != Waiting{}:
		t.Errorf("got %+v with %v", w, err)
	case w.Oldest < 0 || w.Count < 0 || w.Count == 0 && w.Oldest > 0 || w.Count > len(list):
		t.Errorf("got %+v", w)
	}
}

// TestCommand runs other programs in place of postqueue.
func TestCommand(t *testing.T) {
	for _, test := range []struct {
		name, script, fault string
	}{
		{"a list", "cat list", ""},
		{"a warning", "echo 'postqueue: warning: Mail system is down -- accessing queue directly' >&2; cat list", ""},
		{"down", "echo 'postqueue: warning: x' >&2; echo 'postqueue: fatal: Queue report unavailable - mail system is down' >&2; exit 69", "postqueue: fatal: Queue report unavailable - mail system is down"},
		{"no reason", "cat list; exit 1", "postqueue: exit status 1"},
		{"a reason with an address", "echo bob@example.org >&2; exit 1", "postqueue: exit status 1"},
		{"a reason with an escape sequence", `printf '\033[2Jx\n' >&2; exit 1`, "postqueue: ?[2Jx"},
		{"text without end", "yes", "postqueue: unexpected output: invalid character 'y' looking for beginning of value"},
		{"errors without end", "head -c 1000000 /dev/zero >&2; cat list", ""},
		{"no answer", "sleep 60 & wait", "postqueue takes too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("PATH", dir+":relative:"+os.Getenv("PATH"))
			script := "#!/bin/sh\ncd " + dir + "\n" + test.script + "\n"
			if err := os.WriteFile(filepath.Join(dir, "postqueue"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "list"), []byte(postfixList), 0o644); err != nil {
				t.Fatal(err)
			}
			limit := time.Minute
			if test.name == "no answer" {
				limit = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			begin := time.Now()
			got, err := Read(ctx, OfThisHost, "encrypt.invalid", now)
			switch {
			case test.fault == "" && (err != nil || got.Held.Count != 2 || got.Sealed.Count != 2):
				t.Errorf("got %+v, %v", got, err)
			case test.fault != "" && (err == nil || err.Error() != test.fault):
				t.Errorf("got %v\nwant %s", err, test.fault)
			}
			if time.Since(begin) > 30*time.Second {
				t.Errorf("took %v", time.Since(begin))
			}
		})
	}
}
