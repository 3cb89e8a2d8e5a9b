package mtatest_test

import (
	"fmt"
	"net"
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

// startFilter runs another milter and returns its port.
func startFilter(t *testing.T, f filter) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := gomilter.Server{
		NewMilter: func() gomilter.Milter { return f },
		Actions:   gomilter.OptAddHeader | gomilter.OptChangeHeader | gomilter.OptAddRcpt | gomilter.OptRemoveRcpt,
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestSendmailRecipientOfAnotherFilter holds what the README says cannot be
// decided: Sendmail shows no filter what another one adds.
func TestSendmailRecipientOfAnotherFilter(t *testing.T) {
	onSendmail(t)
	adder := startFilter(t, filter{end: func(m *gomilter.Modifier) error { return m.AddRecipient("eve@gmail.com") }})
	mta = startAnother(t, mtatest.Options{
		Milter: true, MC: fmt.Sprintf("INPUT_MAIL_FILTER(`other', `S=inet:%s@127.0.0.1, F=T')dnl\n", adder),
	})
	start(t, "enforce", "")
	if s := send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure]")); s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	direct, relayed, _ := settle(t)
	compare(t, "direct", direct, []string{"eve@gmail.com: [secure]"}, nil)
	compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure]"}, []string{" encrypt"})
}
