package mtatest_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/mtatest"
)

// filter is another milter of the site.
type filter struct {
	gomilter.NoOpMilter
	refuse string                         // a recipient that it refuses
	end    func(*gomilter.Modifier) error // what it does at the end of a message
}

func (f filter) RcptTo(to string, _ *gomilter.Modifier) (gomilter.Response, error) {
	if to == f.refuse {
		return gomilter.RespReject, nil
	}
	return gomilter.RespContinue, nil
}

func (f filter) Body(m *gomilter.Modifier) (gomilter.Response, error) {
	if f.end == nil {
		return gomilter.RespAccept, nil
	}
	return gomilter.RespAccept, f.end(m)
}

// place is one place in the list of the site's milters. Its filter can change.
type place struct {
	filter atomic.Pointer[filter]
	socket string // as in smtpd_milters
	mc     string // the line of sendmail.mc
}

// startPlace runs a filter that does nothing at first.
func startPlace(t testing.TB, name string) *place {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := &place{socket: "inet:127.0.0.1:" + port, mc: fmt.Sprintf("INPUT_MAIL_FILTER(`%s', `S=inet:%s@127.0.0.1, F=T')dnl\n", name, port)}
	p.filter.Store(&filter{})
	server := gomilter.Server{
		NewMilter: func() gomilter.Milter { return p.filter.Load() },
		Actions:   gomilter.OptAddHeader | gomilter.OptChangeHeader | gomilter.OptAddRcpt | gomilter.OptRemoveRcpt,
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return p
}

// otherFilter changes the recipients of marked mail to bob@gmail.com and
// a@nhs.net.
type otherFilter struct {
	name   string
	filter filter
	last   bool    // it runs after postseal, not before
	beside arrived // if it runs beside postseal, and no MTA tells postseal about it
	apart  arrived // if it runs at a hop before the one that postseal runs at
}

var otherFilters = []otherFilter{
	{
		"deletes a recipient", filter{end: func(m *gomilter.Modifier) error { return m.DeleteRecipient("bob@gmail.com") }}, false,
		arrived{[]string{"a@nhs.net: [secure]"}, []string{"bob@gmail.com: [secure]"}},
		arrived{[]string{"a@nhs.net: [secure]"}, nil},
	},
	{
		"deletes a recipient, later", filter{end: func(m *gomilter.Modifier) error { return m.DeleteRecipient("bob@gmail.com") }}, true,
		arrived{[]string{"a@nhs.net: [secure]"}, []string{"bob@gmail.com: [secure]"}},
		arrived{[]string{"a@nhs.net: [secure]"}, nil},
	},
	{
		"replaces a recipient", filter{end: func(m *gomilter.Modifier) error {
			return errors.Join(m.DeleteRecipient("bob@gmail.com"), m.AddRecipient("eve@gmail.com"))
		}}, false,
		arrived{[]string{"a@nhs.net: [secure]", "eve@gmail.com: [secure]"}, []string{"bob@gmail.com: [secure]"}},
		arrived{[]string{"a@nhs.net: [secure]"}, []string{"eve@gmail.com: [secure]"}},
	},
	{
		"adds a recipient", filter{end: func(m *gomilter.Modifier) error { return m.AddRecipient("eve@gmail.com") }}, false,
		arrived{[]string{"a@nhs.net: [secure]", "eve@gmail.com: [secure]"}, []string{"bob@gmail.com: [secure]"}},
		arrived{[]string{"a@nhs.net: [secure]"}, []string{"bob@gmail.com: [secure]", "eve@gmail.com: [secure]"}},
	},
	{
		"refuses a recipient", filter{refuse: "bob@gmail.com"}, false,
		arrived{[]string{"a@nhs.net: [secure]"}, nil},
		arrived{[]string{"a@nhs.net: [secure]"}, nil},
	},
	{
		"refuses a recipient, later", filter{refuse: "bob@gmail.com"}, true,
		arrived{[]string{"a@nhs.net: [secure]"}, []string{"bob@gmail.com: [secure]"}},
		arrived{[]string{"a@nhs.net: [secure]"}, nil},
	},
}

// passFilters sends marked mail to bob@gmail.com and a@nhs.net past each filter
// in its place. Mail that went to the relay is recognised by its fields.
func (t *T) passFilters(before, after *place, leg []string, want func(otherFilter) arrived) {
	for _, test := range otherFilters {
		t.Run(test.name, func(t *T) {
			at := before
			if test.last {
				at = after
			}
			at.filter.Store(&test.filter)
			defer at.filter.Store(&filter{})
			t.serve("enforce", "")
			if s := t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: [secure]")); s.End.Code != 250 {
				t.Errorf("got %v", s)
			}
			direct, relayed, _ := t.settle()
			compare(t, "direct", direct, want(test).direct, nil)
			compare(t, "through the relay", relayed, want(test).relay, leg)
		})
	}
}

func beside(f otherFilter) arrived { return f.beside }

// TestOtherFilters checks what contrib/postfix/README.md says about filters
// that change recipients.
func TestOtherFilters(tt *testing.T) {
	t := on(tt, changed)
	before, after := startPlace(t, "before"), startPlace(t, "after")
	t.Run("beside postseal", func(t *T) {
		t.settings("smtpd_milters=" + before.socket + ", unix:postseal/postseal.sock, " + after.socket)
		t.passFilters(before, after, nil, beside)
	})
	t.Run("in a hop before", func(t *T) {
		t.settings("smtpd_milters="+before.socket+", "+after.socket, "content_filter="+t.postfix().ContentFilter)
		t.passFilters(before, after, nil, func(f otherFilter) arrived { return f.apart })
	})
	t.Run("alias in a hop before", func(t *T) {
		t.settings("smtpd_milters=", "content_filter="+t.postfix().ContentFilter, "virtual_alias_maps=inline:{team@trust.example=bob@gmail.com}")
		t.serve("enforce", "")
		t.send([]string{"<team@trust.example>", "<a@nhs.net>"}, mail("Subject: [secure]"))
		t.wantArrived(arrived{[]string{"a@nhs.net: [secure]"}, []string{"bob@gmail.com: [secure]"}})
	})
}

func TestOtherFiltersOnSendmail(tt *testing.T) {
	before, after := startPlace(tt, "before"), startPlace(tt, "after")
	t := onOwn(tt, sendmail, mtatest.Options{Milter: true, MC: before.mc, MCAfter: after.mc})
	t.passFilters(before, after, []string{" encrypt"}, beside)
}

// TestOtherFiltersAreNotTold shows why postseal cannot know that another filter
// deleted a recipient: all macros about recipients, requested at the end of the
// message, are the same. Sendmail's {nrcpts} counts the recipients of RCPT.
func TestOtherFiltersAreNotTold(t *testing.T) {
	t.Parallel()
	const names = "{rcpt_addr} {rcpt_host} {rcpt_mailer} {nrcpts} {nbadrcpts}"
	t.Run("Postfix", func(tt *testing.T) {
		t := on(tt, changed)
		before, after := startPlace(t, "before"), startPlace(t, "after")
		t.settings("smtpd_milters="+before.socket+", "+after.socket, "milter_end_of_data_macros="+names)
		t.wantNotTold(before, after, "map[]")
	})
	t.Run("Sendmail", func(tt *testing.T) {
		before, after := startPlace(tt, "before"), startPlace(tt, "after")
		macros := "define(`confMILTER_MACROS_EOM', `" + strings.ReplaceAll(names, " ", ", ") + "')dnl\n"
		t := onOwn(tt, sendmail, mtatest.Options{MC: before.mc + after.mc + macros})
		t.wantNotTold(before, after, "map[{nbadrcpts}:0 {nrcpts}:2]")
	})
}

// wantNotTold compares the macros that the later filter gets, with both
// recipients and with one deleted, with those wanted.
func (t *T) wantNotTold(before, after *place, want string) {
	t.Helper()
	told := make(chan string, 1)
	after.filter.Store(&filter{end: func(m *gomilter.Modifier) error {
		told <- fmt.Sprint(m.Macros)
		return nil
	}})
	to := []string{"<bob@nhs.net>", "<a@nhs.net>"}
	for _, test := range []struct {
		filter filter
		want   []string
	}{
		{filter{}, []string{"bob@nhs.net: x", "a@nhs.net: x"}},
		{filter{end: func(m *gomilter.Modifier) error { return m.DeleteRecipient("bob@nhs.net") }}, []string{"a@nhs.net: x"}},
	} {
		before.filter.Store(&test.filter)
		t.send(to, mail("Subject: x"))
		t.wantArrived(arrived{direct: test.want})
		if got := <-told; got != want {
			t.Errorf("macros: got %s, want %s", got, want)
		}
	}
}
