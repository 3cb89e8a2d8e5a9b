package pdf

// cell is a part of a line without a large gap.
type cell struct {
	u0, u1     float32
	start, end int // its runs in the order
}

// table is consecutive lines whose cells are below each other.
type table struct {
	rows    [][]cell
	columns []cell // from left to right; they do not overlap
}

const (
	cellGap     = 1 // times the font's size
	leastRows   = 3
	mostColumns = 256
)

// tables passes on the tables of a page, with a tab between two cells, so that
// the title of a column is known for each of its cells.
func (p *page) tables(order []int32) {
	var t table
	for start := 0; start < len(order); {
		first, end := &p.runs[order[start]], start+1
		for end < len(order) && isSameLine(first, &p.runs[order[end]]) {
			end++
		}
		cells := p.cells(order, start, end)
		if len(cells) == 0 {
			start = end
			continue
		}
		if first.angle != 0 || !t.add(cells) {
			p.endTable(&t, order)
			t = table{}
			if first.angle == 0 && len(cells) > 1 {
				t.add(cells)
			}
		}
		start = end
	}
	p.endTable(&t, order)
}

// cells divides a line.
func (p *page) cells(order []int32, start, end int) (cells []cell) {
	for i := start; i < end; i++ {
		r := &p.runs[order[i]]
		if p.isBlank(r) {
			continue
		}
		if n := len(cells); n > 0 && r.u0-cells[n-1].u1 < cellGap*r.em {
			cells[n-1].u1, cells[n-1].end = max(cells[n-1].u1, r.u1), i+1
			continue
		}
		cells = append(cells, cell{r.u0, r.u1, i, i + 1})
	}
	return cells
}

// add adds a line. It returns false if the line does not belong to the table,
// because it has text across two columns. A line with one cell continues the line
// above.
func (t *table) add(cells []cell) bool {
	if len(t.rows) == 0 && len(cells) < 2 {
		return false
	}
	columns := t.columns
	for _, c := range cells {
		var ok bool
		if columns, ok = widen(columns, c); !ok || len(columns) > mostColumns {
			return false
		}
	}
	if len(cells) == 1 && len(columns) > len(t.columns) {
		return false
	}
	t.rows, t.columns = append(t.rows, cells), columns
	return true
}

// widen returns the columns with the place of a cell in them, or false if the cell
// is in two columns.
func widen(columns []cell, c cell) ([]cell, bool) {
	out, placed := make([]cell, 0, len(columns)+1), false
	for _, column := range columns {
		switch {
		case column.u1 < c.u0 || c.u1 < column.u0:
			if c.u1 < column.u0 && !placed {
				out, placed = append(out, c), true
			}
			out = append(out, column)
		case placed:
			return nil, false
		default:
			out, placed = append(out, cell{u0: min(column.u0, c.u0), u1: max(column.u1, c.u1)}), true
		}
	}
	if !placed {
		out = append(out, c)
	}
	return out, true
}

// endTable passes on a table.
func (p *page) endTable(t *table, order []int32) {
	if len(t.rows) < leastRows {
		return
	}
	out := []byte{'\f'}
	for _, row := range t.rows {
		i := 0
		for n, column := range t.columns {
			if n > 0 {
				out = append(out, '\t')
			}
			for first := i; i < len(row) && row[i].u0 <= column.u1; i++ {
				if i > first {
					out = append(out, ' ')
				}
				text := p.join(order[row[i].start:row[i].end])
				out = append(out, text[:len(text)-1]...)
			}
		}
		out = append(out, '\n')
	}
	p.sink.Text(append(out, '\f'))
}
