package milter

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/rules"
)

// wantedActions are the actions to ask for. The MTA must offer all of them.
const wantedActions = gomilter.OptAddHeader | gomilter.OptChangeHeader | gomilter.OptAddRcpt |
	gomilter.OptRemoveRcpt | gomilter.OptQuarantine | gomilter.OptAddRcptWithArgs

// wantedProtocol returns the protocol steps to ask for. Steps are used only if
// the MTA offers them. In mode observe no RCPT is refused, so none needs a reply. A
// reload can change the mode during a session, see [message.Envelope].RefuseAtEnd.
func wantedProtocol(mode rules.Mode, body bool) gomilter.OptProtocol {
	steps := gomilter.OptNoHelo | gomilter.OptNoData | gomilter.OptNoEOH |
		gomilter.OptNoUnknown | gomilter.OptNoConnReply | gomilter.OptNoMailReply | gomilter.OptNoHeaderReply
	if mode == rules.Observe {
		steps |= gomilter.OptNoRcptReply
	}
	if body {
		return steps | gomilter.OptNoBodyReply
	}
	return steps | gomilter.OptNoBody
}

// maxVersion is the latest version of the protocol that is supported. There is
// no earliest version, because an MTA that offers all the actions is new
// enough.
const maxVersion = 6

// wantedMacros names the macros for each stage, in the form of
// SMFIF_SETSYMLIST. Sendmail has the queue ID at MAIL. Postfix is certain to
// have it only at the end of the message. Only Sendmail has w, the name of its
// host, which distinguishes the two: on Postfix, v is what the setting
// milter_macro_v says.
var wantedMacros = []struct {
	stage gomilter.Stage
	names string
}{
	{gomilter.StageMailFrom, "i w {auth_authen}"},
	{gomilter.StageRcptTo, "i {rcpt_addr}"},
	{gomilter.StageEOM, "i"},
}

// negotiation identifies what this version can ask of the MTA. A version that
// asks for something else cannot continue the sessions of this one.
var negotiation = crc32.ChecksumIEEE(fmt.Append(nil, wantedActions, wantedProtocol(rules.Observe, true), wantedProtocol(rules.Enforce, false), wantedMacros))

// negotiate answers SMFIC_OPTNEG instead of go-milter, which does not check
// what the MTA offers.
func (c *conn) negotiate(payload []byte) error {
	version := binary.BigEndian.Uint32(payload)
	actions := gomilter.OptAction(binary.BigEndian.Uint32(payload[4:]))
	offered := gomilter.OptProtocol(binary.BigEndian.Uint32(payload[8:]))
	if missing := wantedActions &^ actions; missing != 0 {
		return fmt.Errorf("the MTA does not offer the actions %#x, which postseal needs: check its milter settings", uint32(missing))
	}
	config := c.server.Config()
	c.protocol = wantedProtocol(config.Mode, config.Read.Body) & offered
	asked := wantedActions
	var macros []byte
	if actions&gomilter.OptSetSymList != 0 {
		asked |= gomilter.OptSetSymList
		for _, m := range wantedMacros {
			macros = binary.BigEndian.AppendUint32(macros, uint32(m.stage))
			macros = append(append(macros, m.names...), 0)
		}
	}
	var answer []byte
	answer = binary.BigEndian.AppendUint32(answer, min(version, maxVersion))
	answer = binary.BigEndian.AppendUint32(answer, uint32(asked))
	answer = binary.BigEndian.AppendUint32(answer, uint32(c.protocol))
	c.write(byte(gomilter.CodeOptNeg), append(answer, macros...))
	return nil
}
