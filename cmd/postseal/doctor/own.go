package doctor

import (
	"fmt"
	"time"

	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules"
)

// own are about postseal itself.
var own = []check{
	{"not-running", Delay, notRunning},
	{"configuration-differs", Advice, configurationDiffers},
	{"observe", Advice, observes},
	{"list-old", Advice, listOld},
	{"row-expires", Advice, rowExpires},
	{"held-mail", Delay, heldMail},
	{"sealed-mail", Delay, sealedMail},
}

// Own is what postseal and the queue say.
type Own struct {
	File   string          // the configuration
	Status *metrics.Status // nil if the daemon cannot be asked
	Fault  string          // why it cannot be asked, or does not decide
	Hash   string          // of the configuration on disk
	Mode   rules.Mode      // on disk
	Queue  Queue

	MaxListAge, Soon int // days
}

// Queue is the mail that waits.
type Queue struct {
	Held, Sealed             int
	OldestHeld, OldestSealed time.Duration
	Fault                    error // why it cannot be read
}

// maxWait is how long held and sealed mail may wait.
const maxWait = time.Hour

func one(f Finding) ([]Finding, error) { return []Finding{f}, nil }

func notRunning(s *Site) ([]Finding, error) {
	if s.Own.Fault == "" {
		return nil, nil
	}
	return one(Finding{
		Service: "postseal", Setting: s.Own.Fault,
		Effect: "Clients get 451 and try again, and no mail goes out, if the MTA is set up as in contrib.",
		Fix:    "systemctl status postseal.socket postseal and journalctl -u postseal -n 50 say why. Then run systemctl restart postseal",
	})
}

func configurationDiffers(s *Site) ([]Finding, error) {
	in := s.Own.Status
	if in == nil || in.Config == s.Own.Hash {
		return nil, nil
	}
	f := Finding{
		Service: "postseal", Setting: fmt.Sprintf("configuration %s in force, %s in %s", in.Config, s.Own.Hash, s.Own.File),
		Effect: "Mail is decided by the old configuration, list and rule files.",
		Fix:    "systemctl reload postseal",
	}
	if in.Mode == rules.Observe && s.Own.Mode == rules.Enforce {
		f.Severity = Leak
		f.Effect = "Mail is decided by the old configuration, in mode observe: all mail goes out unchanged."
	}
	return one(f)
}

// observing reports whether no mail is changed yet.
func (s *Site) observing() bool {
	return s.Own.Status != nil && s.Own.Status.Mode == rules.Observe
}

func observes(s *Site) ([]Finding, error) {
	if !s.observing() {
		return nil, nil
	}
	return one(Finding{
		Service: "postseal", Setting: `mode = "observe"`,
		Effect: "Mail is decided and logged, but not changed: all mail goes out unencrypted.",
		Fix:    `after the trial, write mode = "enforce" into ` + s.Own.File + " and run postseal check && systemctl reload postseal",
	})
}

func listOld(s *Site) ([]Finding, error) {
	if s.Own.Status == nil || s.Own.Status.ListImported == "" {
		return nil, nil
	}
	imported, err := time.Parse(time.RFC3339, s.Own.Status.ListImported)
	if err != nil {
		return nil, err
	}
	days := int(s.Now.Sub(imported) / (24 * time.Hour))
	if days <= s.Own.MaxListAge {
		return nil, nil
	}
	return one(Finding{
		Service: "postseal", Setting: fmt.Sprintf("the accredited list is %d days old", days),
		Effect: "A domain that has lost its accreditation since then still gets mail unencrypted.",
		Fix:    "download the list and run postseal import LIST.csv",
	})
}

func rowExpires(s *Site) (found []Finding, err error) {
	in := s.Own.Status
	if in == nil {
		return nil, nil
	}
	const fix = "postseal check names each row: renew or remove it"
	if in.RowsExpired > 0 {
		found = append(found, Finding{
			Service: "postseal", Setting: fmt.Sprintf("expired rows: %d", in.RowsExpired),
			Effect: "The rows are ignored: mail to their domains is decided by a weaker row, or as unknown.", Fix: fix,
		})
	}
	if days, ok := in.DaysToExpiry(s.Now); ok && days <= s.Own.Soon {
		found = append(found, Finding{
			Service: "postseal", Setting: fmt.Sprintf("a row expires on %s", in.NextExpiry),
			Effect: "From that day on mail to its domain is decided by a weaker row, or as unknown.", Fix: fix,
		})
	}
	return found, nil
}

func heldMail(s *Site) ([]Finding, error) {
	q := s.Own.Queue
	if q.Fault != nil || q.OldestHeld <= maxWait {
		return nil, q.Fault
	}
	return one(Finding{
		Service: "queue", Setting: fmt.Sprintf("held messages: %d, the oldest for %s", q.Held, q.OldestHeld.Round(time.Minute)),
		Effect: "The recipients do not get the mail until you release it, and the sender does not know.",
		Fix:    `look at each message, then release or delete it: "Held mail" in contrib/postfix/README.md or contrib/sendmail/README.md`,
	})
}

func sealedMail(s *Site) ([]Finding, error) {
	q := s.Own.Queue
	if q.Fault != nil || q.OldestSealed <= maxWait {
		return nil, nil
	}
	return one(Finding{
		Service: "queue", Setting: fmt.Sprintf("sealed messages that wait for the relay: %d, the oldest for %s", q.Sealed, q.OldestSealed.Round(time.Minute)),
		Effect: "The recipients get the mail only when the relay accepts it.",
		Fix:    "look in the MTA's log for the reason, and check the relay and the route to it",
	})
}
