package main

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
)

// configKey is a key of the configuration, as in "marker.words".
type configKey struct {
	name  string
	value reflect.Value
}

// configKeys walks the tags that the decoder goes by.
func configKeys(table reflect.Value, prefix string) (keys []configKey) {
	for i := range table.NumField() {
		value := table.Field(i)
		name := prefix + table.Type().Field(i).Tag.Get("toml")
		isTable := value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct
		switch {
		case isTable:
			keys = append(keys, configKeys(reflect.New(value.Type().Elem()).Elem(), name+".")...)
		case value.Kind() == reflect.Struct:
			keys = append(keys, configKeys(value, name+".")...)
		default:
			keys = append(keys, configKey{name, value})
		}
	}
	return keys
}

func defaults(t *testing.T) []configKey {
	t.Helper()
	c, err := config.Parse("built-in configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	return configKeys(reflect.ValueOf(c.File), "")
}

// inTable gives the line of a key below the header of its table.
func inTable(key, line string) string {
	table, _, ok := strings.Cut(key, ".")
	switch {
	case !ok:
		return line + "\n"
	case table == "policy":
		return "[[policy]]\n" + line + "\n"
	}
	return "[" + table + "]\n" + line + "\n"
}

func TestManConfigKeys(t *testing.T) {
	page := readManPage(t, "postseal.toml.5")
	var keys, policyKeys []string
	for _, key := range defaults(t) {
		if name, ok := strings.CutPrefix(key.name, "policy."); ok {
			policyKeys = append(policyKeys, "policy."+name)
		} else {
			keys = append(keys, key.name)
		}
	}
	same(t, "KEYS", page.below("KEYS"), keys)
	same(t, "POLICIES", page.below("POLICIES"), policyKeys)
}

// TestManDefaultsAndExamples decodes both, and an example must say something
// else than the default.
func TestManDefaultsAndExamples(t *testing.T) {
	page := readManPage(t, "postseal.toml.5")
	for _, key := range defaults(t) {
		section := page["KEYS/"+key.name]
		if section == nil {
			continue
		}
		last := key.name[strings.LastIndexByte(key.name, '.')+1:]
		value := func(label, form string) string {
			match := regexp.MustCompile(`(?m)^` + label + ": `(.*)`$").FindStringSubmatch(section.text)
			if match == nil {
				t.Fatalf("%s: no %s", key.name, label)
			}
			c, err := config.Parse(label, []byte(inTable(key.name, fmt.Sprintf(form, match[1]))))
			if err != nil {
				t.Fatalf("%s: %v", key.name, err)
			}
			all := configKeys(reflect.ValueOf(c.File), "")
			i := slices.IndexFunc(all, func(k configKey) bool { return k.name == key.name })
			return fmt.Sprintf("%v", all[i].value)
		}
		want := fmt.Sprintf("%v", key.value)
		if got := value("Default", last+" = %s"); got != want {
			t.Errorf("%s: the page has the default %s, the program %s", key.name, got, want)
		}
		if got := value("Example", "%s"); got == want {
			t.Errorf("%s: the example is the default", key.name)
		}
	}
}

// exampleOf reads the line of a section that has the example.
func exampleOf(t *testing.T, page manPage, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page.section(t, title).text, "Example: `")
	if !ok {
		t.Fatalf("%s: no example", title)
	}
	line, _, _ := strings.Cut(rest, "`\n")
	return line
}

// TestManPolicyExamples loads each with one of the actions that it may go
// with.
func TestManPolicyExamples(t *testing.T) {
	page := readManPage(t, "postseal.toml.5")
	for _, title := range page.below("POLICIES") {
		line := exampleOf(t, page, "POLICIES/"+title)
		key, _, _ := strings.Cut(line, " ")
		var err error
		for _, action := range []string{"tag", "reject"} {
			policy := "[[policy]]\n"
			for _, other := range []string{`name = "x"`, fmt.Sprintf("action = %q", action), line} {
				if other == line || !strings.HasPrefix(other, key+" ") {
					policy += other + "\n"
				}
			}
			if _, err = config.Build("example", []byte(policy+"[[policy]]\nname = \"rest\"\naction = \"tag\"\n")); err == nil {
				break
			}
		}
		if err != nil || "policy."+key != title {
			t.Errorf("%s: %s: %v", title, line, err)
		}
	}
}

// valuesOf asks the decoder of a type which values it takes.
func valuesOf(t *testing.T, of reflect.Type) []string {
	t.Helper()
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	decoder, ok := reflect.New(of).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return nil
	}
	err := decoder.UnmarshalText([]byte("?"))
	if err == nil {
		t.Fatalf("%v takes any value", of)
	}
	return noneOf(t, err.Error())
}

// TestManConfigValues holds that the page has each value that a key takes. A
// policy takes not all classes.
func TestManConfigValues(t *testing.T) {
	page := readManPage(t, "postseal.toml.5")
	tried := 0
	for _, key := range defaults(t) {
		values := valuesOf(t, key.value.Type())
		if key.name == "rules.edition" {
			values = editions.Names()
		}
		if len(values) == 0 {
			continue
		}
		tried++
		if key.name == "policy.recipient" {
			values = slices.DeleteFunc(values, func(v string) bool {
				_, err := config.Build("x", []byte("[[policy]]\nname = \"a\"\nrecipient = [\""+v+"\"]\naction = \"tag\"\n[[policy]]\nname = \"rest\"\naction = \"tag\"\n"))
				return err != nil
			})
		}
		section := page["KEYS/"+key.name]
		if section == nil {
			section = page.section(t, "POLICIES/"+key.name)
		}
		same(t, key.name, section.names(), values)
	}
	if tried < 10 {
		t.Errorf("only %d keys with fixed values", tried)
	}
	formats := valuesOf(t, reflect.TypeFor[shown.Format]())
	same(t, "ADDRESSES", readManPage(t, "postseal-log.5").section(t, "ADDRESSES").names(), formats)
}

func TestManShippedPolicies(t *testing.T) {
	code := strings.Join(readManPage(t, "postseal.toml.5").section(t, "SHIPPED POLICIES").code, "\n")
	var file config.File
	if _, err := toml.Decode(code, &file); err != nil {
		t.Fatal(err)
	}
	policies, err := file.Policies()
	if err != nil {
		t.Fatal(err)
	}
	if want := rules.ShippedPolicies(); !reflect.DeepEqual(policies, want) {
		t.Errorf("got %+v\nwant %+v", policies, want)
	}
}

// TestManExamplesLoad puts the example of a rule file where that of the
// configuration looks for it.
func TestManExamplesLoad(t *testing.T) {
	example := strings.Join(readManPage(t, "postseal.toml.5").section(t, "EXAMPLE").code, "\n")
	example = strings.NewReplacer("/etc/postseal/rules.d/", "/DIR/", "/var/lib/postseal/", "../../testdata/").Replace(example)
	config := configtest.Write(t, strings.ReplaceAll(example, "*.toml", "*.rules"))
	put(t, config, "local.rules", strings.Join(readManPage(t, "postseal-rules.5").section(t, "EXAMPLE").code, "\n"))
	for input, want := range map[string]string{
		"hospice.example":    "2027-01-31",
		"x.partner.example":  "IG group decision 2026/15",
		"clinic@example.org": "the mailbox is forwarded",
		"a@x.trust.example":  "local_domains",
	} {
		if code, stdout, stderr := runWith("", "lookup", "-config", config, input); code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("%s: exit %d, no %q in %s%s", input, code, want, stdout, stderr)
		}
	}
}
