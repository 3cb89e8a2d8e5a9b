package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// readPostfix reads the output of "postqueue -j": one JSON object for each message.
// It reads token by token, because a message can have any number of recipients.
func readPostfix(r io.Reader, relay string, now time.Time) (Figures, error) {
	var f Figures
	dec := json.NewDecoder(r)
	dec.UseNumber()
	for {
		m, err := readMessage(dec, "."+relay)
		switch {
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return Figures{}, fmt.Errorf("unexpected output: %w", err)
		}
		age := max(0, now.Sub(time.Unix(m.arrived, 0)))
		switch {
		case m.queue == "hold":
			f.Held.add(age)
		case m.sealed && relay != "":
			f.Sealed.add(age)
		}
	}
}

type message struct {
	queue   string
	arrived int64
	sealed  bool
}

// readMessage reads one object. The error is io.EOF if there is none.
func readMessage(dec *json.Decoder, suffix string) (m message, err error) {
	start, err := dec.Token()
	if err != nil {
		return m, err
	}
	if start != json.Delim('{') {
		return m, errors.New("not an object")
	}
	// The keys and values of objects alternate. The only arrays are of objects.
	depth, key, isKey := 1, "", true
	for depth > 0 {
		token, err := dec.Token()
		if err != nil {
			return m, noEOF(err)
		}
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				depth++
			} else {
				depth--
			}
			isKey = true
			continue
		case string:
			if isKey {
				key, isKey = token, false
				continue
			}
			switch {
			case depth == 1 && key == "queue_name":
				m.queue = token
			case depth == 3 && key == "address":
				m.sealed = m.sealed || hasSuffix(token, suffix)
			}
		case json.Number:
			if depth == 1 && key == "arrival_time" {
				if m.arrived, err = token.Int64(); err != nil {
					return m, errors.New("arrival_time is not a time")
				}
			}
		}
		isKey = true
	}
	if m.queue == "" || m.arrived <= 0 {
		return m, errors.New("a message without queue_name or arrival_time")
	}
	return m, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// hasSuffix ignores case.
func hasSuffix(text, suffix string) bool {
	return len(text) > len(suffix) && strings.EqualFold(text[len(text)-len(suffix):], suffix)
}
