package main

import "fmt"

// rival is one of the filters that are compared.
type rival struct {
	name     string                                    // in flags and JSON
	title    string                                    // in the table
	programs func(*world, *entrant) ([]program, error) // nil without a filter
	checks   []check
	// edit is what Postfix's queue file of each mail of the load must contain: once
	// for each recipient if the rival diverts, otherwise once.
	edit    string
	diverts bool
}

// sealedRecord begins Postfix's record of a diverted recipient of the load: R, the
// length of the address and the address. These addresses have the same length.
var sealedRecord = fmt.Sprintf("R%cclerk@clinic-", len(loadRecipients(1)[0]+".encrypt.invalid"))

// rivals are in the order of the columns. The ratios are to the first.
var rivals = []rival{
	{name: "none", title: "no filter", checks: []check{{mail: plain, want: unchanged}}},
	{name: "c", title: "C filter that does nothing", programs: doNothing(), checks: []check{{mail: plain, want: unchanged}}},
	{name: "c-quiet", title: "the same, without replies", programs: doNothing("quiet"), checks: []check{{mail: plain, want: unchanged}}},
	{name: "observe", title: "postseal, mode observe", programs: postseal("observe", tagRest), checks: []check{{mail: plain, want: unchanged, log: `"action":"tag"`}}},
	{name: "tag", title: "postseal tag", programs: postseal("enforce", tagRest), edit: "X-Postseal: ", checks: tagged("X-Postseal", sealed)},
	{name: "divert", title: "postseal divert", programs: postseal("enforce", divertRest), edit: sealedRecord, diverts: true, checks: []check{
		{mail: plain, want: sealed},
		{mail: toListed, want: unchanged},
	}},
	{name: "content", title: "postseal tag with findings", programs: postseal("enforce", shipped), edit: "X-Postseal: ", checks: append(tagged("X-Postseal", sealed),
		check{mail: withNumber, want: sealed})},
	{name: "opendkim", title: "OpenDKIM signing", programs: openDKIM, edit: "DKIM-Signature: ", checks: []check{{mail: plain, want: has("DKIM-Signature")}}},
	{name: "rspamd", title: "rspamd, same job", programs: rspamd, edit: "X-Unmarked: ", checks: tagged("X-Unmarked", unchanged)},
	{name: "mimedefang", title: "MIMEDefang, same job", programs: mimeDefang, edit: "X-Unmarked: ", checks: tagged("X-Unmarked", unchanged)},
}
