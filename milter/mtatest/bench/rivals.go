package main

// rival is one of the filters that are compared.
type rival struct {
	name     string                                    // in flags and JSON
	title    string                                    // in the table
	programs func(*world, *entrant) ([]program, error) // nil without a filter
	checks   []check
	seals    bool // whether every recipient of the load gets the mail through the relay
}

// rivals are in the order of the columns. The ratios are to the first.
var rivals = []rival{
	{name: "none", title: "no filter", checks: []check{{mail: plain, want: unchanged}}},
	{name: "c", title: "C filter that does nothing", programs: doNothing(), checks: []check{{mail: plain, want: unchanged}}},
	{name: "c-quiet", title: "the same, without replies", programs: doNothing("quiet"), checks: []check{{mail: plain, want: unchanged}}},
	{name: "observe", title: "postseal, mode observe", programs: postseal("observe", tagRest), checks: []check{{mail: plain, want: unchanged, log: `"action":"tag"`}}},
	{name: "tag", title: "postseal tag", programs: postseal("enforce", tagRest), checks: tagged("X-Postseal")},
	{name: "divert", title: "postseal divert", programs: postseal("enforce", divertRest), seals: true, checks: []check{
		{mail: plain, want: sealed},
		{mail: toListed, want: unchanged},
	}},
	{name: "content", title: "postseal tag with findings", programs: postseal("enforce", shipped), checks: append(tagged("X-Postseal"),
		check{mail: withNumber, want: sealed})},
	{name: "opendkim", title: "OpenDKIM signing", programs: openDKIM, checks: []check{{mail: plain, want: has("DKIM-Signature")}}},
	{name: "rspamd", title: "rspamd, same job", programs: rspamd, checks: tagged("X-Unmarked")},
	{name: "mimedefang", title: "MIMEDefang, same job", programs: mimeDefang, checks: tagged("X-Unmarked")},
}
