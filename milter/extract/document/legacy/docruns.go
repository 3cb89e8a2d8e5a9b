package legacy

import (
	"cmp"
	"slices"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// run is a run of characters, and what is known of it: of the paragraphs that
// end in it, or of the characters.
type run struct {
	from, to uint32
	inTable  bool
	endsRow  bool
	edit     flow.Edit
}

const pageSize = 512

// Where the block says which pages hold the properties of paragraphs and of
// characters (sections 2.8.5 and 2.8.6), and how long an entry of a page is.
const (
	characterPages = 0xfa
	paragraphPages = 0x102
	characterEntry = 1
	paragraphEntry = 13
)

// readRuns reads the properties on all pages.
func (d *doc) readRuns(at, entry int) (runs []run) {
	plc := d.slice(at)
	if len(plc) < 12 {
		return nil
	}
	count := (len(plc) - 4) / 8
	for i := range count {
		at := uint64(le.Uint32(plc[4*(count+1)+4*i:])&0x3fffff) * pageSize
		if at+pageSize <= uint64(len(d.text)) {
			runs = append(runs, page(d.text[at:at+pageSize], entry)...)
		}
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	return runs
}

// page reads one page of properties (sections 2.9.33 and 2.9.34).
func page(p []byte, entry int) (runs []run) {
	n := int(p[pageSize-1])
	if 4*(n+1)+entry*n > pageSize-1 {
		return nil
	}
	for i := range n {
		r := run{from: le.Uint32(p[4*i:]), to: le.Uint32(p[4*i+4:])}
		at := 2 * int(p[4*(n+1)+entry*i])
		if at == 0 || at+2 >= pageSize {
			runs = append(runs, r)
			continue
		}
		size, start := int(p[at]), at+1
		if entry == paragraphEntry {
			if size, start = 2*size-1, at+1; p[at] == 0 {
				size, start = 2*int(p[at+1]), at+2
			}
			start, size = start+2, size-2 // the style
		}
		if size > 0 && start+size <= pageSize {
			r.modify(p[start : start+size])
		}
		runs = append(runs, r)
	}
	return runs
}

// Modifiers of properties ([MS-DOC], section 2.6).
const (
	modDeleted  = 0x0800
	modInserted = 0x0801
	modInTable  = 0x2416
	modEndsRow  = 0x2417
)

// operands are the sizes of the operands of modifiers, by the three bits at
// their top. 0 means that an octet says it.
var operands = [8]int{1, 1, 2, 4, 2, 2, 0, 3}

// modify applies modifiers to a run.
func (r *run) modify(p []byte) {
	for len(p) >= 3 {
		code, on := le.Uint16(p), p[2] != 0
		switch code {
		case modDeleted:
			r.edit = flow.Kept
			if on {
				r.edit = flow.Deleted
			}
		case modInserted:
			if on && r.edit == flow.Kept {
				r.edit = flow.Inserted
			}
		case modInTable:
			r.inTable = on
		case modEndsRow:
			r.endsRow = on
		}
		size := operands[code>>13]
		if size == 0 {
			if size = 1 + int(p[2]); code == 0xd608 && len(p) >= 4 { // the definition of a table
				size = 1 + int(le.Uint16(p[2:]))
			}
		}
		p = p[min(len(p), 2+size):]
	}
}

// runAt returns the run of a character.
func runAt(runs []run, at uint32) run {
	i, ok := slices.BinarySearchFunc(runs, at, func(r run, at uint32) int { return cmp.Compare(r.from, at) })
	if !ok {
		i--
	}
	if i < 0 || at >= runs[i].to {
		return run{}
	}
	return runs[i]
}
