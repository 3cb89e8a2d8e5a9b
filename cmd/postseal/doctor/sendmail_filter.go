package doctor

// sendmailFilter are about how Sendmail asks postseal: filter-list, filter-flag, delivery-mode,
// submit-cf, bcc.
var sendmailFilter = []check{}
