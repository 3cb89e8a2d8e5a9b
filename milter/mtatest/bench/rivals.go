package main

import "fmt"

// rival is one of the filters that are compared.
type rival struct {
	name     string  // in flags and JSON
	title    string  // in the table
	programs starter // nil without a filter
	checks   []check
	// edit is what Postfix's queue file of each mail of the load must contain: once
	// for each recipient if the rival diverts, otherwise once.
	edit    string
	diverts bool
}

// starter writes a rival's files, and returns the programs that are started with them.
type starter func(*world, *entrant) ([]program, error)

// rivals are in the order of the columns. The ratios are to the first.
var rivals = []rival{
	{
		name: "none", title: "no filter",
		checks: []check{{mail: plain, want: unchanged}},
	}, {
		name: "c", title: "C filter that does nothing",
		programs: doNothing(),
		checks:   []check{{mail: plain, want: unchanged}},
	}, {
		name: "c-quiet", title: "C filter, without replies",
		programs: doNothing("quiet"),
		checks:   []check{{mail: plain, want: unchanged}},
	}, {
		name: "c-tag", title: "C filter that tags all mail",
		programs: doNothing("tag"),
		checks:   []check{{mail: plain, want: has("X-Postseal")}, {mail: toListed, want: has("X-Postseal")}},
		edit:     "X-Postseal: ",
	}, {
		name: "c-divert", title: "C filter that diverts all mail",
		programs: doNothing("divert"),
		checks:   []check{{mail: plain, want: sealed}, {mail: toListed, want: sealed}},
		edit:     sealedRecord, diverts: true,
	}, {
		name: "observe", title: "postseal, mode observe",
		programs: postseal("observe", tagRest),
		checks:   []check{{mail: plain, want: unchanged, log: `"action":"tag"`}},
	}, {
		name: "tag", title: "postseal tag",
		programs: postseal("enforce", tagRest),
		checks:   tagged("X-Postseal", sealed),
		edit:     "X-Postseal: ",
	}, {
		name: "divert", title: "postseal divert",
		programs: postseal("enforce", divertRest),
		checks:   []check{{mail: plain, want: sealed}, {mail: toListed, want: unchanged}},
		edit:     sealedRecord, diverts: true,
	}, {
		name: "content", title: "postseal tag, findings on",
		programs: postseal("enforce", shipped),
		checks:   append(tagged("X-Postseal", sealed), check{mail: withNumber, want: sealed}),
		edit:     "X-Postseal: ",
	}, {
		name: "opendkim", title: "OpenDKIM signing",
		programs: openDKIM,
		checks:   []check{{mail: plain, want: has("DKIM-Signature")}},
		edit:     "DKIM-Signature: ",
	}, {
		name: "rspamd", title: "rspamd, same job",
		programs: rspamd,
		checks:   tagged("X-Unmarked", unchanged),
		edit:     "X-Unmarked: ",
	}, {
		name: "mimedefang", title: "MIMEDefang, same job",
		programs: mimeDefang,
		checks:   tagged("X-Unmarked", unchanged),
		edit:     "X-Unmarked: ",
	},
}

// sealedRecord begins Postfix's record of a diverted recipient of the load: R, the
// length of the address and the address. These addresses have the same length.
var sealedRecord = fmt.Sprintf("R%cclerk@clinic-", len(loadRecipients(1)[0]+".encrypt.invalid"))
