package flow

// Line ends a line or paragraph.
func (f *Flow) Line() {
	b := f.top()
	if b.table.inCell {
		if b.cut {
			b.table.broken = true
			f.original(b)
		}
		b.old, b.table.broken = b.old[:0], true
		return
	}
	if b.lines++; b.lines <= blankLines {
		b.out = append(b.out, '\n')
	}
	b.table.col, b.table.length = 0, 0
	f.settle(b)
	f.spill()
}

// settle adds what follows a paragraph or table.
func (f *Flow) settle(b *box) {
	if b.cut {
		f.original(b)
		b.out = append(b.out, '\n')
	}
	b.old = b.old[:0]
	if len(b.after) > 0 && !b.table.open {
		b.out = append(b.out, b.after...)
		b.after = b.after[:0]
	}
}

// original adds the paragraph as it was before its tracked changes.
func (f *Flow) original(b *box) {
	edit, old := b.edit, b.old
	b.edit, b.cut, b.old = Inserted, false, nil
	f.put(old)
	b.edit, b.old = edit, old[:0]
}

// Tab separates columns outside of a table.
func (f *Flow) Tab() {
	b := f.top()
	if b.table.inCell || b.table.col >= columns-1 {
		f.put([]byte{' '})
		return
	}
	f.put([]byte{'\t'})
	b.table.col++
}

// Aside starts text that stands beside the text before and after it. It follows
// the paragraph.
func (f *Flow) Aside() { f.boxes = append(f.boxes, newBox()) }

// EndAside ends the text that Aside started.
func (f *Flow) EndAside() {
	if len(f.boxes) > 1 {
		f.pop()
	}
}

func (f *Flow) pop() {
	b := f.top()
	b.table.open = false
	f.settle(b)
	f.boxes = f.boxes[:len(f.boxes)-1]
	if len(b.out) == 0 {
		return
	}
	outer := f.top()
	if end := byte('\n'); b.table.apart || b.out[len(b.out)-1] != end {
		b.out = append(b.out, end)
	}
	if outer.after = append(outer.after, b.out...); len(outer.after) >= keepAt {
		outer.out = append(append(outer.out, '\n'), outer.after...)
		outer.after = outer.after[:0]
		f.spill()
	}
}

// Table starts a table. One in a cell of another follows that table.
func (f *Flow) Table() {
	if f.top().table.open {
		f.Aside()
		f.top().table.apart = true
	}
	b := f.top()
	if n := len(b.out); n > 0 && b.out[n-1] != '\n' && b.out[n-1] != '\f' {
		f.Line()
	}
	b.table = table{open: true, apart: b.table.apart}
}

// EndTable ends a table.
func (f *Flow) EndTable() {
	b := f.top()
	if !b.table.open {
		return
	}
	if b.table.inCell {
		f.EndRow()
	}
	if b.table.row > 0 {
		b.out, b.lines = append(b.out, '\f'), blankLines
	}
	apart := b.table.apart
	b.table = table{}
	if apart && len(f.boxes) > 1 {
		f.pop()
		return
	}
	f.settle(b)
	f.spill()
}

// Cell starts the next cell of a row.
func (f *Flow) Cell() { f.CellAt(f.top().table.next) }

// Row starts a row, if a cell of the last one is open.
func (f *Flow) Row() {
	if f.top().table.inCell {
		f.EndRow()
	}
}

// CellAt starts the cell of a column, counted from 0. A column that is past
// starts a row.
func (f *Flow) CellAt(column int) {
	b := f.top()
	if b.table.inCell && column < b.table.next {
		f.EndRow()
	}
	f.endCell(b)
	b.table.inCell = true
	if b.table.next = column + 1; b.table.col == columns-1 { // the last, which takes what follows
		b.out = append(b.out, ';', ' ')
	}
	for ; b.table.col < min(column, columns-1); b.table.col++ {
		b.out = append(b.out, '\t')
	}
	b.table.length = 0
}

func (f *Flow) endCell(b *box) {
	if b.cut {
		b.table.broken = true
		f.original(b)
	}
	b.old, b.table.broken = b.old[:0], false
}

// Skip leaves out columns before the next cell.
func (f *Flow) Skip(n int) {
	if b := f.top(); n > 0 {
		b.table.next = min(b.table.next+n, 2*columns)
	}
}

// EndRow ends a row.
func (f *Flow) EndRow() {
	b := f.top()
	f.endCell(b)
	if !b.table.inCell { // a row without cells
		return
	}
	b.out = append(b.out, '\n')
	b.table = table{open: b.table.open, apart: b.table.apart, row: b.table.row + 1}
	f.spill()
}
