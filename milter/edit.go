package milter

import (
	"encoding/binary"
	"fmt"
	"strings"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/message"
)

// actAddRcptPar is SMFIR_ADDRCPT_PAR, which go-milter lacks: add a recipient
// with ESMTP arguments. SMFIR_ADDRCPT would lose ORCPT and NOTIFY.
const actAddRcptPar gomilter.ModifyActCode = '2'

// editPacket returns the code and the payload of an edit.
func editPacket(e message.Edit) (gomilter.ModifyActCode, []byte) {
	index := binary.BigEndian.AppendUint32(nil, uint32(e.Index))
	switch e.Op {
	case message.DeleteRecipient:
		return gomilter.ActDelRcpt, appendStrings(nil, "<"+e.Recipient+">")
	case message.AddRecipient:
		return actAddRcptPar, appendStrings(nil, "<"+e.Recipient+">", e.Arguments)
	case message.DeleteHeader:
		return gomilter.ActChangeHeader, appendStrings(index, e.Name, "")
	case message.AddHeader:
		return gomilter.ActAddHeader, appendStrings(nil, e.Name, e.Value)
	case message.PrefixHeader: // Postfix needs LF as the line end
		return gomilter.ActChangeHeader, appendStrings(index, e.Name, strings.ReplaceAll(e.Replacement(), "\r\n", "\n"))
	case message.Hold:
		return gomilter.ActQuarantine, appendStrings(nil, e.Value)
	}
	panic(fmt.Sprintf("unknown edit %q", e.Op))
}

// appendStrings appends NUL-terminated strings.
func appendStrings(payload []byte, texts ...string) []byte {
	for _, text := range texts {
		payload = append(append(payload, text...), 0)
	}
	return payload
}
