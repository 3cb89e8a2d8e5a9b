package object

// mostDepth is how deep arrays and dictionaries may be nested.
const mostDepth = 100

// Next returns the next operand, or the next operator. ok is false at the end.
func (p *Parser) Next() (operand any, operator string, ok bool) {
	t := p.token()
	switch t.kind {
	case end:
		return nil, "", false
	case word:
		if v, ok := constant(t.text); ok {
			return v, "", true
		}
		return nil, operatorName(t.text), true
	case closed, closeDict:
		return nil, "?", true
	}
	p.values = mostValues
	return p.object(t, 0), "", true
}

// operatorNames saves that every operator of a page is allocated.
var operatorNames = make(map[string]string)

func init() {
	for _, op := range []string{
		"q", "Q", "cm", "w", "J", "j", "M", "d", "ri", "i", "gs", "m", "l", "c", "v", "y", "h", "re",
		"S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "n", "W", "W*", "BT", "ET", "Tc", "Tw", "Tz", "TL",
		"Tf", "Tr", "Ts", "Td", "TD", "Tm", "T*", "Tj", "TJ", "'", "\"", "d0", "d1", "CS", "cs", "SC", "SCN",
		"sc", "scn", "G", "g", "RG", "rg", "K", "k", "sh", "BI", "ID", "EI", "Do", "MP", "DP", "BMC", "BDC",
		"EMC", "BX", "EX",
	} {
		operatorNames[op] = op
	}
}

func operatorName(text []byte) string {
	if op, ok := operatorNames[string(text)]; ok {
		return op
	}
	if len(text) > 40 {
		return "?"
	}
	return string(text)
}

func constant(text []byte) (any, bool) {
	switch string(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	}
	return nil, false
}

// object returns the object that begins with t.
func (p *Parser) object(t token, depth int) any {
	switch t.kind {
	case number:
		return t.num
	case name:
		return Name(t.text)
	case str:
		return String(t.text)
	case open:
		list, _ := p.list(closed, depth+1)
		return Array(list)
	case openDict:
		list, _ := p.list(closeDict, depth+1)
		return pairs(list)
	}
	return nil
}

func pairs(list []any) Dict {
	d := make(Dict, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		key, ok := list[i].(Name)
		for !ok && i+2 < len(list) { // a value is missing or one too many
			i++
			key, ok = list[i].(Name)
		}
		if ok {
			d[key] = list[i+1]
		}
	}
	return d
}

// list returns the objects before the closing token, or before another that ends
// the object all the same. It folds "n g R" into a Ref. Its second value is the
// word that ended it, such as endobj.
func (p *Parser) list(until kind, depth int) (list []any, last string) {
	if depth > mostDepth {
		p.tooDeep = true
		p.pos = len(p.data)
		return nil, ""
	}
	for {
		before := p.pos
		t := p.token()
		switch {
		case t.kind == end || t.kind == until:
			return list, ""
		case t.kind == word && string(t.text) == "R":
			list = foldRef(list)
		case t.kind == word:
			switch op := string(t.text); op {
			case "endobj", "stream", "endstream", "obj", "xref", "trailer", "startxref":
				if until != end {
					p.pos = before // the closing token is missing
				}
				return list, op
			}
			if v, ok := constant(t.text); ok {
				list = append(list, v)
			}
		case t.kind == closed || t.kind == closeDict: // one too many
		default:
			list = append(list, p.object(t, depth))
		}
		if p.values--; p.values < 0 {
			p.tooMany = true
			p.pos = len(p.data)
			return list, ""
		}
	}
}

func foldRef(list []any) []any {
	n := len(list)
	if n < 2 {
		return list
	}
	num, ok1 := list[n-2].(float64)
	gen, ok2 := list[n-1].(float64)
	if !ok1 || !ok2 || num < 0 || num > 1<<31 || gen < 0 || gen > 1<<20 {
		return list
	}
	return append(list[:n-2], Ref{int(num), int(gen)})
}
