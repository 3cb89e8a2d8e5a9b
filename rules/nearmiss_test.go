package rules

import "testing"

func TestNearMissKinds(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, test := range []struct {
		text string
		want NearMissKind // empty for missing
	}{
		{"x (Secure) y", WrongBrackets},
		{"{ secure }", WrongBrackets},
		{"<secure>", WrongBrackets},
		{"(secure unit)", ""},
		{"(secure [ward] unit) x", ""},

		{"[secure x", BrokenBrackets},
		{"[secure} x", BrokenBrackets},
		{"x secure ]", BrokenBrackets},
		{"]secure[", BrokenBrackets},
		{"[]secure", BrokenBrackets},
		{"secure[]", BrokenBrackets},
		{"(secure x", BrokenBrackets},
		{"x (secure y", ""},
		{"[insecure x", ""},
		{"x insecure]", ""},
		{"[a (b) secure]", ""},
		{"[secure (b) a]", ""},
		{"[tag]secure[tag] x", ""},
		{"x secure :)", ""},

		{"[ secure ]", BlanksInside},
		{"[s-e-c.u r e!]", BlanksInside},
		{"[sec\r\n ure]", BlanksInside},

		{"[ſecure]", LookAlike},
		{"［secure］", LookAlike},
		{"[secure\u00a0]", LookAlike},
		{"[sec\u200bure x", LookAlike},
		{"ѕecure: x", LookAlike},
		{"【send secure】", LookAlike},
		{"„secure“ x", ""},

		{"[secrue]", Misspelt},
		{"(secrue)", Misspelt},
		{"[secured]", Misspelt},
		{"(secured)", ""},
		{"[secular]", ""},
		{"secrue: x", ""},

		{"[secure email]", ExtraWords},
		{"[send this securely]", ExtraWords},
		{"[securemail]", ExtraWords},
		{"[secure - x y z]", ExtraWords},
		{"(secure email)", ""},
		{"[secure unit]", ""},
		{"[insecure email]", ""},
		{"[a a a a secure a a a a]", ""},
		{"[please send this by secure email only and as secure]", ""},

		{"[Encrypt]", OtherMarker},
		{"[private and confidential]", OtherMarker},
		{"(encrypt)", ""},
		{"encrypt: x", ""},
		{"[encryption]", ""},

		{"secure", BareWord},
		{"Secure - x", BareWord},
		{"Re: secure/ x", BareWord},
		{"*secure* x", BareWord},
		{"Secure x - y", ""},
		{"Secure-x", ""},
		{"Secure [x]: y", ""},
		{"x secure: y", ""},
	} {
		t.Run(test.text, func(t *testing.T) {
			want := Reading{NearMiss, test.want}
			if test.want == "" {
				want.State = Missing
			}
			if got := m.Read(textOf(test.text)); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestIsSlip(t *testing.T) {
	for _, test := range []struct {
		typed, word string
		want        bool
	}{
		{"secure", "secure", false},
		{"secur", "secure", true},
		{"ecure", "secure", true},
		{"seccure", "secure", true},
		{"xsecure", "secure", true},
		{"secuxe", "secure", true},
		{"escure", "secure", true},
		{"secuer", "secure", true},
		{"seucer", "secure", false},
		{"sceuer", "secure", false},
		{"sure", "secure", false},
		{"securing", "secure", false},
		{"cesure", "secure", false},
		{"sxcuxe", "secure", false},
		{"", "secure", false},
		{"aaaa", "aaaaa", true},
		{"nhd", "nhs", false},
	} {
		if got := isSlip([]rune(test.typed), []rune(test.word)); got != test.want {
			t.Errorf("%q for %q: got %v, want %v", test.typed, test.word, got, test.want)
		}
	}
}
