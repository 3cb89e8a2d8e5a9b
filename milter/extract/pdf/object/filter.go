package object

import (
	"github.com/postseal/postseal/rules/finding"
)

// mostStream is how many octets of one stream are read.
const mostStream = 48 << 20

// Decode returns a stream's octets without its filters, or what can be read of
// them. The octets of an image are nil.
func (f *File) Decode(s *Stream) []byte {
	if f.left < 0 || f.IsLocked() {
		return nil
	}
	filters, parms := f.filters(s.Dict)
	data := s.raw
	if len(filters) == 0 || filters[0] != "Crypt" {
		data = f.crypt.stream(data, s)
	}
	for i, filter := range filters {
		if i > 10 {
			f.report(finding.TooDeep)
			return nil
		}
		var parm Dict
		if i < len(parms) {
			parm = f.Dict(parms[i])
		}
		data = f.unfilter(filter, parm, data)
		if !f.Spend(len(data)) {
			return nil
		}
	}
	return data
}

// filters returns the names of the filters and their parameters. Inline images
// abbreviate both keys.
func (f *File) filters(d Dict) (names []Name, parms Array) {
	of := func(key, short Name) Array {
		v := f.Get(d[key])
		if v == nil {
			v = f.Get(d[short])
		}
		if list, ok := v.(Array); ok {
			return list
		}
		return Array{v}
	}
	for _, v := range of("Filter", "F") {
		if name := f.Name(v); name != "" {
			names = append(names, name)
		}
	}
	return names, of("DecodeParms", "DP")
}

// unfilter undoes one filter. What is damaged is read up to the damage.
func (f *File) unfilter(filter Name, parm Dict, data []byte) []byte {
	ok := true
	switch filter {
	case "FlateDecode", "Fl":
		data, ok = f.inflate(data)
		data = f.unpredict(parm, data)
	case "LZWDecode", "LZW":
		data = unLZW(data, f.Int(parm["EarlyChange"], 1), mostStream)
		data = f.unpredict(parm, data)
	case "ASCIIHexDecode", "AHx":
		data = NewParser(data).hex()
	case "ASCII85Decode", "A85":
		data = unASCII85(data)
	case "RunLengthDecode", "RL":
		data = unRunLength(data, mostStream)
	case "Crypt":
	case "DCTDecode", "DCT", "JPXDecode", "CCITTFaxDecode", "CCF", "JBIG2Decode":
		return nil
	default:
		data, ok = nil, false
	}
	if !ok {
		f.report(finding.Damaged)
	}
	if len(data) >= mostStream {
		f.report(finding.TooLarge)
	}
	return data
}

// unpredict undoes a predictor: each row of octets is the difference from its
// neighbours.
func (f *File) unpredict(parm Dict, data []byte) []byte {
	predictor := f.Int(parm["Predictor"], 1)
	if predictor < 2 {
		return data
	}
	colours, bits, columns := f.Int(parm["Colors"], 1), f.Int(parm["BitsPerComponent"], 8), f.Int(parm["Columns"], 1)
	if colours < 1 || bits < 1 || columns < 1 || colours > 64 || bits > 32 || columns > mostStream {
		f.report(finding.Damaged)
		return data
	}
	pixel := max(1, colours*bits/8)
	row := (colours*bits*columns + 7) / 8
	if predictor == 2 {
		if bits == 8 {
			unTIFF(data, row, pixel)
		}
		return data
	}
	return unPNG(data, row, pixel)
}

func unTIFF(data []byte, row, pixel int) {
	for i := range data {
		if i%row >= pixel {
			data[i] += data[i-pixel]
		}
	}
}

// unPNG writes over data, because each row becomes one octet shorter.
func unPNG(data []byte, row, pixel int) []byte {
	out := data[:0]
	above := make([]byte, min(row, len(data)))
	for len(data) > 1 {
		method, line := data[0], data[1:min(len(data), row+1)]
		data = data[1+len(line):]
		unPNGRow(method, line, above, pixel)
		copy(above, line)
		out = append(out, line...)
	}
	return out
}

func unPNGRow(method byte, line, above []byte, pixel int) {
	for i := range line {
		var left, corner byte
		if i >= pixel {
			left, corner = line[i-pixel], above[i-pixel]
		}
		switch method {
		case 1:
			line[i] += left
		case 2:
			line[i] += above[i]
		case 3:
			line[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			line[i] += paeth(left, above[i], corner)
		}
	}
}

func paeth(left, above, corner byte) byte {
	a, b, c := int(left), int(above), int(corner)
	abs := func(n int) int { return max(n, -n) }
	da, db, dc := abs(b-c), abs(a-c), abs(a+b-2*c)
	switch {
	case da <= db && da <= dc:
		return left
	case db <= dc:
		return above
	}
	return corner
}
