package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

func TestMain(m *testing.M) {
	if err := mtatest.Unshare(ownMounts, "--mount"); err != nil {
		fatal(err)
	}
	os.Exit(m.Run())
}

// TestSoak is a short soak. "make soak" runs a long one.
func TestSoak(t *testing.T) {
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "postseal-soak-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, err := build(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"postfix", "sendmail"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			seed := newSeed(0)
			t.Logf("seed %d", seed)
			r, err := soak(t.Context(), root, binary, kind, seed, 50*time.Second, t.Output())
			if r != nil {
				t.Log(r.text())
				err = errors.Join(err, r.verdict())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLedger checks that the ledger finds what it is there to find.
func TestLedger(t *testing.T) {
	now := time.Now()
	at := func(leg leg, queue string) arrival { return arrival{leg: leg, queue: queue, at: now.Add(time.Second)} }
	after := at(relay, "A")
	after.released = true
	sealed, plain, none := want{leg: relay}, want{leg: direct}, want{leg: nowhere}
	held, row, stamped := want{leg: relay, held: true}, want{leg: direct, table: true}, want{leg: direct, stamped: true}
	around := []window{{now, now.Add(time.Minute)}}
	for _, test := range []struct {
		name     string
		want     want
		answer   answer
		unknown  int
		arrivals []arrival
		windows  []window // of faults of tables and of the MTA
		result   string   // what sums counts, in the order of its keys
	}{
		{"direct", plain, taken, 0, []arrival{at(direct, "A")}, nil, "Direct"},
		{"sealed", sealed, taken, 0, []arrival{at(relay, "A")}, nil, "Sealed"},
		{"held", held, taken, 0, []arrival{after}, nil, "Held"},
		{"refused", none, refused, 0, nil, nil, "Refused"},
		{"lost", sealed, taken, 0, nil, nil, "Lost"},
		{"in clear", sealed, taken, 0, []arrival{at(direct, "A")}, nil, "Direct InClear"},
		{"in clear too", sealed, taken, 0, []arrival{at(relay, "A"), at(direct, "A")}, nil, "Sealed InClear Twice"},
		{"not refused", none, taken, 0, []arrival{at(direct, "A")}, nil, "InClear WrongLeg"},
		{"sealed without need", plain, taken, 0, []arrival{at(relay, "A")}, nil, "Sealed WrongLeg"},
		{"sealed while the row is gone", row, taken, 0, []arrival{at(relay, "A")}, around, "Sealed"},
		{"sealed while the row is there", row, taken, 0, []arrival{at(relay, "A")}, nil, "Sealed WrongLeg"},
		{"not held", held, taken, 0, []arrival{at(relay, "A")}, nil, "Held WrongLeg"},
		{"held without need", sealed, taken, 0, []arrival{after}, nil, "Sealed WrongLeg"},
		{"no decision", stamped, taken, 0, []arrival{at(direct, "A")}, nil, "Direct Undecided"},
		{"twice", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "A")}, nil, "Sealed Twice"},
		{"two messages", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "B")}, nil, "Sealed Twice"},
		{"the MTA repeats", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "A")}, around, "Sealed MTARepeats"},
		{"the client repeats", sealed, taken, 1, []arrival{at(relay, "A"), at(relay, "B")}, nil, "Sealed ClientRepeats"},
		{"more than the client repeats", sealed, taken, 1, []arrival{at(relay, "A"), at(relay, "B"), at(relay, "C")}, nil, "Sealed ClientRepeats Twice"},
		{"no reply, and no mail", sealed, taken, 1, []arrival{at(relay, "B")}, nil, "Sealed"},
		{"wrongly refused", sealed, refused, 0, nil, nil, "WronglyRefused"},
		{"still waiting", sealed, waits, 0, nil, nil, "Waiting"},
	} {
		l := &ledger{table: test.windows, mta: test.windows}
		l.messages = []*message{{began: now, recipients: []*recipient{{want: test.want, answer: test.answer, unknown: test.unknown, arrivals: test.arrivals}}}}
		s := l.account()
		if got := counted(s); got != "Messages "+test.result {
			t.Errorf("%s: got %s, want %s", test.name, got, test.result)
		}
		if r := (report{sums: s}); (r.verdict() == nil) != (s.Lost+s.InClear+s.Twice+s.WrongLeg+s.WronglyRefused+s.Undecided+s.Waiting == 0) {
			t.Errorf("%s: the verdict is %v", test.name, r.verdict())
		}
	}
	l := new(ledger)
	if l.arrived(0, "eve@gmail.com", at(direct, "A")); l.account().Strays != 1 {
		t.Error("mail that nobody sent is not found")
	}
}

// counted returns the names of the sums that are not 0.
func counted(s sums) string {
	s.faults = nil
	var names []string
	for field := range strings.FieldsSeq(strings.Trim(fmt.Sprintf("%+v", s), "{}")) {
		if name, value, _ := strings.Cut(field, ":"); value != "0" && name != "faults" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
