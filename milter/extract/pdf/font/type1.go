package font

import (
	"bytes"

	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// type1Encoding reads "dup code /name put" in the part of a Type 1 font that is
// not encrypted.
func type1Encoding(data []byte) *codeTexts {
	at := bytes.Index(data, []byte("/Encoding"))
	if at < 0 {
		return nil
	}
	data = data[at+len("/Encoding"):]
	if n := bytes.Index(data, []byte("eexec")); n >= 0 {
		data = data[:n]
	}
	p, e := object.NewParser(data), codeTexts{}
	var operands []any
	for range 4096 {
		v, op, ok := p.Next()
		if !ok || op == "def" || op == "readonly" {
			break
		}
		n := len(operands)
		switch {
		case op == "StandardEncoding":
			return standard()
		case op == "put" && n >= 2:
			code, _ := operands[n-2].(float64)
			name, _ := operands[n-1].(object.Name)
			if code >= 0 && code < 256 {
				e[int(code)], _ = ofName(string(name))
			}
		}
		if op != "" {
			operands = operands[:0]
			continue
		}
		operands = append(operands, v)
	}
	return &e
}
