package main

import (
	"bytes"
	"encoding"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/cmd/postseal/doctor"
	"github.com/postseal/postseal/cmd/postseal/queue"
	"github.com/postseal/postseal/cmd/postseal/replay"
	"github.com/postseal/postseal/cmd/postseal/report"
	"github.com/postseal/postseal/milter/mantest"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// TestManPagesRender checks the pages with the warnings of groff.
func TestManPagesRender(t *testing.T) {
	sources, err := filepath.Glob("../../contrib/man/*.md")
	if err != nil || len(sources) != 6 {
		t.Fatalf("got %q, %v", sources, err)
	}
	for _, source := range sources {
		page := strings.TrimSuffix(filepath.Base(source), ".md")
		rendered := filepath.Join(t.TempDir(), page)
		if err := os.WriteFile(rendered, md2man.Render(readFile(t, source)), 0o644); err != nil {
			t.Fatal(err)
		}
		man := exec.Command("man", "--warnings", "--local-file", rendered)
		man.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80")
		var faults bytes.Buffer
		man.Stderr = &faults
		shown, err := man.Output()
		dot := strings.LastIndexByte(page, '.')
		name, section := page[:dot], page[dot+1:]
		if err != nil || faults.Len() > 0 || !strings.HasPrefix(string(shown), name+"("+section+")") || !strings.Contains(string(shown), "\nNAME\n       "+name+" - ") {
			t.Errorf("%s: %v: %s in:\n%.200s", page, err, faults.String(), shown)
		}
	}
}

// inFile returns what the group of a pattern matches in a file.
func inFile(t *testing.T, path, pattern string) []string {
	t.Helper()
	return mantest.Found(string(readFile(t, path)), pattern)
}

// oneOf returns the values that an error names, as in `"?" is not one of ["a" "b"]`.
func oneOf(text string) []string {
	_, list, _ := strings.Cut(text, "is not one of [")
	list, _, _ = strings.Cut(list, "]")
	return mantest.Found(list, `"([^"]*)"`)
}

// flagsOf returns the options of a command.
func flagsOf(command string) []string {
	_, _, usage := runWith("", command, "-h")
	_, options, _ := strings.Cut(usage, "\nOptions:\n")
	return mantest.Found(options, `(?m)^  (-\S+)`)
}

func TestManCommandsAndOptions(t *testing.T) {
	page := mantest.Read(t, "postseal.8")
	mantest.Same(t, "options of all commands", mantest.Names(page["COMMANDS"]), []string{"-config", "-h"})
	if !strings.Contains(page["COMMANDS"], config.Default+" ") {
		t.Errorf("-config: no %s", config.Default)
	}
	sections, withJSON := []string{"help", "-version"}, []string{}
	for _, c := range commands {
		sections = append(sections, c.name)
		flags := flagsOf(c.name)
		mantest.Same(t, c.name, append(mantest.Names(page["COMMANDS/"+c.name]), "-config"), flags)
		_, _, usage := runWith("", c.name, "-h")
		for _, flag := range flags {
			synopsis := regexp.MustCompile(`postseal ` + c.name + ` (?:.*\n {15,})*.*[\[ ]` + flag + `[\] ]`)
			if !synopsis.MatchString(page["SYNOPSIS"]) || !synopsis.MatchString(usage) {
				t.Errorf("postseal %s %s is missing from the SYNOPSIS or from -h", c.name, flag)
			}
			if flag == "-json" {
				withJSON = append(withJSON, c.name+" -json")
			}
		}
	}
	mantest.Same(t, "commands", page.Below("COMMANDS"), sections)
	mantest.Same(t, "JSON", page.Below("JSON"), withJSON)
	for _, name := range sections[:2] {
		if code, stdout, _ := runWith("", name); code != exitDone || stdout == "" {
			t.Errorf("postseal %s: exit %d, %s", name, code, stdout)
		}
	}
	for _, option := range mantest.Terms(page["COMMANDS/export"]) {
		spans := mantest.Found(option, mantest.Span)
		_, _, stderr := runWith("", "export", "tls-policy", spans[0], "?")
		mantest.Same(t, spans[0], spans[1:], oneOf(stderr))
	}
	var ids []string
	for _, id := range doctor.IDs() {
		ids = append(ids, string(id))
	}
	mantest.Same(t, "FINDINGS OF DOCTOR", mantest.Names(page["FINDINGS OF DOCTOR"]), ids)
	mantest.Same(t, "NEAR MISSES", mantest.Names(page["NEAR MISSES"]), inFile(t, "../../rules/marker/nearmiss.go", `Kind += "([a-z-]+)"`))
	mantest.Same(t, "EXIT STATUS", mantest.Names(page["EXIT STATUS"]), inFile(t, "main.go", `(?m)^\texit\w+ += (\d+)$`))
}

func TestManJSON(t *testing.T) {
	page := mantest.Read(t, "postseal.8")
	for name, of := range map[string]reflect.Type{
		"lookup -json": reflect.TypeFor[answer](), "explain -json": reflect.TypeFor[explanation](), "import -json": reflect.TypeFor[importReport](),
		"replay -json": reflect.TypeFor[replay.Report](), "report -json": reflect.TypeFor[report.Report](),
		"doctor -json": reflect.TypeFor[doctor.Finding](),
	} {
		mantest.Same(t, name, mantest.Typed(page["JSON/"+name]), mantest.Fields(of))
	}
	ofDaemon := mantest.Read(t, "postseal-metrics.5")["STATUS"]
	mantest.Same(t, "status -json", append(mantest.Typed(page["JSON/status -json"]), mantest.Typed(ofDaemon)...), mantest.Fields(reflect.TypeFor[statusReport]()))
	_, ops, _ := strings.Cut(page["JSON/explain -json"], "The values of `op` are ")
	ops, _, _ = strings.Cut(ops, "\n")
	mantest.Same(t, "op", mantest.Found(ops, mantest.Span), inFile(t, "../../milter/message/edit.go", `Op += "(\w+)"`))
}

// keysOf returns the keys of a configuration with their types, by names such as
// "marker.words".
func keysOf(of reflect.Type, prefix string, keys map[string]reflect.Type) {
	for i := range of.NumField() {
		key, name := of.Field(i).Type, prefix+of.Field(i).Tag.Get("toml")
		if key.Kind() == reflect.Slice && key.Elem().Kind() == reflect.Struct {
			key = key.Elem()
		}
		if key.Kind() == reflect.Struct {
			keysOf(key, name+".", keys)
		} else {
			keys[name] = key
		}
	}
}

// valuesOf returns the words that a type accepts, or nil if it accepts any
// text.
func valuesOf(of reflect.Type) []string {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if decoder, ok := reflect.New(of).Interface().(encoding.TextUnmarshaler); ok {
		return oneOf(decoder.UnmarshalText([]byte("?")).Error())
	}
	return nil
}

// exampleOf returns the line of a section that sets the key.
func exampleOf(t *testing.T, name, section string) string {
	t.Helper()
	line := strings.Join(mantest.Found(section, "(?m)^Example: `(.*)`$"), "")
	if key := name[strings.LastIndexByte(name, '.')+1:]; !strings.HasPrefix(line, key+" = ") {
		t.Errorf("%s: the example is %q", name, line)
	}
	return line + "\n"
}

const restPolicy = "[[policy]]\nname = \"rest\"\naction = \"tag\"\n"

// TestManConfig compares the keys, defaults, examples and values with the
// program.
func TestManConfig(t *testing.T) {
	page, keys, names := mantest.Read(t, "postseal.toml.5"), make(map[string]reflect.Type), []string{}
	keysOf(reflect.TypeFor[config.File](), "", keys)
	var defaults, examples, policies, patterns string
	for name, of := range keys {
		names = append(names, name)
		section := page["KEYS/"+name] + page["PATTERNS/"+name] + page["POLICIES/"+name]
		example := exampleOf(t, name, section)
		switch table, _, _ := strings.Cut(name, "."); table {
		case "policy":
			policies += example
		case "pattern":
			patterns += example
		default:
			examples += name[:strings.LastIndexByte(name, '.')+1] + example
			defaults += name + " = " + strings.Join(mantest.Found(section, "(?m)^Default: `(.*)`$"), "") + "\n"
		}
		values := valuesOf(of)
		switch name {
		case "rules.edition":
			values = editions.Names()
		case "policy.findings":
			values = append(values, finding.PatternPrefix+"NAME")
		case "doctor.accept": // the ids, in FINDINGS OF DOCTOR of postseal(8)
			values = nil
		case "pattern.check":
			values = []string{"mod11"}
		case "policy.recipient": // the key accepts only some classes
			values = slices.DeleteFunc(values, func(class string) bool {
				_, err := config.Build("page", []byte("[[policy]]\nname = \"x\"\naction = \"tag\"\nrecipient = [\""+class+"\"]\n"+restPolicy))
				return err != nil
			})
		}
		if values != nil {
			mantest.Same(t, name, mantest.Names(section), values)
		}
	}
	mantest.Same(t, "keys", slices.Concat(page.Below("KEYS"), page.Below("PATTERNS"), page.Below("POLICIES")), names)
	builtIn, _ := config.Parse("page", nil)
	c, err := config.Parse("defaults", []byte(defaults))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(c.File) != fmt.Sprint(builtIn.File) {
		t.Errorf("the page has the defaults %+v\nthe program %+v", c.File, builtIn.File)
	}
	if _, err := config.Build("examples", []byte("[[pattern]]\n"+patterns)); err != nil {
		t.Error(err)
	}
	if _, err := config.Parse("examples", []byte(examples+"[[policy]]\n"+policies)); err != nil {
		t.Error(err)
	}
	for action, other := range map[string]string{"tag": "reply", "reject": "add_marker"} {
		policy := regexp.MustCompile("(?m)^(action|"+other+") = .*$").ReplaceAllString(policies, "")
		if _, err := config.Build(action, []byte(fmt.Sprintf("[[policy]]\naction = %q\n", action)+policy+restPolicy)); err != nil {
			t.Error(err)
		}
	}
	var shipped config.File
	if _, err := toml.Decode(strings.Join(mantest.Found(page["SHIPPED POLICIES"], "(?m)^    (.*)$"), "\n"), &shipped); err != nil {
		t.Fatal(err)
	}
	if got, err := shipped.Policies(); err != nil || !reflect.DeepEqual(got, rules.ShippedPolicies()) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, rules.ShippedPolicies())
	}
}

// withRules writes a configuration and a rule file that it names.
func withRules(t *testing.T, text, rules string) (path string) {
	t.Helper()
	path = configtest.Write(t, text)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "local.rules"), []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func loadRules(t *testing.T, rules string) error {
	t.Helper()
	_, err := config.Load(withRules(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n", rules))
	return err
}

// TestManRules compares the keys with those in the error about an unknown key,
// loads the examples of both pages, and checks the words of the table.
func TestManRules(t *testing.T) {
	page := mantest.Read(t, "postseal-rules.5")
	var keys []string
	var table, domain string
	for _, header := range []string{"[table]", "[[domain]]"} {
		prefix := strings.Trim(header, "[]") + "."
		list := mantest.Found(loadRules(t, header+"\nqqqqqqqqqqqq = 1\n").Error(), `the keys of \S+ are (.*)`)
		for _, key := range mantest.Found(strings.Join(list, ""), `\b([a-z_]+)(?:,| and|$)`) {
			keys = append(keys, prefix+key)
		}
	}
	mantest.Same(t, "RULE FILES", page.Below("RULE FILES"), keys)
	for _, name := range keys {
		if example := exampleOf(t, name, page["RULE FILES/"+name]); strings.HasPrefix(name, "table.") {
			table += example
		} else {
			domain += example
		}
	}
	for _, other := range []string{"address", "name|subdomains"} {
		row := regexp.MustCompile("(?m)^("+other+") = .*$").ReplaceAllString(domain, "")
		if err := loadRules(t, "[table]\n"+table+"[[domain]]\n"+row); err != nil {
			t.Error(err)
		}
	}

	config := strings.NewReplacer("/etc/postseal/rules.d/*.toml", "/DIR/*.rules", "/var/lib/postseal/", "../../testdata/").Replace(mantest.Read(t, "postseal.toml.5")["EXAMPLE"])
	path := withRules(t, config, page["EXAMPLE"])
	for input, want := range map[string]string{
		"hospice.example": "2027-01-31", "x.partner.example": "IG group decision 2026/15", "clinic@example.org": "the mailbox is forwarded", "a@x.trust.example": "local_domains",
	} {
		if code, stdout, stderr := runWith("", "lookup", "-config", path, input); code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("%s: exit %d, no %q in %s%s", input, code, want, stdout, stderr)
		}
	}
}

// TestManTable checks the words of the table, and the domains that the editions
// trust.
func TestManTable(t *testing.T) {
	page := mantest.Read(t, "postseal-rules.5")
	mantest.Same(t, "CLASSES", mantest.Names(page["CLASSES"]), valuesOf(reflect.TypeFor[table.Class]()))
	mantest.Same(t, "ADDRESSES", mantest.Names(mantest.Read(t, "postseal-log.5")["ADDRESSES"]), valuesOf(reflect.TypeFor[shown.Format]()))
	if names := `"` + strings.Join(mantest.Names(page["LAYERS"]), `", "`) + `"`; !slices.Contains(inFile(t, "../../rules/table/row.go", `layerNames = .*\{(.*)\}`), names) {
		t.Errorf("the layers, from the strongest, are not %s", names)
	}
	mantest.Same(t, "EDITIONS", mantest.Names(page["EDITIONS"]), editions.Names())
	for _, edition := range mantest.Terms(page["EDITIONS"]) {
		name := strings.Split(edition, "`")[1]
		loaded, err := table.Load(table.Sources{Edition: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var secure []string
		for _, row := range loaded.Rows() {
			if row.Class == table.Secure {
				secure = append(secure, row.Name)
			} else if row.Class == table.Closed && !strings.Contains(page["EDITIONS"], row.Name) {
				t.Errorf("the retired name %s is missing", row.Name)
			}
		}
		list := mantest.Found(edition, `Secure(?:, with all names below them)?: (.*?)(?:\. | itself)`)
		mantest.Same(t, name, strings.Split(strings.Join(list, ""), ", "), secure)
	}
	trusted := mantest.Found(strings.Join(mantest.Found(page["REFUSED ROWS"], `because an edition trusts them: (.*?)\. `), ""), `([a-z.]+\.uk)`)
	for _, name := range append(trusted, "co.uk", "nhs.uk") {
		rows := configtest.Rule(name, "secure", "subdomains = true")
		for _, retired := range []string{"gsi", "gcsx", "gsx", "gse"} {
			rows += configtest.Rule(retired+".gov.uk", "closed", "subdomains = true")
		}
		if err := loadRules(t, "[table]\nname = \"local\"\n"+rows); slices.Contains(trusted, name) != (err == nil) || len(trusted) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadmeAlerts checks that README and postseal-log(5) alert on all events
// that are warnings or errors.
func TestReadmeAlerts(t *testing.T) {
	var alerts []string
	page := mantest.Read(t, "postseal-log.5")
	for _, title := range page.Below("EVENTS") {
		alerts = append(alerts, mantest.Found(title, "(.*) (?:WARN|ERROR)$")...)
	}
	mantest.Same(t, "ALERTS", mantest.Names(page["ALERTS"]), alerts)
	list := inFile(t, "../../README.md", "these values of `msg`: (.*)[.] Also")
	mantest.Same(t, "README", mantest.Found(strings.Join(list, ""), mantest.Span), alerts)
}

// TestManTextfile checks the metrics of status and doctor in postseal-metrics(5).
func TestManTextfile(t *testing.T) {
	page := mantest.Read(t, "postseal-metrics.5")
	const metric = `(?m)^# TYPE (\w+) gauge`
	mantest.Same(t, "QUEUE", mantest.Names(page["QUEUE"]), mantest.Found(prometheusText(queue.Figures{}, time.Now()), metric))
	mantest.Same(t, "DOCTOR", mantest.Names(page["DOCTOR"]), mantest.Found(findingsMetrics(nil, time.Now()), metric))
}
