package doctor

// sendmailRoutes are about the ways of sealed mail and of aliases: relay-route, fallback,
// encrypt-leg, alias-out.
var sendmailRoutes = []check{}
