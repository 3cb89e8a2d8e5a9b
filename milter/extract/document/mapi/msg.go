// Package mapi reads messages of Outlook: MSG files ([MS-OXMSG]), and winmail.dat
// ([MS-OXTNEF]).
package mapi

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/postseal/postseal/milter/extract/charset"
	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/rules/detect"
)

var le = binary.LittleEndian

// The properties that are read, and the types of values ([MS-OXPROPS]).
const (
	subject     = 0x0037
	plainBody   = 0x1000
	rtfBody     = 0x1009
	htmlBody    = 0x1013
	attachName  = 0x3001
	attachment  = 0x3701
	attachFile  = 0x3704
	attachLong  = 0x3707
	firstPerson = 0x3a00 // the fields of a contact
	lastPerson  = 0x3aff
	firstNamed  = 0x8000 // fields of appointments, contacts, tasks and forms

	typeANSI   = 0x001e
	typeWide   = 0x001f
	typeObject = 0x000d
	multiple   = 0x1000 // a flag of a type: several values
)

// internetHeaders begins the identifier of the named properties that are fields
// of a header. No reader sees them.
const internetHeaders = 0x00020386

// Names in a MSG file.
const (
	properties     = "__properties_version1.0"
	propertyPrefix = "__substg1.0_"
	attachPrefix   = "__attach_version1.0_"
	names          = "__nameid_version1.0"
	nameSets       = propertyPrefix + "00020102"
	nameEntries    = propertyPrefix + "00030102"
)

// Is reports whether a compound file is a message.
func Is(f *ole.File) bool { return f.Find(0, properties) >= 0 }

// ReadMSG reads a message and its attachments.
func ReadMSG(j *flow.Job, f *ole.File) error {
	m := &msg{File: f, children: make(map[int][]int)}
	for i, e := range f.Entries {
		if e.Name != "" && e.Parent >= 0 {
			m.children[e.Parent] = append(m.children[e.Parent], i)
		}
	}
	j.Fail(m.findHeaders())
	return m.message(j, 0, 0)
}

type msg struct {
	*ole.File
	children map[int][]int
	headers  map[int]bool // named properties that are fields of a header
}

// findHeaders looks the named properties up ([MS-OXMSG], section 2.2.3).
func (m *msg) findHeaders() error {
	var sets, entries []byte
	for i, e := range m.Entries {
		if e.Parent < 0 || m.Entries[e.Parent].Name != names {
			continue
		}
		var err error
		switch e.Name {
		case nameSets:
			sets, err = m.Bytes(i)
		case nameEntries:
			entries, err = m.Bytes(i)
		}
		if err != nil {
			return err
		}
	}
	const setSize, entrySize, firstSet = 16, 8, 3
	m.headers = make(map[int]bool)
	for ; len(entries) >= entrySize; entries = entries[entrySize:] {
		set := setSize * (int(le.Uint16(entries[4:])>>1) - firstSet)
		if set >= 0 && set+setSize <= len(sets) && le.Uint32(sets[set:]) == internetHeaders {
			m.headers[firstNamed+int(le.Uint16(entries[6:]))] = true
		}
	}
	return nil
}

// maxMessages bounds how deeply messages are attached to messages.
const maxMessages = 20

// message reads the message in a storage.
func (m *msg) message(j *flow.Job, storage, depth int) error {
	if depth > maxMessages {
		return flow.ErrDepth
	}
	attached := 0
	for _, i := range m.children[storage] {
		e := m.Entries[i]
		if e.Storage && strings.HasPrefix(e.Name, attachPrefix) {
			attached++
			if !j.TakeEntry() {
				return flow.ErrLimit
			}
			inner := j.Entry(attached)
			inner.Fail(m.attachment(inner, i, depth))
		} else if id, kind, ok := property(e.Name); ok && !e.Storage && isShown(id, kind) && !m.headers[id] {
			data, err := m.Bytes(i)
			j.Fail(err)
			if err := j.Charge(len(data)); err != nil {
				return err
			}
			show(j, id, kind, data)
		}
	}
	return nil
}

// attachment reads the attachment in a storage.
func (m *msg) attachment(j *flow.Job, storage, depth int) error {
	for _, i := range m.children[storage] {
		e := m.Entries[i]
		id, kind, ok := property(e.Name)
		switch {
		case ok && !e.Storage && isFileName(id):
			data, err := m.Bytes(i)
			j.Fail(err)
			show(j, id, kind, data)
		case !ok || id != attachment:
		case !e.Storage:
			data, err := m.Bytes(i)
			j.Fail(err)
			if err := j.Charge(len(data)); err != nil {
				return err
			}
			j.Open(bytes.NewReader(data), int64(len(data)))
		case m.Find(i, properties) >= 0:
			return m.message(j, i, depth+1)
		default:
			return flow.ErrUnknown
		}
	}
	return nil
}

// property returns the property in a stream of the name, and its type. The type
// has no flag for one of several values.
func property(name string) (id, kind int, ok bool) {
	digits, ok := strings.CutPrefix(name, propertyPrefix)
	digits, _, isOne := strings.Cut(digits, "-")
	if !ok || len(digits) != 8 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	id, kind = int(n>>16), int(n&0xffff)
	if isOne {
		kind &^= multiple
	}
	return id, kind, err == nil
}

// isFileName reports whether a property of an attachment is its name.
func isFileName(id int) bool { return id == attachName || id == attachFile || id == attachLong }

// isShown reports whether a reader sees a property.
func isShown(id, kind int) bool {
	isField := id >= firstNamed || firstPerson <= id && id <= lastPerson
	return id == subject || id == plainBody || id == rtfBody || id == htmlBody || isField && (kind == typeANSI || kind == typeWide)
}

// show reads the value of a property.
func show(j *flow.Job, id, kind int, data []byte) {
	switch {
	case id == rtfBody:
		text, err := decompress(data)
		j.Fail(err)
		j.Stream("", bytes.NewReader(text))
		return
	case id == htmlBody && kind == typeWide:
		j.Stream("text/html", io.MultiReader(strings.NewReader("\xff\xfe"), bytes.NewReader(data)))
		return
	case id == htmlBody:
		j.Stream("text/html", bytes.NewReader(data))
		return
	}
	place := detect.Body
	if id == subject {
		place = detect.Subject
	}
	f := j.Begin(place)
	defer f.Close()
	if kind == typeWide {
		f.String(strings.TrimRight(flow.UTF16(data), "\x00"))
		return
	}
	data, _, _ = bytes.Cut(data, []byte{0})
	d := charset.NewDecoder("", data, f.Text)
	d.Write(data)
	d.Close()
}
