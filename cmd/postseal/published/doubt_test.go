package published_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
)

// padded returns a list of three columns with the row at number 2 and others
// below it.
func padded(row string) []byte {
	return []byte("Organisation,Type,Domain name\n" + row + "\n" + strings.Repeat("X,M365,padding.example\n", 20))
}

// withoutPadding returns the domains that are not in the padding.
func withoutPadding(rows []accredited.Row) (domains []string) {
	for _, row := range rows {
		if row.Domain != "padding.example" {
			domains = append(domains, row.Domain)
		}
	}
	return domains
}

// A doubtful row is used only after it was accepted. It is then read back from
// the file that import writes. A published list cannot mark its own rows as
// accepted.
func TestDoubtfulRows(t *testing.T) {
	const consumer, suffix = "is a consumer mail service, where anybody can have an address", "is a public suffix, not an organisation's domain"
	for cell, why := range map[string]string{
		"gmail.com": consumer, "GMail.com. ": consumer, "hotmail.co.uk": consumer, "mail.yahoo.com": consumer, "btinternet.com": consumer, "proton.me": consumer,
		"nhs.uk": suffix, "gov.uk": suffix, "co.uk": suffix, "org.uk": suffix, "ac.uk": suffix, "police.uk": suffix, "pnn.police.uk": suffix,
		"mod.uk": suffix, "sch.uk": suffix, "kent.sch.uk": suffix, "co.im": suffix, "Nhs.UK. ": suffix, "com": suffix, "uk": suffix, "net.": suffix, "uk.com": suffix, "onmicrosoft.com": suffix, "np": suffix,
	} {
		data := padded("Evil,x," + cell)
		list, err := published.Read("list", data)
		if err != nil || len(withoutPadding(list.Rows)) > 0 || len(list.LeftOut) > 0 {
			t.Errorf("%s: got %v, left out %v, %v", cell, withoutPadding(list.Rows), list.LeftOut, err)
			continue
		}
		if want := fmt.Sprintf("[row 2: %q %s]", strings.TrimSpace(cell), why); fmt.Sprint(list.Doubtful) != want {
			t.Errorf("got %v, want %s", list.Doubtful, want)
		}
		list.Accept(func(string) bool { return true })
		written := accredited.Format(list.Rows)
		imported, err := accredited.Read("list", written)
		if err != nil || !slices.Equal(imported.Rows, list.Rows) || len(withoutPadding(imported.Rows)) != 1 {
			t.Errorf("%s: accepted, written and read: got %v, %v, want %v", cell, imported.Rows, err, list.Rows)
		}
		forged := "Organisation,Domain name,Accepted with -accept\nEvil," + cell + ",yes\n" + strings.Repeat("X,padding.example,no\n", 20)
		again, err := published.Read("list", []byte(forged))
		if err != nil || len(withoutPadding(again.Rows)) > 0 || len(again.Doubtful) != 1 {
			t.Errorf("%s: a published list that says it is accepted: got %v, %v", cell, again, err)
		}
	}
}

// Text that a person would not read as a row of the list is left out and named.
func TestRowsLeftOut(t *testing.T) {
	for _, test := range []struct{ name, row, want string }{
		{"web address", "See also,x,www.nhs.example", `row 2: "www.nhs.example" is the address of a web site`},
		{"web address in a footer", ",,https://digital.nhs.example/list", `row 2: "https://digital.nhs.example/list" is not a domain name`},
		{"footer", ",,digital.nhs.example", `row 2: "digital.nhs.example" is alone in its row, like a footer`},
		{"footer in another column", "digital.nhs.example,,", `row 2: has no domain name`},
		{"Cyrillic letter", "Evil,x,\u0430pple.example", `row 2: "` + "\u0430" + `pple.example" has the letter U+0430, which is not in the Latin alphabet of English`},
		{"all Cyrillic", "Evil,x,\u0430\u0440\u0440.example", "row 2: \"\u0430\u0440\u0440.example\" has the letter U+0430, which is not in the Latin alphabet of English"},
		{"Cyrillic letter, encoded", "Evil,x,xn--pple-43d.example", `row 2: "xn--pple-43d.example" has the letter U+0430, which is not in the Latin alphabet of English`},
		{"Greek letter", "Evil,x,n\u03b7s.example", "row 2: \"n\u03b7s.example\" has the letter U+03B7, which is not in the Latin alphabet of English"},
		{"dotless i", "Evil,x,tru\u0131st.example", "row 2: \"tru\u0131st.example\" has the letter U+0131, which is not in the Latin alphabet of English"},
		{"not a good A-label", "Evil,x,xn--zzzzzzzzz.example", `row 2: "xn--zzzzzzzzz.example" is not a valid internationalised name`},
		{"name after many blanks", "Evil,x,\"listed.example" + strings.Repeat(" ", 2000) + "x\"", `row 2: "listed.example` + strings.Repeat(" ", 66) + `" is not a domain name`},
		{"note", "Evil,x,withdrawn", `row 2: "withdrawn" is marked "withdrawn"`},
		{"note of another kind", "Evil,x,see below", `row 2: "see below" is not a domain name`},
		{"status", "Evil,Withdrawn 3 May,listed.example", `row 2: "listed.example" is marked "Withdrawn 3 May"`},
		{"status of the organisation", "(LAPSED) Evil,x,listed.example", `row 2: "listed.example" is marked "(LAPSED) Evil"`},
		{"status of another word", "Evil,Not yet compliant,listed.example", `row 2: "listed.example" is marked "Not yet compliant"`},
		{"status after another word", "Evil,Status: revoked,listed.example", `row 2: "listed.example" is marked "Status: revoked"`},
		{"status after the organisation's name", "Evil (accreditation withdrawn in March),x,listed.example", `row 2: "listed.example" is marked "Evil (accreditation withdrawn in March)"`},
		{"status after a dash", "Evil \u2013 suspended,x,listed.example", "row 2: \"listed.example\" is marked \"Evil \u2013 suspended\""},
		{"commented out", "# Evil,x,listed.example", `row 2: "listed.example" is commented out with #`},
		{"no such top-level domain", "Evil,x,nhs.nte", `row 2: "nhs.nte" ends in "nte", which is not a top-level domain`},
		{"struck through with accents", "Evil,x,t\u0336rust.example", "row 2: \"t\u0336rust.example\" has the letter U+0336, which is not in the Latin alphabet of English"},
		{"written from right to left", "Evil,x,\u202eelpmaxe.detsil\u202c", "row 2: \"elpmaxe.detsil\" has characters that change the direction of writing"},
		{"isolated from right to left", "Evil,x,\u2067elpmaxe.detsil", "row 2: \"elpmaxe.detsil\" has characters that change the direction of writing"},
		{"below a blank line", "Evil,x,\"\n\nlisted.example\"", `row 2: "listed.example" has blanks before it that move it out of sight`},
		{"after blanks", "Evil,x," + strings.Repeat("\u00a0", 40) + "listed.example", `row 2: "listed.example" has blanks before it that move it out of sight`},
	} {
		list, err := published.Read("list", padded(test.row))
		if err != nil || len(withoutPadding(list.Rows)) > 0 || fmt.Sprint(list.LeftOut) != "["+test.want+"]" || len(list.Doubtful) > 0 {
			t.Errorf("%s: got %v, left out %v, doubtful %v, %v; want %s", test.name, withoutPadding(list.Rows), list.LeftOut, list.Doubtful, err, test.want)
		}
	}
	list, err := published.Read("list", padded("Ynys,x,m\u00f4n.example"))
	if err != nil || !slices.Equal(withoutPadding(list.Rows), []string{"xn--mn-8ja.example"}) {
		t.Errorf("an accent: got %v, left out %v, %v", withoutPadding(list.Rows), list.LeftOut, err)
	}
}

// A note below the list has text and a domain, but no other cells of a row.
func TestFooterWithText(t *testing.T) {
	const header, list, note = "Organisation Name,System Type,Domain name,DMARC\n", "A,x,listed.example,reject\n", "For more information,,digital.nhs.example,\n"
	for _, test := range []struct {
		name, text string
		left       bool
	}{
		{"below the list", header + strings.Repeat(list, 20) + note, true},
		{"below a list and a blank line", header + strings.Repeat(list, 20) + ",,,\n" + note, true},
		{"in a list where others are so", header + strings.Repeat(list+"B,,b.example,\n", 10) + note, false},
		{"at the top", header + note + strings.Repeat(list, 20), false},
		{"in a list of two columns", "Organisation Name,Domain name\n" + strings.Repeat("A,listed.example\n", 20) + "For more information,digital.nhs.example\n", false},
		{"with more", header + strings.Repeat(list, 20) + "B,x,digital.nhs.example,\n", false},
	} {
		list, err := published.Read("list", []byte(test.text))
		left := fmt.Sprint(list.LeftOut)
		if err != nil || (len(list.LeftOut) > 0) != test.left || test.left && !strings.Contains(left, `"digital.nhs.example" has only text beside it, like a footer`) {
			t.Errorf("%s: left out %s, %v", test.name, left, err)
		}
	}
}

// Rows below a heading such as "Withdrawn", or far below the list, are left
// out. Another heading begins the list again.
func TestRowsApart(t *testing.T) {
	row := func(n int) string { return fmt.Sprintf("A,x,d%d.example\n", n) }
	const below, far = "is below the heading", "is below more than 20 blank rows"
	for _, test := range []struct{ name, rows, want, why string }{
		{"a heading", "Mental health,,\n" + row(1), "[d1.example]", ""},
		{"withdrawn", row(1) + "Accreditation withdrawn,,\n" + row(2), "[d1.example]", below + ` "Accreditation withdrawn"`},
		{"and no more", "Lapsed,,\n" + row(1) + "Accredited,,\n" + row(2), "[d2.example]", below + ` "Lapsed"`},
		{"more cells than headers", "A, Inc,d1.example,d2.example\n" + row(3), "[d3.example]", "has more cells than there are column headers, so cells are below the wrong header"},
		{"awaiting", row(1) + "Awaiting accreditation,,\n" + row(2), "[d1.example]", below + ` "Awaiting accreditation"`},
		{"the same headers", row(1) + "Organisation,Type,Domain name\n" + row(2), "[d1.example d2.example]", ""},
		{"other headers", row(1) + "Organisation,Domain name,Website\n" + row(2), "[d1.example]", "is below other column headers"},
		{"headers of another table", row(1) + "Organisation,Type,Former domain\n" + row(2) + "Organisation,Type,Domain name\n" + row(3), "[d1.example d3.example]", "is below other column headers"},
		{"an organisation named so", "Awaiting Sample Ltd,x,d1.example\nDomain Sample Ltd,x,d2.example\n", "[d1.example d2.example]", ""},
		{"text with the word", "A,\"M365, and Exchange until that was decommissioned\",d1.example\n", "[d1.example]", ""},
		{"a gap", row(1) + strings.Repeat(",,\n", 20) + row(2), "[d1.example d2.example]", ""},
		{"a larger gap", row(1) + strings.Repeat(",,\n", 21) + row(2) + "Accredited,,\n" + row(3), "[d1.example]", far},
		{"a gap without commas", row(1) + strings.Repeat("\n", 21) + row(2), "[d1.example]", far},
	} {
		list, err := published.Read("list", []byte("Organisation,Type,Domain name\n"+strings.Repeat("X,M365,padding.example\n", 20)+test.rows))
		if got := fmt.Sprint(withoutPadding(list.Rows)); err != nil || got != test.want {
			t.Errorf("%s: got %s, left out %v, %v; want %s", test.name, got, list.LeftOut, err, test.want)
		}
		left := fmt.Sprint(list.LeftOut)
		if test.why == "" && strings.Contains(left, "is below") || !strings.Contains(left, test.why) {
			t.Errorf("%s: left out %s; want %s", test.name, left, test.why)
		}
	}
}

// A column can have the status of a row.
func TestStatusColumn(t *testing.T) {
	for _, test := range []struct {
		header, cell string
		left         bool
	}{
		{"Accredited?", "No", true}, {"Accredited (Y/N)", "n", true}, {"Status", "Closed", true}, {"Active", "FALSE", true}, {"Compliant", "Not", true},
		{"DCB1596 accredited", "No", true}, {"Accredited to DCB 1596 (Y/N)", "N", true}, {"Secure?", "no", true}, {"Accredited", "\u2717", true}, {"Accredited", "0", true}, {"Compliant", "Fail", true},
		{"Accredited?", "Yes", false}, {"Status", "Live", false},
		{"Data processed outside of the UK? (Y/N)", "N", false}, {"DMARC status", "none", false}, {"Signed with DKIM", "No", false},
	} {
		text := "Organisation,Domain name," + test.header + "\n" + strings.Repeat("X,padding.example,Y\n", 20) + "A,listed.example," + test.cell + "\n"
		list, err := published.Read("list", []byte(text))
		if err != nil || (len(list.LeftOut) > 0) != test.left {
			t.Errorf("%q below %q: left out %v, %v", test.cell, test.header, list.LeftOut, err)
		}
	}
}

// Any text below a header such as "Withdrawn on" is a status.
func TestColumnOfWithdrawals(t *testing.T) {
	for _, test := range []struct {
		header, cell string
		left         bool
	}{
		{"Withdrawn on", "1 February 2026", true}, {"Date removed", "46054", true}, {"Suspended?", "Yes", true},
		{"Withdrawn on", "", false}, {"Withdrawn on", "-", false}, {"Withdrawn?", "\u2713", true}, {"Withdrawn on", "\u2014", false}, {"Suspended?", "No", false}, {"Date removed", "n/a", false}, {"Accredited since", "1 February 2026", false},
		{"Please note that domains which have expired are removed", "1 February 2026", false},
	} {
		text := "Organisation,Domain name," + test.header + "\n" + strings.Repeat("X,padding.example,\n", 20) + "A,listed.example," + test.cell + "\n"
		list, err := published.Read("list", []byte(text))
		if err != nil || (len(list.LeftOut) > 0) != test.left {
			t.Errorf("%q below %q: left out %v, %v", test.cell, test.header, list.LeftOut, err)
		}
	}
}

// Names that look like a remark are part of the list.
func TestOrganisationsWithOddNames(t *testing.T) {
	for _, name := range []string{"Sample Ltd (formerly Example Ltd)", "#1 Care", "#N/A", "#REF!", "Removals - Sample Ltd", "Sample (not-for-profit)"} {
		list, err := published.Read("list", padded(name+",x,listed.example"))
		if err != nil || len(list.LeftOut) > 0 {
			t.Errorf("%s: left out %v, %v", name, list.LeftOut, err)
		}
	}
}

// A list is held if it says of a domain, or of itself, that it is not accredited.
func TestDoubtsOfAList(t *testing.T) {
	const header, row = "Organisation,Domain name,Status\n", "A,listed.example,Accredited\n"
	for _, test := range []struct{ name, text, want string }{
		{"one row is withdrawn", header + row + "A,listed.example,Withdrawn\n" + strings.Repeat("X,padding.example,x\n", 20), `["listed.example" is in a row that is left out and in one that is not]`},
		{"title", "Domains with a lapsed accreditation,,\n\n" + header + row, `[the list has the title "Domains with a lapsed accreditation"]`},
		{"another title", "Accredited domains\n\n" + header + row, "[]"},
	} {
		list, err := published.Read("list", []byte(test.text))
		if got := fmt.Sprint(list.Doubts); err != nil || got != test.want {
			t.Errorf("%s: got %s, %v", test.name, got, err)
		}
	}
}

func TestPublicSuffixesOfAList(t *testing.T) {
	list, err := published.Read("list", readFile(t, filepath.Join(lists, "doubtful", "public-suffix.csv")))
	var rows []string
	for _, doubt := range list.Doubtful {
		row, _, _ := strings.Cut(doubt, ":")
		rows = append(rows, row)
	}
	if err != nil || fmt.Sprint(rows) != "[row 5 row 9 row 13 row 22]" {
		t.Errorf("got %v, %v", list.Doubtful, err)
	}
}
