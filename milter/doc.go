// Package milter speaks with the MTA. A Server accepts its connections, a
// session follows one connection through go-milter's callbacks, and a Message
// gathers what one mail is judged by and turns the decision into a Verdict.
// The Message does not know the wire: the session and "postseal explain"
// drive the same type.
package milter
