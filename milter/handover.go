package milter

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/shown"
)

// SessionPrefix begins the names that are passed to HandOver.
const SessionPrefix = "session-"

// kept is what a session must remember between messages.
type kept struct {
	phase    phase
	protocol gomilter.OptProtocol // as negotiated
	client   netip.Addr
	local    bool // mail of sendmail(1) on Postfix
}

// name returns what is kept as the name of a file descriptor: ASCII, no colon,
// at most 255 octets (sd_notify(3), FDNAME).
func (k kept) name() string {
	client := strings.ReplaceAll(shown.Client(k.client), ":", "_")
	return fmt.Sprintf("%s%08x-%d-%x-%t-%s", SessionPrefix, negotiation, k.phase, uint32(k.protocol), k.local, client)
}

// parseKept reads a name.
func parseKept(name string) (kept, error) {
	if fields := strings.Split(name, "-"); len(fields) == 6 {
		reached, _ := strconv.ParseUint(fields[2], 10, 8)
		protocol, _ := strconv.ParseUint(fields[3], 16, 32)
		k := kept{phase: min(phase(reached), phaseIdle), protocol: gomilter.OptProtocol(protocol), local: fields[4] == "true"}
		k.client, _ = netip.ParseAddr(strings.ReplaceAll(fields[5], "_", ":"))
		if k.name() == name { // if a part could not be read, the names differ
			return k, nil
		}
	}
	return kept{}, fmt.Errorf("the connection named %q is not a session of this version", name)
}

// handOver hands over the connection of a session that was interrupted between
// messages. Nothing is buffered then: what the MTA sends meanwhile stays in the
// socket.
func (s *Server) handOver(c *conn) {
	if err := s.HandOver(c.Conn, c.kept.name()); err != nil {
		maillog.Write(s.Log, maillog.InternalError{Fault: err.Error()})
	}
	c.Conn.Close()
}

// Resume continues a session that another process has handed over. If it
// returns an error, it has closed the connection.
func (s *Server) Resume(nc net.Conn, name string) error {
	k, err := parseKept(name)
	if err != nil {
		nc.Close()
		return err
	}
	s.mu.Lock()
	c := s.begin(nc)
	s.mu.Unlock()
	c.kept = k
	s.serve(c)
	return nil
}
