// Package rules holds what postseal knows of addresses and subjects, and
// decides from it. It is pure: apart from loading it does no I/O, and it has
// no clock and no log. The same facts always give the same decision.
//
// Data flows one way: a Table classes recipients, a MarkerReader reads
// subjects, and a Ruleset decides a Message from both by its policies.
package rules
