package doctor

// postfixCopies are about copies and redirected mail: redirect, bcc, always-bcc, sender-bcc,
// recipient-bcc, notices.
var postfixCopies = []check{}
