package rtf

import (
	"bytes"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/picture"
)

// destinations are the words that begin one.
var destinations = map[string]destination{
	"fonttbl": fonts, "pict": pict, "objdata": object, "sn": shapeName,
	"header": margin, "headerl": margin, "headerr": margin, "headerf": margin,
	"footer": margin, "footerl": margin, "footerr": margin, "footerf": margin,
	"footnote": beside, "annotation": beside, "shptxt": beside, "dptxbxtext": beside, "fldinst": beside, "ud": beside,
	"title": beside, "subject": beside, "keywords": beside, "doccomm": beside, "comment": beside,
	"ffdeftext": beside, "ffhelptext": beside, "ffstattext": beside, "staticval": beside, "docvar": beside,
	"ffl": beside, "company": beside, "manager": beside, "category": beside,
	"colortbl": silent, "stylesheet": silent, "author": silent, "operator": silent, "nonshppict": silent,
	"ftnsep": silent, "ftnsepc": silent, "aftnsep": silent, "aftnsepc": silent, "bkmkstart": silent, "bkmkend": silent,
	"atnid": silent, "atnauthor": silent, "atndate": silent, "atntime": silent, "atnref": silent, "atrfstart": silent, "atrfend": silent,
	"creatim": silent, "revtim": silent, "printim": silent, "buptim": silent, "falt": silent, "panose": silent,
	"themedata": silent, "colorschememapping": silent, "datastore": silent, "latentstyles": silent, "objclass": silent, "objname": silent,
}

// transparent are the destinations after \* whose text is read where it stands.
var transparent = map[string]bool{
	"shpinst": true, "shppict": true, "do": true, "background": true, "formfield": true, "userprops": true,
	"moMath": true, "moMathPara": true, "objemb": true, "bin": true, "nesttableprops": true, "pn": true, "pntext": true,
}

// shown are the properties of shapes that are text.
var shown = [][]byte{[]byte("gtextUNICODE"), []byte("wzDescription"), []byte("wzName")}

// value begins the value of a shape's property.
func (r *reader) value() {
	for _, name := range shown {
		if bytes.Equal(bytes.TrimSpace(r.shape), name) && (r.isText()) {
			r.to, r.opens = shapeValue, true
			r.flow.Aside()
			return
		}
	}
	if bytes.Equal(bytes.TrimSpace(r.shape), []byte("pib")) {
		return // a picture
	}
	r.enter(silent)
}

// digit adds a digit of data in hexadecimal.
func (r *reader) digit(c byte) {
	n := int(c)
	switch {
	case c >= '0' && c <= '9':
		n -= '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		n = n&^0x20 - 'A' + 10
	default:
		return
	}
	if r.high < 0 {
		r.high = n
		return
	}
	r.add(byte(r.high<<4 | n))
	r.high = -1
}

// add adds an octet of data. The head of a picture is enough.
func (r *reader) add(c byte) {
	if r.to == object || len(r.data) < picture.HeadSize || picture.IsMetafile(r.data) {
		r.data = append(r.data, c)
	}
}

const twipsPerPixel = 15

// picture reads a picture. A drawing of Windows can hold text.
func (r *reader) picture() {
	if picture.IsMetafile(r.data) {
		r.metafiles = append(r.metafiles, r.data)
		r.data = nil
		return
	}
	is, large := picture.Large(r.data)
	if !is {
		large = picture.Scan(r.width/twipsPerPixel, r.height/twipsPerPixel)
	}
	if large {
		r.job.Picture()
	}
}

// magics begin what an object may hold after its header.
var magics = [][]byte{[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), []byte("PK\x03\x04"), []byte("%PDF-"), []byte(`{\rtf`)}

// embedded reads what an object holds.
func (r *reader) embedded(data []byte) {
	for _, magic := range magics {
		if i := bytes.Index(data, magic); i >= 0 {
			r.job.Open(bytes.NewReader(data[i:]), int64(len(data)-i))
			return
		}
	}
	r.job.Fail(flow.ErrUnknown)
}
