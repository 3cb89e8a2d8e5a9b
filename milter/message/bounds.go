package message

// Bounds on what a peer can make the daemon keep of one message, in octets of
// memory. They are far above what MTAs let through.
const (
	// MaxMessage bounds one message, of which each recipient and each header
	// field counts as footprint says.
	MaxMessage = 32 << 20
	// MaxRecipients is of one message.
	MaxRecipients = 20_000
)

// footprint is the memory that a part of a message takes, counted for the
// worst case. The text stands in the message as it was read and as it is
// compared, and later in the edits; structures go beside it.
func footprint(octets int) int { return 1<<10 + 4*octets }
