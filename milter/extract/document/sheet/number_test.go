package sheet

import "testing"

func TestShow(t *testing.T) {
	for _, c := range []struct {
		code string
		v    float64
		want string
	}{
		{"General", 9990000018, "9990000018"},
		{"General", 0.5, "0.5"},
		{"General", 1e20, "100000000000000000000"},
		{`000\ 000\ 0000`, 9990000018, "999 000 0018"},
		{"000 000 0000", 101010000, "010 101 0000"},
		{"000\u00a0000\u00a00000", 9990000018, "999\u00a0000\u00a00018"},
		{"000-000-0000;;@", 9990000018, "999-000-0018"},
		{`"NHS "000" "000" "0000`, 9990000018, "NHS 999 000 0018"},
		{"[Blue]### ### ####", 9990000018, "999 000 0018"},
		{"### ### ####", 18, "  18"},
		{"[<=9999999]###-####;(###) ###-####", 99900000, "9990-0000"},
		{`"1"000 000`, 123456, "1123 456"},
		{"#,##0", 9990000018, "9990000018"},
		{"0.00", 9990000018, "9990000018"},
		{"0000000000", 101010000, "0101010000"},
		{"000 000 0000", -5, "-5"},
		{"dd/mm/yyyy", 46000, ""},
		{"[$-809]d mmm yy;@", 46000, ""},
		{"[h]:mm", 1.5, ""},
		{`"day "0`, 7, "7"},
		{`0\d`, 7, "7"},
	} {
		if got := NewFormat(c.code).Show(c.v); got != c.want {
			t.Errorf("%s shows %v as %q, not %q", c.code, c.v, got, c.want)
		}
	}
	if Builtin(14).Show(46000) != "" || Builtin(1).Show(7) != "7" {
		t.Error("a built-in format")
	}
}

func TestRK(t *testing.T) {
	for n, want := range map[uint32]float64{0x3ff00000: 1, 7<<2 | 2: 7, 1234<<2 | 3: 12.34, 0xfffffffe: -1} {
		if got := RK(n); got != want {
			t.Errorf("%#x is %v, not %v", n, got, want)
		}
	}
}

func TestHeaderText(t *testing.T) {
	for code, want := range map[string]string{
		`&L&"Arial,Bold"&12OFFICIAL&CPage &P&RA && B`: "\nOFFICIAL\nPage \nA & B",
		"&K01+000x": "x", "&": "&", `&"open`: "open",
	} {
		if got := HeaderText(code); got != want {
			t.Errorf("%q shows %q, not %q", code, got, want)
		}
	}
}
