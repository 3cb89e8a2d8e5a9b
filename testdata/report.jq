# The figures of "postseal report", counted from the lines of a log that are JSON.
def sum(f): map(f // 0) | add // 0;
def n(f): map(select(f)) | length;
def names: [.findings[].name];
def needed: (.by_class.unverified // 0) + (.by_class.unknown // 0);
def sensitive: any(.findings[]; .name | IN("nhs-number", "nhs-number-in-subject", "marking", "sensitivity"));
def unmarked: needed > 0 and .marker == "missing" and sensitive;
def enforced: .mode == "enforce";
def grouped(f): map(select(f != null)) | group_by(f) | map({key: (.[0] | f), value: length}) | from_entries;
[inputs | fromjson? | objects | select(.msg) | select(.msg != "decision" or (.action | IN("accept", "tag", "divert", "quarantine", "reject")))
  | select(.time[:10] >= $since and .time[:10] <= $until)]
| map(select(.msg == "decision")) as $d
| map(select(.msg == "refused recipient" and .kind != "too-many")) as $r
| {figures: {
    messages: ($d | length), recipients: ($d | sum(.recipient_count)),
    needed: ($d | n(needed > 0)), needed_recipients: ($d | sum(needed)),
    marked: ($d | n(needed > 0 and .marker == "present")), near_missed: ($d | n(needed > 0 and .marker == "near-miss")),
    missed: ($d | n(needed > 0 and .marker == "missing")),
    sensitive_unmarked: ($d | n(unmarked)),
    sensitive_unprotected: ($d | n(unmarked and (enforced and (.action | IN("divert", "quarantine", "reject")) | not))),
    sealed: ($d | n(enforced and .action == "divert")), held: ($d | n(enforced and .action == "quarantine")),
    rejected: ($d | n(enforced and .action == "reject")), tagged: ($d | n(enforced and .action == "tag")),
    refused_recipients: (($r | length) + sum(select(.msg == "lines left out") | .refused_recipient)),
    observed: ($d | n(enforced | not)),
    would_seal: ($d | n((enforced | not) and .action == "divert")), would_hold: ($d | n((enforced | not) and .action == "quarantine")),
    would_reject: ($d | n((enforced | not) and .action == "reject")), would_tag: ($d | n((enforced | not) and .action == "tag")),
    unreadable: ($d | n(names | index("unreadable"))), visible_recipients: ($d | n(names | index("visible-recipients"))),
    look_alikes: ($d | n(names | index("look-alike"))),
    look_alikes_stopped: ($d | n((names | index("look-alike")) and enforced and (.action | IN("quarantine", "reject")))),
    list_age_days: (map(select(.msg == "list old") | .age_days) | max // 0),
    lines_lost: sum(select(.msg == "lines lost") | .lost)
  },
  near_misses: ($d | map(select(needed > 0 and .marker == "near-miss")) | grouped(.near_miss)),
  findings: ($d | map(names | unique[] | {name: .}) | grouped(.name)),
  unreadable: ($d | map([.findings[] | select(.name == "unreadable") | .reason] | unique[] | {reason: .}) | grouped(.reason)),
  alerts: (map(select(.level != "INFO")) | grouped(.msg)),
  refusals: (($r | grouped(.kind)) + (sum(select(.msg == "lines left out") | .refused_recipient) | if . > 0 then {"(not logged)": .} else {} end)),
  policies: ($d + map(select(.msg == "decision recipients")) | map(.recipients[]? | select(.policy != "") | .p = .policy + " " + .action) | grouped(.p)),
  configurations: ($d | grouped(.config)),
  partners: ($d | map([.recipients[] | select(.class == "unverified" or (.class == "unknown" and .row == "")) | .address | sub(".*@"; "")] | unique[] | {domain: .})
    | grouped(.domain) | with_entries(select(.value >= 5)))
}
