// Package object reads the objects of a PDF file: their places, their syntax,
// their filters and their encryption.
package object

// The objects. null is nil, and true and false are a bool. Every number is a
// float64.
type (
	Name   string
	String string // octets, decrypted
	Array  []any
	Dict   map[Name]any
	Ref    struct{ Num, Gen int }
)

// Stream is a dictionary with octets.
type Stream struct {
	Dict Dict
	raw  []byte // as in the file: encrypted and filtered
	ref  Ref    // for decryption
}

// Get returns the object that v is or refers to.
func (f *File) Get(v any) any {
	for range 10 {
		ref, ok := v.(Ref)
		if !ok {
			return v
		}
		v = f.resolve(ref.Num)
	}
	return nil
}

// Dict returns the dictionary that v is or refers to, also a stream's, or nil.
func (f *File) Dict(v any) Dict {
	switch v := f.Get(v).(type) {
	case Dict:
		return v
	case *Stream:
		return v.Dict
	}
	return nil
}

// Stream returns the stream that v is or refers to, or nil.
func (f *File) Stream(v any) *Stream {
	s, _ := f.Get(v).(*Stream)
	return s
}

// Array returns the array that v is or refers to, or nil.
func (f *File) Array(v any) Array {
	a, _ := f.Get(v).(Array)
	return a
}

// Name returns the name that v is or refers to, or "".
func (f *File) Name(v any) Name {
	n, _ := f.Get(v).(Name)
	return n
}

// Number returns the number that v is or refers to.
func (f *File) Number(v any) (float64, bool) {
	n, ok := f.Get(v).(float64)
	return n, ok
}

// Int returns the number that v is or refers to, or the other one.
func (f *File) Int(v any, otherwise int) int {
	n, ok := f.Number(v)
	if !ok || n < -1<<40 || n > 1<<40 {
		return otherwise
	}
	return int(n)
}

// Numbers returns the numbers that v is or refers to, at most len(into) of them,
// and how many there are.
func (f *File) Numbers(v any, into []float64) int {
	list := f.Array(v)
	if len(list) > len(into) {
		list = list[:len(into)]
	}
	for i := range list {
		into[i], _ = f.Number(list[i])
	}
	return len(list)
}

// Text returns the text that v is or refers to: a string or a stream of text.
func (f *File) Text(v any) string {
	switch v := f.Get(v).(type) {
	case String:
		return text(string(v))
	case *Stream:
		return text(string(f.Decode(v)))
	}
	return ""
}
