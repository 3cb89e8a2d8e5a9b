package detect

import (
	"fmt"
	"strings"
	"testing"
)

// findings returns the findings of a text, as "nhs-number 2, marking".
func findings(d *Detector) string {
	var list []string
	for _, f := range d.Findings() {
		s := string(f.Name)
		if f.Count > 0 {
			s += fmt.Sprintf(" %d", f.Count)
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

// read returns the findings of a text in a place of one kind.
func read(kind Kind, s string) string {
	d := New(Config{})
	d.Begin(Place{"1", kind})
	d.Text([]byte(s))
	return findings(d)
}

type sample struct {
	text, want string
}

const (
	one    = "nhs-number 1"
	two    = "nhs-number 2"
	maybe  = "nhs-number-likely 1"
	header = "Name\tNHS No\tPhone\n"
)

var numberSamples = []sample{
	// Spaced 3-3-4 is certain.
	{"999 000 0018", one},
	{"a 999 000 0018 b", one},
	{"999\u00a0000\u00a00018", one},
	{"999\u202f000\u202f0018", one},
	{"999\u2007000\u20070018", one},
	{"999\u2009000\u20090018", one},
	{"999  000   0018", one},
	{"(999 000 0018)", one},
	{"“999 000 0018”.", one},
	{"Smith, 999 000 0018, ward 3", one},
	{"401 023 2137 and 450 557 7104", two},
	{"999 000 0018 999 000 0026", two},
	{"999 000 0018/999 000 0026", two},
	{"999 000 0018\n999 000 0026\n999 000 0018", two},
	{"９９９ ０００ ００１８", one},
	{"٩٩٩ ٠٠٠ ٠٠١٨", one},
	{"9\u200b99 0\u00ad00 00\ufeff18", one},
	{"999 000\n0018", one},
	{"999\r\n000 0018", one},
	{"> 999 000 \n> 0018", one},
	{"John Smith 01/01/1980 999 000 0018 3", one},
	{"Bed 12 999 000 0018", one},
	{"Smith (45) 999 000 0018", one},
	{"999 000 0018 01/01/1980", one},
	{"1. 999 000 0018", one},
	{"- 999 000 0018", one},
	{"Tel 0113 496 0000. 999 000 0018", one},
	{"Smith\tF\t999 000 0018\t0113 496 0000", one},
	{"Sex: F 999 000 0018", one},
	{"999 000 0018 Tel 0113 496 0000", one},
	{"Mob: 07700 900123, 999 000 0018", one},
	{"943 476 5919", ""}, // not issued
	{"987 654 3210", ""}, // not issued
	{"999 123 4560", ""}, // check digit 10
	{"999 000 0019", ""}, // wrong check digit
	{"444 444 4444", ""}, // repeated
	{"999 999 9999", ""}, // repeated
	{"123 456 7890", ""},

	// Otherwise it needs context.
	{"9990000018", maybe},
	{"999-000-0018", maybe},
	{"999–000–0018", maybe},
	{"999 - 000 - 0018", maybe},
	{"999.000.0018", maybe},
	{"999/000/0018", maybe},
	{"999 000-0018", maybe},
	{"99900 00018", maybe},
	{"999000 0018", maybe},
	{"999 0000018", maybe},
	{"9 9 9  0 0 0  0 0 1 8", maybe},
	{"NHS no 9990000018", one},
	{"NHS No. 9990000018", one},
	{"NHS number: 9990000018", one},
	{"NHSNumber=9990000018", one},
	{"NHSNo9990000018", one},
	{"NHS_No_9990000018", one},
	{"NHS-number-9990000018", one},
	{"NHS/CHI number 999-000-0018", one},
	{"NHS #9990000018", one},
	{"N.H.S. No 9990000018", one},
	{"CHI 9990000018", one},
	{"CHI 999000-0018", one},
	{"chi number 9990000018", one},
	{"tai chi 9990000018", maybe},
	{"H&C Number: 9990000018", one},
	{"H&C No 999-000-0018", one},
	{"MRN 9990000018", one},
	{"DOB 01/01/1980, 9990000018", one},
	{"D.O.B. 1/1/80 9990000018", one},
	{"date of birth 01/01/1980 9990000018", one},
	{"the patient (9990000018)", one},
	{"9990000018 is the patient's number", one},
	{"9990000018Date of birth", one},
	{"Hospital number 9990000018", one},
	{"Rhif GIG 9990000018", one},
	{"NHS number:\n9990000018", one},
	{"NHS number:\t9990000018", one},
	{"NHS number:\t\t9990000018", one},
	{"Tel/NHS no: 9990000018", one},
	{"Tel 0113 496 0000 NHS no 9990000018", one},
	{"Patient ref 9990000018", one},
	{"9990000018.0 patient", one},
	{"patient 9990000018.", one},
	{"patient '9990000018'", one},
	{`patient ="9990000018"`, one},
	{"patient,9990000018,01/01/1980", one},
	{"https://a.example/x?n=1 patient 9990000018", one},
	{"patient " + strings.Repeat("x", 91) + " 9990000018", one},
	{"patient " + strings.Repeat("x", 92) + " 9990000018", one},
	{"patient " + strings.Repeat("x", 99) + " 9990000018", maybe},
	{"patient " + strings.Repeat("é", 98) + " 9990000018", one},
	{"patient " + strings.Repeat("é", 99) + " 9990000018", maybe},
	{"9990000018 " + strings.Repeat("x", 98) + " patient", one},
	{"9990000018 " + strings.Repeat("x", 99) + " patient", maybe},
	{"patient\f9990000018", maybe},
	{"NHS 9990000018", one},
	{"Leeds NHS\n9990000018", maybe},
	{"NHS9990000018", one},
	{"NHS999 000 0018", one},
	{"Pt 9990000018", one},
	{"Service user: 9990000018", one},
	{"NHS ref 9990000018", one},
	// Forms have a cell for each digit, or for each group.
	{"NHS Number\t9\t9\t9\t0\t0\t0\t0\t0\t1\t8", one},
	{"NHS Number\n9\t9\t9\t0\t0\t0\t0\t0\t1\t8\n", one},
	{"NHS Number\t999\t000\t0018\n", one},
	{"Scores\t9\t9\t9\t0\t0\t0\t0\t0\t1\t8", ""},
	{"NHS Number\t9\t9\t9\t0\t0\t0\t0\t0\t1\t8\t1", ""},
	{"999\t000\t0018", ""},
	{"Patient\t999\t000\t0018", ""},
	// A spreadsheet can put commas into it.
	{"NHS Number: 9,990,000,018", one},
	{"NHS Number: 999,000,0018", one},
	{"999,000,0018 patients", ""},
	{"Patients: 9,990,000,018", ""},
	// A cell says what the cell beside it and the cells below it are about.
	{"Patient\tSmith, 9990000018", one},
	{"Patient\tClinic\nSmith 9990000018\tLeeds", one},
	{"Supplier\tSmith, 9990000018", maybe},
	// Names of columns
	{"PatNHSNo\tName\n9990000018\tSmith", one},
	{"NEWNHSNO\n9990000018\n", one},
	{"PatientNhsNumber\t9990000018", one},
	{"InTheNHSNorth\t9990000018", maybe},
	// Clinical messages
	{"PID|1||9990000018^^^NHS^NH||SMITH^JOHN||19700101|M", one},
	{"PID|1||9990000018^8^M11^NHSNBR||SMITH", one},
	{"PID|1||9990000018^^^RXX^PI||SMITH", maybe},
	{`<id root="2.16.840.1.113883.2.1.4.1" extension="9990000018"/>`, one},
	{`<id extension="9990000018" root="2.16.840.1.113883.2.1.4.1"/>`, one},
	{"John Smith 999 000 0018 01632 960123", one},
	// Other numbers of ten digits
	{"Zoom meeting ID: 999 000 0018", maybe},
	{"Phone conference ID: 999 000 0018#", ""},
	{"Ticket 9990000018 patient system is down", maybe},
	{"Patient transport line: 9990000018", maybe},
	{"Batch 9990000018: patient recall", maybe},
	{"Anytown NHS Trust 9990000018", maybe},
	{"from the NHS. No 9990000018", maybe},
	{"outpatients 9990000018", maybe},
	{"inpatient 9990000018", maybe},
	{"impatient 9990000018", maybe},

	{"NHS: 9990000018", one},
	{"NHS=9990000018", one},
	{"Telephone clinic 999 000 0018", one},
	{"tel appt: 999 000 0018", one},
	{"please call re 999 000 0018", one},
	{"card sent to 999 000 0018", one},
	{"patient, 44 999 000 0018", one},
	{"Mum + 2 999 000 0018", one},
	{"Smith (44), 999 000 0018", one},
	{"Smith (44) 999 000 0018", maybe},
	{"Smith (1980) 999 000 0018", one},
	{"(1) 999 000 0018", one},
	{"(2)999 000 0018", one},
	{"(01/01/1980) 999 000 0018", one},
	{"(0999) 999 000 0018", ""},
	{"(999) 999 000 0018", ""},
	{"(+44)999 000 0018", ""},
	{"(+44) 9990000018", ""},
	{"LS1 999 000 0018", one},
	{"Ward B1 999 000 0018", one},
	{"09:30 999 000 0018", one},
	{"999 000 0018 1234567", one},
	{"1234567 999 000 0018", one},
	{"+44 7700 900123 999 000 0018", one},
	{"NHS no 999 000 0018 mobile\n", one},
	{"999 000 0018 (mobile 07700 900123)", one},

	{"NHS_9990000018.pdf", one},
	{"NHS-9990000018", one},
	{"Smith_9990000018.pdf", maybe},
	{"Smith-9990000018.pdf", maybe},
	{"Smith 999 000 0018.pdf", one},
	{"Smith_John_999_000_0018.pdf", maybe},
	{"9990000018_Smith.pdf", maybe},
	{"Patient_Smith_9990000018.pdf", one},
	{"smith1_9990000018", ""},
	{"ABC_9990000018", ""},
	{"3f2e-abcd-9990000018", ""},
	{"?999 000 0018", one},
	{"NHS no ?999 000 0018", one},
	{"3.999 000 0018", maybe},
	{"Smith999 000 0018", maybe},
	{"999 000 0018Smith", maybe},
	{"patient Smith999 000 0018", one},
	{"999 000 0018:01/01/1980", maybe},

	// Tables.
	{header + "Smith\t9990000018\t0113 496 0000\n", one},
	{header + strings.Repeat("Smith\t9990000018\t4010232137\n", 20), "nhs-number 1"},
	{header + strings.Repeat("Smith\t\t4010232137\n", 20), ""},
	{"Name\tOrder\nSmith\t9990000018\n", maybe},
	{"Name\tDate of birth\tReference\nSmith\t01/01/1980\t9990000018\n", maybe},
	{"List of March\n\n" + header + "Smith\t9990000018\t\n", one},
	{header + "Smith\t\"9990000018\"\t\n", one},
	{"NHS No\n" + strings.Repeat("4010232137\n9990000018\n", 20), two},
	{"NHS\n\n\n" + strings.Repeat("x\n", 200) + "9990000018\n", one},
	{"NHS No\n\f" + "9990000018\n", maybe},
	{"NHS No\n" + strings.Repeat("a line of prose that is too long to be a row of a table, ", 3) + "\n9990000018\n", maybe},
	{"NHS No\tMobile\n\t\n" + strings.Repeat("x\ty\n", 100) + "\t9990000018", ""},
	{"Name\tMobile\nJohn\t999 000 0018", ""},
	{"Mobile\t999 000 0018", ""},
	{"Mobile:\n999 000 0018", ""},
	{"Telephone\n0113 496 0000\n\n" + strings.Repeat("x\n", 50) + "999 000 0018\n", one},
	{strings.Repeat("\t", 300) + "999 000 0018", one},
	{"NHS No" + strings.Repeat("\t", 300) + "9990000018", maybe},
	{"patient\tx\t9990000018", maybe},
	{"x\tfor patient 9990000018\ty", one},

	// Phones.
	{"+44 999 000 0018", ""},
	{"+44 9990000018", ""},
	{"+449990000018", ""},
	{"+44 (0) 999 000 0018", ""},
	{"+44 (0)999 000 0018", ""},
	{"+44(0)9990000018", ""},
	{"+44-999-000-0018", ""},
	{"0044 999 000 0018", ""},
	{"00 44 999 000 0018", ""},
	{"00449990000018", ""},
	{"0044 9990000018", ""},
	{"44 999 000 0018", maybe},
	{"44 9990000018", maybe},
	{"09990 000018", ""},
	{"07700 900 123", ""},
	{"07700900123", ""},
	{"+1 999 000 0018", ""},
	{"+1 (999) 000-0018", ""},
	{"1-999-000-0018", ""},
	{"(999) 000-0018", ""},
	{"(999) 000 0018", ""},
	{"+353 86 999 000 0018", ""},
	{"Tel 999 000 0018", ""},
	{"Tel: 9990000018", ""},
	{"tel:9990000018", ""},
	{"Tel. No.: 999 000 0018", ""},
	{"T: 999 000 0018", ""},
	{"M: 999 000 0018", ""},
	{"Mob 999 000 0018", ""},
	{"Mobile (work): 9990000018", ""},
	{"Mobile (patient): 9990000018", ""},
	{"patient mobile: 9990000018", ""},
	{"Fax 999-000-0018", ""},
	{"ext 9990000018", ""},
	{"Call us on 999 000 0018", ""},
	{"phone the patient on 9990000018", ""},
	{"Contact number 999 000 0018", ""},
	{"Tel: 0113 496 0000 / 999 000 0018", ""},
	{"Tel: 0113 496 0000 or 999 000 0018", ""},
	{"999 000 0018 x123", ""},
	{"999-000-0018 ext. 12", ""},
	{"999-000-0018 (fax)", ""},
	{"999-000-0018 fax\n", ""},
	{"999 000 0018 extra", one},

	// Parts of something longer.
	{"1234 999 000 0018", maybe},
	{"999 000 0018 1234", maybe},
	{"1 999 000 0018", maybe},
	{"12345 999000 0018", ""},
	{"99900000181", ""},
	{"9 990000018 1 2", ""},
	{"4000 0000 0400 0004", ""},
	{"4000-0000-0400-0004", ""},
	{"12/9990000018", ""},
	{"9990000018/12", ""},
	{"9990000018/smith", maybe},
	{"12-9990000018", ""},
	{"9990000018-12", ""},
	{"9990000018-12-1", ""},
	{"1.9990000018", ""},
	{"9990000018.12", ""},
	{"9990000018:12", ""},
	{"12:9990000018", ""},
	{"£9990000018", ""},
	{"£999 000 0018", ""},
	{"9990000018%", ""},
	{"AB9990000018", ""},
	{"9990000018AB", ""},
	{"9990000018A patient", ""},
	{"AB-9990000018", ""},
	{"ab_9990000018", ""},
	{"0x9990000018", ""},
	{"3f9990000018e1", ""},
	{"QUJD9990000018QUJD", ""},
	{"QUJD+9990000018==", ""},
	{"https://a.example/9990000018", ""},
	{"https://a.example/?id=9990000018&patient=1", ""},
	{"https://patient.example/a/9990000018/b", ""},
	{"www.a.example/patient=9990000018", ""},
	{"a.example/9990000018", ""},
	{"page?id=9990000018", ""},
	{"9990000018@a.example", ""},
	{"<9990000018.1@a.example>", ""},
	{"a.9990000018@a.example", ""},
	{"patient: <a$9990000018@a.example>", ""},
	{strings.Repeat("x-", 120) + "9990000018", ""},
	{"ISBN 9990000018", ""},
	{"ISBN-10: 9-990-00001-8", ""},
	{"ISBN: 999 000 0018", ""},
	{"patient invoice: order no 9990000018", maybe},
	{"Order number 9990000018 for the patient", maybe},
	{"Account no 999 000 0018", maybe},
	{"v999.000.0018", ""},
	{"4,000,000,004", ""},
	{"2026-11-29 0800", ""},
	{"20261129080000", ""},
	{"1Z9990000018", ""},
}

func TestNumbers(t *testing.T) {
	for _, s := range numberSamples {
		if got := read(Body, s.text); got != s.want {
			t.Errorf("%q: got %q, want %q", s.text, got, s.want)
		}
	}
}
