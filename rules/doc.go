// Package rules decides mail: by its policies, from what is known about the
// recipients, the marker and the sender. It is pure: apart from loading it does no
// I/O, and it has no clock and no log. The same facts always lead to the same
// decision.
//
// The packages below it import each other in one direction:
//
//	rules       address, finding, keyword, marker, replytext, table, tomlfile: policies, recipients, the decision
//	table       accredited, address, editions, keyword, replytext, similar, tomlfile: rows, layers, rule files, trust, look-alikes
//	accredited  address: the accredited list as import writes it
//	marker      keyword, replytext, similar: the marker in a subject
//	detect      finding: what makes text sensitive
//	finding     : facts that a policy can test
//	address     : envelope addresses and domain names
//	editions    : the tables that ship with postseal
//	keyword     : words that name the values of a type
//	replytext   : texts that clients see
//	similar     : letters that look like others, texts that differ by one edit
//	tomlfile    : TOML files with the positions of their keys
//
// Tests import growthtest and rulestest as well.
package rules
