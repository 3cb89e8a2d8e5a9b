package doctor

// postfixAliases are about addresses that Postfix replaces: alias-out, alias-relay-domain.
var postfixAliases = []check{}
