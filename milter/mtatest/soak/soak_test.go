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
	at := func(leg leg, queue string) arrival {
		return arrival{leg: leg, queue: queue, at: now.Add(time.Second), body: true, marked: true}
	}
	after, bounce, tried := at(relay, "A"), at(relay, "A"), at(direct, "A")
	after.released, bounce.bounced, bounce.body, tried.bounced, tried.body = true, true, false, true, false
	open, empty, whole := at(relay, "A"), at(relay, "A"), bounce
	open.marked, empty.body, whole.body = false, false, true
	sealed, plain, none := want{leg: relay}, want{leg: direct}, want{leg: nowhere}
	held, row, stamped := want{leg: relay, held: true}, want{leg: direct, expires: true}, want{leg: direct, stamped: true}
	returned := want{leg: relay, bounces: true}
	around := []window{{now, now.Add(time.Minute)}}
	for _, test := range []struct {
		name     string
		want     want
		answer   answer
		unknown  int
		arrivals []arrival
		windows  []window // in which the row has expired, and of faults of the MTA
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
		{"sealed while the row has expired", row, taken, 0, []arrival{at(relay, "A")}, around, "Sealed"},
		{"sealed while the row is there", row, taken, 0, []arrival{at(relay, "A")}, nil, "Sealed WrongLeg"},
		{"not held", held, taken, 0, []arrival{at(relay, "A")}, nil, "Held WrongLeg"},
		{"held without need", sealed, taken, 0, []arrival{after}, nil, "Sealed WrongLeg"},
		{"no decision", stamped, taken, 0, []arrival{at(direct, "A")}, nil, "Direct Undecided"},
		{"twice", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "A")}, nil, "Sealed Twice"},
		{"two messages", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "B")}, nil, "Sealed Twice"},
		{"the MTA repeats", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "A")}, around, "Sealed MTARepeats"},
		{"the client repeats", sealed, taken, 1, []arrival{at(relay, "A"), at(relay, "B")}, nil, "Sealed ClientRepeats"},
		{"more than the client repeats", sealed, taken, 1, []arrival{at(relay, "A"), at(relay, "B"), at(relay, "C")}, nil, "Sealed ClientRepeats Twice"},
		{"two messages in a fault of the MTA", sealed, taken, 0, []arrival{at(relay, "A"), at(relay, "B")}, around, "Sealed Twice"},
		{"no reply, and no mail", sealed, taken, 1, []arrival{at(relay, "A")}, nil, "Sealed"},
		{"no reply, but mail", sealed, taken, 1, []arrival{at(relay, "B")}, nil, "Lost"},
		{"returned", returned, taken, 0, []arrival{bounce}, nil, "Returned"},
		{"returned twice", returned, taken, 0, []arrival{bounce, bounce}, nil, "Returned Twice"},
		{"returned with the body", returned, taken, 0, []arrival{whole}, nil, "Returned InClear"},
		{"returned by the wrong host", returned, taken, 0, []arrival{tried}, nil, "Returned InClear"},
		{"not returned", returned, taken, 0, nil, nil, "Lost"},
		{"wrongly returned", sealed, taken, 0, []arrival{bounce}, nil, "Sealed WrongLeg"},
		{"without the relay's marker", sealed, taken, 0, []arrival{open}, nil, "Sealed InClear"},
		{"without the body", sealed, taken, 0, []arrival{empty}, nil, "Sealed Lost"},
		{"wrongly refused", sealed, refused, 0, nil, nil, "WronglyRefused"},
		{"still waiting", sealed, waits, 0, nil, nil, "Waiting"},
	} {
		l := &ledger{expired: test.windows, mta: test.windows}
		l.messages = []*message{{began: now, recipients: []*recipient{{want: test.want, answer: test.answer, queue: "A", unknown: test.unknown, arrivals: test.arrivals}}}}
		s := l.account()
		if got := counted(s); got != "Messages "+test.result {
			t.Errorf("%s: got %s, want %s", test.name, got, test.result)
		}
		if r := (report{sums: s}); (r.verdict() == nil) != (s.Lost+s.InClear+s.Twice+s.WrongLeg+s.WronglyRefused+s.Undecided+s.Waiting == 0) {
			t.Errorf("%s: the verdict is %v", test.name, r.verdict())
		}
	}
	l := new(ledger)
	if l.arrived(0, "eve@gmail.com", "", at(direct, "A"), nil); l.account().Strays != 1 {
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
