package mime

import "strconv"

// position is where a part is in the message.
type position struct {
	number string // of the part, or of the message whose body this is
	depth  int
	// inMessage says that this is the body of a message. Its number is that of
	// the message if it is a multipart, and else 1 below it.
	inMessage bool
	digest    bool // in multipart/digest
}

// child returns the position of a part of a multipart, from 1.
func (p position) child(n int) position {
	return position{number: below(p.number, n), depth: p.depth + 1}
}

// leaf returns the position of a part that is no multipart.
func (p position) leaf() position {
	if p.inMessage {
		p.number, p.inMessage = below(p.number, 1), false
	}
	return p
}

// body returns the position of the body of a message or of signed content.
func (p position) body() position {
	return position{number: p.number, depth: p.depth + 1, inMessage: true}
}

// file returns the position of a file inside a part.
func (p position) file(n int) position {
	return position{number: p.number + "/" + strconv.Itoa(n), depth: p.depth + 1}
}

func below(number string, n int) string {
	if number == "" {
		return strconv.Itoa(n)
	}
	return number + "." + strconv.Itoa(n)
}
