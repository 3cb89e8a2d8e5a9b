package doctor

// postfixAliases are about addresses that Postfix replaces: alias-out, alias-relay-domain, local-domains.
var postfixAliases = []check{}
