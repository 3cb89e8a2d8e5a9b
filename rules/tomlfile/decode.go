package tomlfile

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/BurntSushi/toml"
)

// Decode reads a TOML file into v, a pointer to a struct whose fields have toml
// tags. A key must be spelt exactly as its tag. A field of type time.Time
// accepts only a date, which becomes local midnight. The error joins all
// faults. Keys without a fault are set. Places is nil if the text is not TOML
// at all.
func Decode(text []byte, v any) (*Places, error) {
	if err := checkEncoding(text); err != nil {
		return nil, err
	}
	var tree map[string]any
	target := reflect.ValueOf(v).Elem()
	if _, err := toml.Decode(string(text), &tree); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, explainSyntax(string(text), syntax, newSchema(target.Type()))
		}
		return nil, err
	}
	d := decoder{Places: findPlaces(string(text)), schema: newSchema(target.Type())}
	d.section("", tree, target)
	for _, path := range d.twice {
		d.fault(path, "%s is set twice: keep one of the two", display(path))
	}
	slices.SortStableFunc(d.faults, func(a, b *Fault) int { return d.start(a.Path) - d.start(b.Path) })
	var faults []error
	for _, f := range d.faults {
		faults = append(faults, d.Locate(f))
	}
	return d.Places, errors.Join(faults...)
}

// Fault is what is wrong with a key or its value.
type Fault struct {
	Path string // such as policy[1].sender[0]; a path that the file does not have gets no position
	Err  error
}

func (f *Fault) Error() string { return f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// At returns each of the joined errors as a Fault of the key.
func At(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, e := range joined.Unwrap() {
			list = append(list, At(path, e))
		}
		return errors.Join(list...)
	}
	if err == nil {
		return nil
	}
	return &Fault{path, err}
}

// Locate adds the line and the column to each Fault among joined errors.
func (p *Places) Locate(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, e := range joined.Unwrap() {
			list = append(list, p.Locate(e))
		}
		return errors.Join(list...)
	}
	var f *Fault
	if !errors.As(err, &f) {
		return err
	}
	if line, column, ok := p.At(f.Path); ok {
		return fmt.Errorf("line %d, column %d: %v", line, column, err) // not a Fault, so that it is not located again
	}
	return err
}

type decoder struct {
	*Places
	schema schema
	faults []*Fault
}

func (d *decoder) fault(path, format string, args ...any) {
	d.faults = append(d.faults, &Fault{path, fmt.Errorf(format, args...)})
}

func (d *decoder) start(path string) int {
	at, _ := d.find(path)
	return at.start
}

func (d *decoder) section(path string, tree map[string]any, target reflect.Value) {
	fields := fieldsOf(target.Type())
	for key, value := range tree {
		where := join(path, key)
		if i := slices.Index(fields, key); i >= 0 {
			d.value(where, value, target.Field(i))
		} else {
			d.unknown(where, path, key, fields)
		}
	}
}

// fieldsOf returns the keys of a struct, in the order of its fields. Each field
// has a key.
func fieldsOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("toml"))
	}
	return keys
}

// value sets a field, or records why it cannot.
func (d *decoder) value(path string, value any, target reflect.Value) {
	if target.Kind() == reflect.Pointer {
		fresh := reflect.New(target.Type().Elem())
		d.value(path, value, fresh.Elem())
		target.Set(fresh)
		return
	}
	if want := kindOf(target.Type()); !d.isKind(path, value, want) {
		d.wrongKind(path, value, want)
		return
	}
	switch v := value.(type) {
	case map[string]any:
		d.section(path, v, target)
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		d.list(path, list, target)
	case []any:
		d.list(path, v, target)
	case time.Time:
		target.Set(reflect.ValueOf(time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.Local)))
	case int64:
		target.SetInt(v)
	case string:
		d.text(path, v, target)
	default:
		target.Set(reflect.ValueOf(v))
	}
}

// list sets a list. A list with a faulty item stays empty, unless the items are
// sections. Otherwise the faulty item would look like an empty text.
func (d *decoder) list(path string, list []any, target reflect.Value) {
	target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
	before := len(d.faults)
	for i, value := range list {
		d.value(item(path, i), value, target.Index(i))
	}
	if len(d.faults) > before && kindOf(target.Type()) == aList {
		target.SetZero()
	}
}

func (d *decoder) text(path, text string, target reflect.Value) {
	u, ok := target.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		target.SetString(text)
	} else if err := u.UnmarshalText([]byte(text)); err != nil {
		d.fault(path, "%s: %w", display(path), err)
	}
}
