package doctor

// postfixRoutes are about the ways of sealed mail: filter, header-lost, relay-route, encrypt-leg,
// generic-not-on-leg.
var postfixRoutes = []check{}
