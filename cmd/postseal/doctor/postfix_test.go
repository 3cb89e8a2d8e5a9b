package doctor

import (
	"reflect"
	"slices"
	"testing"
)

func TestSplitList(t *testing.T) {
	for list, want := range map[string][]string{
		"":                                {},
		" a,b  c\t":                       {"a", "b", "c"},
		"{ inet:h:1, a=b }, unix:x":       {"{ inet:h:1, a=b }", "unix:x"},
		"regexp:{ { /x$/ y } },hash:/a/b": {"regexp:{ { /x$/ y } }", "hash:/a/b"},
	} {
		if got := splitList(list); !slices.Equal(got, want) {
			t.Errorf("%q: got %q", list, got)
		}
	}
}

func TestMilters(t *testing.T) {
	got := parseMilters("unix:a/b, { inet:[::1]:2, connect_timeout=10s, { default_action = accept } }")
	want := []milterEntry{
		{Text: "unix:a/b", Socket: "unix:a/b", Params: map[string]string{}},
		{Text: got[1].Text, Socket: "inet:[::1]:2", Params: map[string]string{"connect_timeout": "10s", "default_action": "accept"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}
