package main

import (
	"bufio"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
)

const exportUsage = `Usage: postseal export [-config FILE] [-level may|encrypt|verify] [-format postfix|sendmail] tls-policy

Writes a TLS policy for the secure domains of the table to standard output: rows
of Postfix's smtp_tls_policy_maps, or of Sendmail's access map. If a name below a
secure name is not secure itself, it gets a row that removes the requirement.

  may      try TLS, and send unencrypted if it fails
  encrypt  require TLS; without it the mail stays queued and bounces in the end
  verify   like encrypt, with a valid certificate: the MTA needs the CAs
           (Postfix: smtp_tls_CAfile; Sendmail: confCACERT)

The default is may, because a requirement for TLS can delay mail about a
patient. For clinical safety the NHS does not enforce TLS to gov.uk. gov.uk asks
for it, with exceptions.

Expired rows are left out. Export again after each change of the table, and
daily if rows have an expiry date.
`

func export(args []string, std stdio) int {
	c := newCommand("export", exportUsage, std)
	level := c.String("level", levelMay, "required `LEVEL` of TLS: may, encrypt or verify")
	format := c.String("format", formatPostfix, "`FORMAT` of the map: postfix or sendmail")
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.Arg(0) != "tls-policy" {
		return c.misused("say what to export: tls-policy")
	}
	if code, stop := c.parse(c.Args()[1:]); stop { // options may follow the word
		return code
	}
	if c.NArg() > 0 {
		return c.misused("unexpected argument %q", c.Arg(0))
	}
	if levels := []string{levelMay, levelEncrypt, levelVerify}; !slices.Contains(levels, *level) {
		return c.misused("-level %q is not one of %q", *level, levels)
	}
	if formats := []string{formatPostfix, formatSendmail}; !slices.Contains(formats, *format) {
		return c.misused("-format %q is not one of %q", *format, formats)
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	out := bufio.NewWriter(std.out)
	policy := newTLSPolicy(loaded.Message.Rules, *level, *format, time.Now())
	fmt.Fprintf(out, "# postseal export tls-policy -level %s -format %s, configuration %s\n", *level, *format, loaded.Message.Hash)
	for _, source := range policy.sources() {
		fmt.Fprintf(out, "# from %s\n", source)
	}
	for _, row := range policy {
		out.WriteString(row.line(*level, *format))
	}
	if err := out.Flush(); err != nil {
		return c.failed(exitFailure, err)
	}
	return exitDone
}
