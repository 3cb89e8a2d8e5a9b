package mtatest_test

import (
	"fmt"
	"net"
	"testing"

	gomilter "github.com/emersion/go-milter"

	"github.com/postseal/postseal/milter/mtatest"
)

// adder is a filter that adds a recipient to each message, as those for
// archives do.
type adder struct{ gomilter.NoOpMilter }

func (adder) Body(m *gomilter.Modifier) (gomilter.Response, error) {
	return gomilter.RespAccept, m.AddRecipient("eve@gmail.com")
}

// TestSendmailRecipientOfAnotherFilter holds what the README says cannot be
// judged: Sendmail shows no filter what another one adds.
func TestSendmailRecipientOfAnotherFilter(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := gomilter.Server{NewMilter: func() gomilter.Milter { return adder{} }, Actions: gomilter.OptAddRcpt}
	go other.Serve(l)
	defer other.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	onSendmail(t)
	mta = startAnother(t, mtatest.Options{
		Milter: true, MC: fmt.Sprintf("INPUT_MAIL_FILTER(`other', `S=inet:%s@127.0.0.1, F=T')dnl\n", port),
	})
	start(t, "enforce", "")
	if s := send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure]")); s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	direct, relayed, _ := settle(t)
	compare(t, "direct", direct, []string{"eve@gmail.com: [secure]"}, nil)
	compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure]"}, []string{" encrypt"})
}
