// Package mapi reads messages of Outlook: MSG files ([MS-OXMSG]), and winmail.dat
// ([MS-OXTNEF]).
package mapi

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/rules/detect"
)

var le = binary.LittleEndian

// The properties that are read, and the types of values ([MS-OXPROPS]).
const (
	subject    = 0x0037
	plainBody  = 0x1000
	rtfBody    = 0x1009
	htmlBody   = 0x1013
	attachment = 0x3701

	typeANSI   = 0x001e
	typeWide   = 0x001f
	typeBinary = 0x0102
	typeObject = 0x000d
)

// Names in a MSG file.
const (
	properties     = "__properties_version1.0"
	propertyPrefix = "__substg1.0_"
	attachPrefix   = "__attach_version1.0_"
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
	return m.message(j, 0, 0)
}

type msg struct {
	*ole.File
	children map[int][]int
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
		} else if id, kind, ok := property(e.Name); ok && !e.Storage && isShown(id) {
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
		id, _, ok := property(e.Name)
		switch {
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

// property returns the property in a stream of the name, and its type.
func property(name string) (id, kind int, ok bool) {
	digits, ok := strings.CutPrefix(name, propertyPrefix)
	if !ok || len(digits) != 8 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	return int(n >> 16), int(n & 0xffff), err == nil
}

func isShown(id int) bool {
	return id == subject || id == plainBody || id == rtfBody || id == htmlBody
}

// show reads the value of a property.
func show(j *flow.Job, id, kind int, data []byte) {
	switch id {
	case rtfBody:
		text, err := decompress(data)
		j.Fail(err)
		j.Stream(bytes.NewReader(text))
		return
	case htmlBody:
		if kind != typeWide {
			j.Stream(bytes.NewReader(data))
			return
		}
		j.Stream(strings.NewReader(text(kind, data)))
		return
	}
	place := detect.Body
	if id == subject {
		place = detect.Subject
	}
	f := j.Begin(place)
	defer f.Close()
	f.String(text(kind, data))
}

// text returns a value that is text.
func text(kind int, data []byte) string {
	if kind != typeWide {
		data, _, _ = bytes.Cut(data, []byte{0})
		return string(flow.Western(data))
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = le.Uint16(data[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}
