package mapi

import (
	"bytes"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// Attributes of TNEF ([MS-OXTNEF], section 2.1.3.2), without their types.
const (
	attSubject    = 0x8004
	attBody       = 0x800c
	attData       = 0x800f
	attTitle      = 0x8010
	attRendering  = 0x9002 // begins an attachment
	attProperties = 0x9003
	attAttachment = 0x9005
)

const (
	tnefHeader      = 6
	attributeHeader = 9
	checksumSize    = 2
)

// ReadTNEF reads winmail.dat.
func ReadTNEF(j *flow.Job, r io.Reader) error {
	data, err := io.ReadAll(r)
	j.Fail(err)
	t := &tnef{job: j, file: j}
	p := data[min(tnefHeader, len(data)):]
	for len(p) >= attributeHeader {
		id, size := int(le.Uint16(p[1:])), uint64(le.Uint32(p[5:]))
		p = p[attributeHeader:]
		if size+checksumSize > uint64(len(p)) {
			t.attribute(id, p)
			return flow.ErrDamaged
		}
		if err := t.attribute(id, p[:size]); err != nil {
			return err
		}
		p = p[size+checksumSize:]
	}
	return nil
}

type tnef struct {
	job   *flow.Job
	file  *flow.Job // of the attachment that is read
	count int
}

func (t *tnef) attribute(id int, data []byte) error {
	switch id {
	case attSubject:
		show(t.job, subject, typeANSI, data)
	case attBody:
		show(t.job, plainBody, typeANSI, data)
	case attRendering:
		if !t.job.TakeEntry() {
			return flow.ErrLimit
		}
		t.count++
		t.file = t.job.Entry(t.count)
	case attTitle:
		show(t.file, attachName, typeANSI, data)
	case attData:
		t.file.Open(bytes.NewReader(data), int64(len(data)))
	case attProperties, attAttachment:
		t.job.Fail(t.properties(data))
	}
	return nil
}

// sizes are those of the values of fixed types, in steps of four.
var sizes = map[int]int{
	0x00: 0, 0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0a: 4, 0x0b: 4, 0x14: 8, 0x40: 8, 0x48: 16,
}

const interfaceID = 16

// cursor reads a list of properties.
type cursor struct {
	p      []byte
	broken bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.p)) {
		c.broken = true
		n = uint64(len(c.p))
	}
	v := c.p[:n]
	c.p = c.p[n:]
	return v
}

func (c *cursor) number() uint32 { return le.Uint32(append(bytes.Clone(c.take(4)), 0, 0, 0, 0)) }

// value returns a value that follows its length.
func (c *cursor) value() []byte {
	n := uint64(c.number())
	v := c.take(n)
	c.take(min((4-n%4)%4, uint64(len(c.p))))
	return v
}

// properties reads a list of properties.
func (t *tnef) properties(data []byte) error {
	c := &cursor{p: data}
	for n := c.number(); n > 0 && !c.broken; n-- {
		tag := c.number()
		kind, id := int(tag&0xffff), int(tag>>16)
		isHeader := false
		if id >= firstNamed {
			set := c.take(16)
			isHeader = len(set) == 16 && le.Uint32(set) == internetHeaders
			if c.number() == 0 {
				c.number()
			} else {
				c.value()
			}
		}
		count := uint32(1)
		size, fixed := sizes[kind&^multiple]
		if kind&multiple != 0 || !fixed {
			count = c.number()
		}
		for ; count > 0 && !c.broken; count-- {
			if fixed {
				c.take(uint64(size))
				if size == 0 {
					break
				}
			} else if value := c.value(); !isHeader {
				t.property(id, kind&^multiple, value)
			}
		}
	}
	if c.broken {
		return flow.ErrDamaged
	}
	return nil
}

func (t *tnef) property(id, kind int, value []byte) {
	switch {
	case isShown(id, kind):
		show(t.job, id, kind, value)
	case t.file != t.job && isFileName(id):
		show(t.file, id, kind, value)
	case id == attachment:
		if kind == typeObject {
			value = value[min(interfaceID, len(value)):]
		}
		t.file.Open(bytes.NewReader(value), int64(len(value)))
	}
}
