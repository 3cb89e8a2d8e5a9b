package maillog

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mantest"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// events has one value of every event, with a value in every field.
var events = []Event{
	Decision{
		QueueID: "4bKX8Q1zZqz9sT", Client: "192.0.2.7", Auth: "ward7", Sender: "ward@trust.example",
		Action: rules.Divert, Mode: rules.Enforce, Marker: marker.NearMiss, NearMiss: marker.Misspelt,
		Findings: []Finding{
			{Finding: finding.Finding{Name: finding.NHSNumber, Count: 2, Part: "1"}},
			{Finding: finding.Finding{Name: finding.Unreadable, Reason: finding.Encrypted, Part: "2/1"}},
			{Finding: finding.Finding{Name: finding.LookAlike}, Meant: "nhs.net"},
		},
		Recipients: []Recipient{{
			Address: "duty@nhs.nte", Class: table.Unknown, Row: "nhs.nte", Policy: "marked", Action: rules.Divert,
			Findings: []Finding{{Finding: finding.Finding{Name: finding.LookAlike}, Meant: "nhs.net"}},
		}},
		RecipientCount: 1, ByClass: counts[table.Class]{table.Unknown: 1}, ByAction: counts[rules.Action]{rules.Divert: 1},
		Reason: "policy marked", Config: "3f2a9c0d71be", TookUS: 412,
	},
	DecisionRecipients{
		QueueID: "4bKX8Q1zZqz9sT", Config: "3f2a9c0d71be",
		Recipients: []Recipient{{Address: "bob@gmail.com", Class: table.Unknown, Row: "gmail.com", Policy: "rest", Action: rules.Tag, Findings: []Finding{}}},
	},
	RefusedRecipient{
		QueueID: "4bKX8Q1zZqz9sT", Client: "192.0.2.7", Sender: "ward@trust.example", Address: "duty@council.gcsx.gov.uk",
		Class: table.Closed, Row: "gcsx.gov.uk", Reason: "gcsx.gov.uk was switched off in March 2019", Kind: "closed", Config: "3f2a9c0d71be",
	},
	ReadingsDiffer{QueueID: "4bKX8Q1zZqz9sT", Domain: "trust.example", Resolved: "gmail.com", Class: table.Unknown, Config: "3f2a9c0d71be"},
	LinesLeftOut{QueueID: "4bKX8Q1zZqz9sT", Client: "192.0.2.7", RefusedRecipient: 12, ReadingsDiffer: 3, Config: "3f2a9c0d71be"},
	InternalError{QueueID: "4bKX8Q1zZqz9sT", Fault: "runtime error: index out of range [3] with length 3", Stack: "main.main\n\tmain.go:1\n"},
	LinesLost{Lost: 17, Since: "2026-11-29T08:58:12Z", Reason: "no space left on device"},
	SessionBroken{QueueID: "4bKX8Q1zZqz9sT", Client: "192.0.2.7", Reason: "a packet is incomplete: unexpected EOF"},
	TooManyConnections{Limit: 4096},
	ConnectionsTakenAgain{Refused: 5},
	SocketLost{Listen: "/run/postseal/postseal.sock", Reason: "the file is gone or replaced"},
	SocketOpened{Listen: "/run/postseal/postseal.sock"},
	Started{
		Version: "0.1.0", Listen: "/run/postseal/postseal.sock", File: "/etc/postseal/postseal.toml",
		Mode: rules.Enforce, Edition: "nhsmail-2022", Rows: 1204, Config: "3f2a9c0d71be",
	},
	Reloaded{Cause: "file changed", ConfigRefused: true, Mode: rules.Enforce, Edition: "nhsmail-2022", Rows: 1204, Config: "3f2a9c0d71be"},
	ReloadRefused{Cause: "SIGHUP", Reason: "/etc/postseal/postseal.toml:3: unknown key x", Config: "3f2a9c0d71be"},
	Draining{Messages: 2},
	Stopped{CutOff: 1},
	ListOld{File: "/var/lib/postseal/accredited.csv", AgeDays: 15, MaxAge: 14},
	RowExpired{Row: "hospice.example", File: "/etc/postseal/rules.d/local.toml", Expires: "2026-11-28"},
	RowExpiresSoon{Row: "partner.example", File: "/etc/postseal/rules.d/local.toml", Expires: "2026-12-06", DaysLeft: 7},
	TableReviewDue{Table: "local", File: "/etc/postseal/rules.d/local.toml", ReviewBy: "2026-11-29"},
	Doctor{
		ID: "service-without-milter", Severity: "leak", Setting: "smtpd_milters =", Service: "submission/inet",
		Effect: "A service with this setting does not ask postseal: all its mail goes out unencrypted.",
	},
}

// unset returns the fields that have a value in no element of the list.
func unset[T any](list ...T) (fields []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(list[0])) {
		if !slices.ContainsFunc(list, func(e T) bool { return !reflect.ValueOf(e).FieldByIndex(f.Index).IsZero() }) {
			fields = append(fields, f.Name)
		}
	}
	return fields
}

var timeOfLine = regexp.MustCompile(`^\{"time":"[^"]*"`)

// writtenLine returns the line of an event, at a time that is always the same.
func writtenLine(e Event) string {
	var log bytes.Buffer
	Write(boundedLog(&log), e)
	return timeOfLine.ReplaceAllString(log.String(), `{"time":"2026-11-29T09:00:00.123456789Z"`)
}

// TestExamples compares the line of each event with contrib/log/examples.jsonl.
func TestExamples(t *testing.T) {
	text, err := os.ReadFile("../../contrib/log/examples.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	logtest.Check(t, string(text))
	decoded := func(line string) (fields map[string]any) {
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	}
	examples := make(map[string]map[string]any)
	for line := range strings.Lines(string(text)) {
		e := decoded(line)
		examples[fmt.Sprint(e["msg"])] = e
	}
	for _, e := range events {
		fields := unset(e)
		if d, ok := e.(Decision); ok {
			fields = append(fields, append(unset(d.Recipients...), unset(d.Findings...)...)...)
		}
		if len(fields) > 0 {
			t.Errorf("give %T a value in %q", e, fields)
		}
		line := writtenLine(e)
		got := decoded(line)
		msg := fmt.Sprint(got["msg"])
		want := examples[msg]
		delete(examples, msg)
		for key := range want {
			if !reflect.DeepEqual(got[key], want[key]) {
				t.Errorf("%s: %s is %#v, not %#v: programs of others read the log, so no key is renamed, retyped or removed within a major version: put it back, unless you have only added to a list", msg, key, got[key], want[key])
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("%s: new keys %q: add them to contrib/log/schema.json, postseal-log(5) and CHANGELOG.md, and replace the line in contrib/log/examples.jsonl by\n%s", msg, slices.Sorted(maps.Keys(got)), line)
		}
	}
	for msg := range examples {
		t.Errorf("the event %q is gone: programs of others read the log, so no msg is renamed or removed within a major version: put it back", msg)
	}
}

// node is a part of the schema.
type node struct {
	Ref        string          `json:"$ref"`
	Type       string          `json:"type"`
	Const      *string         `json:"const"`
	Enum       []string        `json:"enum"`
	MinLength  int             `json:"minLength"`
	Pattern    string          `json:"pattern"`
	Format     string          `json:"format"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	Additional *bool           `json:"additionalProperties"`
	Items      *node           `json:"items"`
	AnyOf      []node          `json:"anyOf"`
	OneOf      []node          `json:"oneOf"`
	Defs       map[string]node `json:"$defs"`
}

func readSchema(t *testing.T) (schema node) {
	t.Helper()
	text, err := logtest.Schema()
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// at follows references.
func (schema node) at(n node) node {
	for n.Ref != "" {
		n = schema.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
	}
	return n
}

// jsonType returns the type as postseal-log(5) names it.
func (schema node) jsonType(n node) string {
	n = schema.at(n)
	switch {
	case n.Type == "integer":
		return "number"
	case n.Type != "":
		return n.Type
	case len(n.AnyOf) > 0:
		return schema.jsonType(n.AnyOf[0])
	}
	return "string" // const and enum
}

// fields returns the keys of an object in the form of mantest.Fields.
func (schema node) fields(of node) (fields []string) {
	for key, n := range of.Properties {
		field := key + " (" + schema.jsonType(n) + ")"
		if items := schema.at(n).Items; items != nil {
			for _, inner := range slices.Sorted(slices.Values(schema.fields(schema.at(*items)))) {
				field += " " + strings.Join(strings.Fields(inner)[:2], " ")
			}
		}
		fields = append(fields, field)
	}
	return fields
}

// canBeEmpty reports whether the schema accepts the empty text.
func (schema node) canBeEmpty(n node) bool {
	n = schema.at(n)
	return n.Type == "string" && n.MinLength == 0 && n.Pattern == "" && n.Format == "" || n.Const != nil && *n.Const == "" ||
		slices.Contains(n.Enum, "") || slices.ContainsFunc(n.AnyOf, schema.canBeEmpty)
}

// TestSchema compares the schema with the events and with postseal-log(5).
func TestSchema(t *testing.T) {
	schema, page := readSchema(t), mantest.Read(t, "postseal-log.5")
	var msgs, described []string
	for _, e := range events {
		level, msg := e.event()
		msgs = append(msgs, msg+" "+level.String())
	}
	for _, ref := range schema.OneOf {
		event := schema.at(ref)
		described = append(described, *event.Properties["msg"].Const+" "+*event.Properties["level"].Const)
	}
	mantest.Same(t, "events", described, msgs)
	for i, ref := range schema.OneOf {
		event := schema.at(ref)
		for _, e := range events {
			if level, msg := e.event(); msg+" "+level.String() == described[i] {
				mantest.Same(t, msg, schema.fields(event), append(mantest.Fields(reflect.TypeOf(e)), "time (string)", "level (string)", "msg (string)"))
			}
		}
		for _, term := range mantest.Terms(page["EVENTS/"+described[i]]) {
			key := mantest.Found(term, mantest.Span)[0]
			if schema.jsonType(event.Properties[key]) == "string" && strings.Contains(term, "mpty") != schema.canBeEmpty(event.Properties[key]) {
				t.Errorf("%s, %s: the page and the schema do not agree whether it can be empty", described[i], key)
			}
		}
	}
	mantest.Same(t, "a finding", schema.fields(schema.Defs["finding"]), mantest.Fields(reflect.TypeFor[Finding]()))
	for name, n := range schema.Defs {
		if len(n.Properties) == 0 {
			continue
		}
		if n.Additional == nil || *n.Additional {
			t.Errorf("%s: additionalProperties is not false", name)
		}
		if name != "finding" {
			mantest.Same(t, "required in "+name, n.Required, slices.Collect(maps.Keys(n.Properties)))
		}
	}
}

// TestSchemaWords compares the values of enum with those of the program.
func TestSchemaWords(t *testing.T) {
	schema := readSchema(t)
	words := func(of encoding.TextUnmarshaler) []string {
		_, list, _ := strings.Cut(of.UnmarshalText([]byte("?")).Error(), "is not one of [")
		list, _, _ = strings.Cut(list, "]")
		return mantest.Found(list, `"([^"]*)"`)
	}
	kinds, err := os.ReadFile("../../rules/marker/nearmiss.go")
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, r := range finding.Reasons() {
		reasons = append(reasons, string(r))
	}
	decision, found := schema.Defs["decision"].Properties, schema.Defs["finding"].Properties
	keysOf := func(n node) []string { return slices.Collect(maps.Keys(n.Properties)) }
	mantest.Same(t, "action", schema.Defs["action"].Enum, words(new(rules.Action)))
	mantest.Same(t, "by_action", keysOf(decision["by_action"]), words(new(rules.Action)))
	mantest.Same(t, "mode", schema.Defs["mode"].Enum, words(new(rules.Mode)))
	mantest.Same(t, "class", schema.Defs["class"].Enum, words(new(table.Class)))
	mantest.Same(t, "by_class", keysOf(decision["by_class"]), words(new(table.Class)))
	mantest.Same(t, "marker", decision["marker"].Enum, words(new(marker.State)))
	mantest.Same(t, "near_miss", decision["near_miss"].Enum, append(mantest.Found(string(kinds), `Kind += "([a-z-]+)"`), ""))
	mantest.Same(t, "findings", found["name"].AnyOf[0].Enum, words(new(finding.Name)))
	mantest.Same(t, "reason", found["reason"].Enum, reasons)
	var kindsOfRefusal []string
	for class := table.Local; class <= table.Closed; class++ {
		for _, kind := range message.RefusalKinds(class) {
			kindsOfRefusal = append(kindsOfRefusal, string(kind))
		}
	}
	slices.Sort(kindsOfRefusal)
	mantest.Same(t, "kind", schema.Defs["refused_recipient"].Properties["kind"].Enum, slices.Compact(kindsOfRefusal))
}
