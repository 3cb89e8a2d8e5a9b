package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// check is a mail that shows whether a rival does its job. A rival that does not
// would be fast.
type check struct {
	mail checkMail
	want arrival
	log  string // that the rival's log must contain
}

// arrival reports whether the mail arrived as it should: at its own host, or at the
// relay.
type arrival func(direct, relayed []mtatest.Delivery) bool

// checkMail is one mail to somebody at one domain.
type checkMail struct {
	name, domain, subject, body string
}

var (
	plain      = checkMail{"an unmarked mail to an unlisted domain", unlisted, unmarked, ""}
	toListed   = checkMail{"an unmarked mail to a listed domain", listed, unmarked, ""}
	marked     = checkMail{"a marked mail to an unlisted domain", unlisted, "[secure] " + unmarked, ""}
	withNumber = checkMail{"a mail with an NHS number", unlisted, unmarked, "NHS number 999 000 0018\r\n"}
)

// addedFields are the header fields that rivals add.
var addedFields = []string{"X-Postseal", "X-Unmarked", "DKIM-Signature"}

// unchanged reports whether the mail arrived without an added field.
func unchanged(direct, relayed []mtatest.Delivery) bool {
	return len(direct) == 1 && len(relayed) == 0 && added(direct[0]) == ""
}

// sealed reports whether the mail arrived through the relay.
func sealed(direct, relayed []mtatest.Delivery) bool {
	return len(direct) == 0 && len(relayed) == 1 && strings.Contains(strings.Join(relayed[0].Header("Subject"), ""), "[secure]")
}

// has returns a function that reports whether the mail arrived with the field.
func has(field string) arrival {
	return func(direct, relayed []mtatest.Delivery) bool {
		return len(direct) == 1 && len(relayed) == 0 && added(direct[0]) == field
	}
}

// added returns the names of the fields that were added.
func added(d mtatest.Delivery) string {
	var names []string
	for _, field := range addedFields {
		for range d.Header(field) {
			names = append(names, field)
		}
	}
	return strings.Join(names, " ")
}

// tagged are the checks of a rival that adds a field to unmarked mail to unlisted
// domains. Marked mail must arrive as the last argument says.
func tagged(field string, ifMarked arrival) []check {
	return []check{{mail: plain, want: has(field)}, {mail: toListed, want: unchanged}, {mail: marked, want: ifMarked}}
}

// check starts a rival and checks its job. Before the start, Postfix must refuse
// mail for a while, which shows that it asks this filter.
func (w *world) check(e *entrant) error {
	to := []string{"somebody@" + unlisted}
	if e.programs != nil {
		c, err := dial(e.addr, checkSender, to, mail(unmarked, 4))
		if err == nil {
			err = c.send()
			c.conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), `replied "4`) {
			return fmt.Errorf("%s: Postfix does not ask this filter: without the filter, a mail got: %v", e.name, err)
		}
	}
	if err := e.start(w); err != nil {
		return err
	}
	for _, c := range e.checks {
		if err := w.checkMail(e, c); err != nil {
			return fmt.Errorf("%s: %s: %w\n%s\n%s", e.name, c.mail.name, err, e.said(), w.postfix.Log())
		}
	}
	return nil
}

func (w *world) checkMail(e *entrant, c check) error {
	message := append(mail(c.mail.subject, 4), c.mail.body...)
	client, err := dial(e.addr, checkSender, []string{"somebody@" + c.mail.domain}, message)
	if err != nil {
		return err
	}
	if err := client.send(); err != nil {
		return err
	}
	if err := client.quit(); err != nil {
		return err
	}
	if _, err := mtatest.Settle(w.postfix, time.Minute); err != nil {
		return err
	}
	direct, relayed := w.internet.Take(), w.relay.Take()
	if !c.want(direct, relayed) {
		return fmt.Errorf("the filter did not do its job: got %d direct, %d through the relay: %s", len(direct), len(relayed), append(direct, relayed...))
	}
	if c.log != "" && !strings.Contains(e.said(), c.log) {
		return fmt.Errorf("the log does not contain %s", c.log)
	}
	return nil
}
