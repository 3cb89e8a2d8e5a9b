package milter

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	gomilter "github.com/emersion/go-milter"
)

// The actions and protocol steps that are asked for. Of the steps only those
// are used that the MTA offers; it must offer all the actions.
const (
	wantedActions = gomilter.OptAddHeader | gomilter.OptChangeHeader | gomilter.OptAddRcpt |
		gomilter.OptRemoveRcpt | gomilter.OptQuarantine | gomilter.OptAddRcptWithArgs

	wantedProtocol = gomilter.OptNoHelo | gomilter.OptNoData | gomilter.OptNoBody | gomilter.OptNoEOH |
		gomilter.OptNoUnknown | gomilter.OptNoConnReply | gomilter.OptNoMailReply | gomilter.OptNoHeaderReply
)

// maxVersion is the latest version of the protocol that is spoken. How early a
// version may be, the actions say: an MTA that offers them all is new enough.
const maxVersion = 6

// wantedMacros names the macros for each stage, as SMFIF_SETSYMLIST takes
// them. Sendmail has the queue ID at MAIL, Postfix surely at the end of the
// message. Only Sendmail has w, the name of its host, which tells the two apart:
// on Postfix, v is whatever the setting milter_macro_v says.
var wantedMacros = []struct {
	stage gomilter.Stage
	names string
}{
	{gomilter.StageMailFrom, "i w {auth_authen}"},
	{gomilter.StageRcptTo, "i {rcpt_addr}"},
	{gomilter.StageEOM, "i"},
}

// negotiation stands for what is asked of the MTA. A version that asks for
// something else cannot go on with the sessions of this one.
var negotiation = crc32.ChecksumIEEE(fmt.Append(nil, wantedActions, wantedProtocol, wantedMacros))

// negotiate answers SMFIC_OPTNEG in go-milter's stead, which does not look at
// what the MTA offers.
func (c *conn) negotiate(payload []byte) error {
	version := binary.BigEndian.Uint32(payload)
	actions := gomilter.OptAction(binary.BigEndian.Uint32(payload[4:]))
	offered := gomilter.OptProtocol(binary.BigEndian.Uint32(payload[8:]))
	if missing := wantedActions &^ actions; missing != 0 {
		return fmt.Errorf("the MTA does not let a filter do what postseal must (actions %#x are missing): see its milter settings", uint32(missing))
	}
	c.protocol = wantedProtocol & offered
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
	return c.writePacket(byte(gomilter.CodeOptNeg), append(answer, macros...))
}
