package message

// Limits on what a peer can make the daemon keep of one message, in octets of
// memory. They are far above what MTAs allow.
const (
	// maxMessage limits one message. Each recipient and each header field
	// counts with its footprint.
	maxMessage = 32 << 20
	// maxRecipients limits the recipients of one message.
	maxRecipients = 20_000
)

// footprint returns the memory of a part of a message in the worst case. The
// message keeps the text as it was read and as it is compared, and later in the
// edits, with structures beside it.
func footprint(octets int) int { return 1<<10 + 4*octets }
