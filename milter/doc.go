// Package milter communicates with the MTA. A Server accepts its connections. A
// session follows one connection through go-milter's callbacks, and passes each
// mail to a message.Message.
//
// The packages below it import each other in one direction:
//
//	milter   maillog, message, shown: the milter protocol
//	maillog  message, shown: the events
//	message  extract, shown: one mail: envelope, header, verdict, edits, reply
//	extract  : what a mail says
//	shown    : how addresses appear in the log
//
// Each may import rules and the packages below it. Package mtatest, which
// starts real MTAs for tests and the demo, and mantest, which reads the man
// pages for tests, import none of them.
package milter
