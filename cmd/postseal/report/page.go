package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	*Report
	Span, BeforeSpan, Log, Made, Version string

	Needed, MarkedShare, NearMissedShare, Unprotected, Sealed, Stopped string

	Groups         []pageGroup
	Charts         []*chart
	ListChart      *chart
	Unit           string
	NearMissRows   []barRow
	PartnerRows    []barRow
	ConsumerRows   []barRow
	FindingRows    []barRow
	ReasonRows     []barRow
	RefusalRows    []barRow
	PolicyRows     []barRow
	AlertRows      []barRow
	ExceptionRows  []exceptionRow
	ConfigRows     []configRow
	MoreConfigs    int
	MoreExceptions int
	Notes          []note
	HasError       bool
	Held           string
	ObserveHours   string
	EnforceHours   string
	IsObserved     bool
}

// pageGroup is a group of the table of figures.
type pageGroup struct {
	Name string
	Rows []pageRow
}

type pageRow struct {
	Label, Now, Before, Change string
	IsPart                     bool
}

// barRow is a row with a count, and a bar of that length in per cent.
type barRow struct {
	Name, More, Count, Count2 string
	Width                     int64
}

type exceptionRow struct {
	Row, File, Ends, Recipients string
	Expired                     bool
}

type configRow struct{ Config, Mode, Edition, Rows, First, Last, Messages string }

// Page writes the figures as one HTML page.
func (r *Report) Page(out io.Writer, version string, now time.Time) error {
	f, before := r.Period(), r.before()
	p := page{
		Report: r, Span: span(f), Made: now.Format("2 January 2006"), Version: version,
		Log:    dayAndTime(r.LogFirst) + " to " + dayAndTime(r.LogLast),
		Needed: thousands(f.Needed), MarkedShare: share(f.Marked, f.Needed), NearMissedShare: share(f.NearMissed, f.Needed),
		Unprotected: thousands(f.SensitiveUnprotected), Sealed: thousands(f.Sealed), Stopped: thousands(f.Held + f.Rejected),
		Held: thousands(f.Held), ObserveHours: hours(f.ObserveSeconds), EnforceHours: hours(f.EnforceSeconds), IsObserved: f.Observed > 0,
		Notes: r.notes(),
	}
	if before != nil {
		p.BeforeSpan = span(before)
	}
	p.groups(f, before)
	p.charts(r.days())
	p.rows(r)
	return pageTemplate.Execute(out, p)
}

func (p *page) groups(f, before *Figures) {
	for _, field := range fields {
		if len(p.Groups) == 0 || p.Groups[len(p.Groups)-1].Name != field.group {
			p.Groups = append(p.Groups, pageGroup{Name: field.group})
		}
		g := &p.Groups[len(p.Groups)-1]
		row := pageRow{Label: field.label, Now: field.shown(f), IsPart: field.isPart}
		if before != nil {
			row.Before = field.shown(before)
			row.Change = change(*field.of(before), *field.of(f))
		}
		g.Rows = append(g.Rows, row)
	}
}

// change returns the change between two figures in per cent.
func change(before, now int64) string {
	switch {
	case before == now:
		return "0\u00a0%"
	case before == 0:
		return "new"
	}
	percent := (now - before) * 100
	half := before / 2
	if percent < 0 {
		half = -half
	}
	percent = (percent + half) / before
	switch {
	case percent >= 1000:
		return fmt.Sprintf("×\u00a0%s", thousands((now+before/2)/before))
	case percent > 0:
		return fmt.Sprintf("+%d\u00a0%%", percent)
	case percent < 0:
		return fmt.Sprintf("−%d\u00a0%%", -percent)
	}
	return "0\u00a0%"
}

// share returns a part in per cent.
func share(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	tenths := (part*1000 + whole/2) / whole
	return fmt.Sprintf("%d.%d\u00a0%%", tenths/10, tenths%10)
}

// dayAndTime returns a time of the log as it is shown.
func dayAndTime(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return t.In(time.Local).Format("2 January 2006, 15:04")
}

// rows sets the rows of the lists.
func (p *page) rows(r *Report) {
	for _, n := range r.NearMisses {
		p.NearMissRows = append(p.NearMissRows, bar(n.Kind, n.Advice, n.Messages, r.NearMisses[0].Messages))
	}
	for _, f := range r.Findings {
		p.FindingRows = append(p.FindingRows, bar(f.Name, "", f.Messages, r.Findings[0].Messages))
	}
	for _, u := range r.Unreadable {
		p.ReasonRows = append(p.ReasonRows, bar(u.Reason, "", u.Messages, r.Unreadable[0].Messages))
	}
	for _, f := range r.Refusals {
		p.RefusalRows = append(p.RefusalRows, bar(f.Kind, "", f.Recipients, r.Refusals[0].Recipients))
	}
	for _, c := range r.Policies {
		p.PolicyRows = append(p.PolicyRows, bar(c.Policy, c.Action.String(), c.Recipients, r.Policies[0].Recipients))
	}
	for _, a := range r.Alerts {
		p.AlertRows = append(p.AlertRows, bar(a.Event, "", a.Lines, r.Alerts[0].Lines))
	}
	for _, d := range r.Partners {
		to, most := &p.PartnerRows, maxShown
		if d.Consumer {
			to, most = &p.ConsumerRows, 5
		}
		if len(*to) < most {
			row := bar(d.Domain, d.Class.String(), d.Messages, r.Partners[0].Messages)
			row.Count2 = thousands(d.Recipients)
			*to = append(*to, row)
			p.HasError = p.HasError || d.Error > 0
		}
	}
	p.PolicyRows = p.PolicyRows[:min(len(p.PolicyRows), maxShown)]
	p.FindingRows = p.FindingRows[:min(len(p.FindingRows), maxShown)]
	for _, e := range r.Exceptions[:min(len(r.Exceptions), maxLong)] {
		p.ExceptionRows = append(p.ExceptionRows, exceptionRow{e.Row, e.File, longDay(e.Expires), thousands(e.Recipients), e.Expired})
	}
	p.MoreExceptions = len(r.Exceptions) - len(p.ExceptionRows)
	for _, c := range r.Configurations[max(0, len(r.Configurations)-maxLong):] {
		rows := "–"
		if c.Rows > 0 {
			rows = thousands(int64(c.Rows))
		}
		p.ConfigRows = append(p.ConfigRows, configRow{c.Config, cmp.Or(c.Mode, "–"), cmp.Or(c.Edition, "–"), rows, c.first.In(time.Local).Format("2 Jan 2006 15:04"), c.last.In(time.Local).Format("2 Jan 2006 15:04"), thousands(c.Messages)})
	}
	p.MoreConfigs = len(r.Configurations) - len(p.ConfigRows)
}

// maxLong is how many rows the page shows of exceptions and configurations.
const maxLong = 50

func bar(name, more string, n, most int64) barRow {
	return barRow{Name: name, More: more, Count: thousands(n), Width: max(1, n*100/max(1, most))}
}

// chart is a picture of columns over time.
type chart struct {
	Title         string
	Legend        []legend
	Width, Height int
	Left, Bottom  int // of the axes
	Columns       []column
	Lines         []gridLine
	Labels        []chartLabel
}

type legend struct{ Name, Style string }

type column struct {
	Title string
	Parts []part
}

type part struct {
	Style               string
	X, Y, Width, Height float64
}

type gridLine struct {
	Y    float64
	Text string
}

type chartLabel struct {
	X    float64
	Text string
}

// series is a figure over time.
type series struct {
	name, style string
	of          func(*Figures) int64
}

// charts draws the charts.
func (p *page) charts(days []Figures) {
	var buckets []Figures
	buckets, p.Unit = bucketed(days)
	p.Charts = append(p.Charts, draw("Messages that needed the marker, by "+p.Unit, buckets, p.Unit,
		series{"marked", "a", func(f *Figures) int64 { return f.Marked }},
		series{"nearly marked", "b", func(f *Figures) int64 { return f.NearMissed }},
		series{"not marked", "c", func(f *Figures) int64 { return f.Missed }}))
	if p.Period().Sealed+p.Period().Held+p.Period().Rejected > 0 {
		p.Charts = append(p.Charts, draw("Messages sealed, held and rejected, by "+p.Unit, buckets, p.Unit,
			series{"sealed", "a", func(f *Figures) int64 { return f.Sealed }},
			series{"held", "b", func(f *Figures) int64 { return f.Held }},
			series{"rejected", "c", func(f *Figures) int64 { return f.Rejected }}))
	}
	if p.Period().ListAgeDays > 0 {
		p.ListChart = draw("Greatest age of the accredited list in days, by "+p.Unit, buckets, p.Unit,
			series{"days", "a", func(f *Figures) int64 { return f.ListAgeDays }})
	}
}

// bucketed returns the figures by day, week or month.
func bucketed(days []Figures) (buckets []Figures, unit string) {
	isNew := func(i int, day string) bool { return true }
	unit = "day"
	switch {
	case len(days) > 31*7:
		unit = "month"
		isNew = func(i int, day string) bool { return strings.HasSuffix(day, "-01") }
	case len(days) > 31:
		unit = "week"
		isNew = func(i int, day string) bool { return i%7 == 0 }
	}
	for i := range days {
		if i == 0 || isNew(i, days[i].Since) {
			buckets = append(buckets, Figures{Since: days[i].Since})
		}
		of := &buckets[len(buckets)-1]
		of.Until = days[i].Until
		of.add(&days[i])
	}
	return buckets, unit
}

// draw returns a chart. The parts of a column stand on each other.
func draw(title string, buckets []Figures, unit string, list ...series) *chart {
	const width, height, top, bottom = 660, 158, 8, 22
	most := int64(1)
	for i := range buckets {
		sum := int64(0)
		for _, s := range list {
			sum += s.of(&buckets[i])
		}
		most = max(most, sum)
	}
	step := niceStep(most)
	highest := (most + step - 1) / step * step
	left := 14 + 7*len(thousands(highest))
	c := &chart{Title: title, Width: width, Height: height, Left: left, Bottom: height - bottom}
	scale := float64(height-bottom-top) / float64(highest)
	for n := int64(0); n <= highest; n += step {
		c.Lines = append(c.Lines, gridLine{float64(c.Bottom) - float64(n)*scale, thousands(n)})
	}
	pitch := float64(width-left) / float64(len(buckets))
	thick := min(pitch*0.72, 44)
	every := max(1, (len(buckets)+8)/9)
	for i := range buckets {
		f := &buckets[i]
		x := float64(left) + pitch*float64(i) + (pitch-thick)/2
		y := float64(c.Bottom)
		var says []string
		col := column{}
		for _, s := range list {
			n := s.of(f)
			says = append(says, fmt.Sprintf("%s %s", thousands(n), s.name))
			if h := float64(n) * scale; n > 0 {
				y -= h
				col.Parts = append(col.Parts, part{s.style, x, y, thick, h})
			}
		}
		col.Title = span(f) + ": " + strings.Join(says, ", ")
		c.Columns = append(c.Columns, col)
		if i%every == 0 {
			layout := "2 Jan"
			if unit == "month" {
				layout = "Jan 06"
			}
			c.Labels = append(c.Labels, chartLabel{float64(left) + pitch*(float64(i)+0.5), formatDay(f.Since, layout)})
		}
	}
	for _, s := range list {
		if len(list) == 1 {
			break // the title says it
		}
		c.Legend = append(c.Legend, legend{s.name, s.style})
	}
	return c
}

// niceStep returns the distance of the lines of a chart: 1, 2 or 5 and zeros.
func niceStep(most int64) int64 {
	for size := int64(1); ; size *= 10 {
		for _, n := range []int64{1, 2, 5} {
			if n*size*5 >= most {
				return n * size
			}
		}
	}
}
