package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logEvent is what the program logs under one msg.
type logEvent struct {
	level string
	keys  []string
}

// logSource reads the log calls of one package.
type logSource struct {
	t         *testing.T
	functions []*ast.FuncDecl
}

var levels = map[string]string{"Debug": "DEBUG", "Info": "INFO", "Warn": "WARN", "Error": "ERROR"}

// events gathers all log calls. One that it cannot read is an error of the
// test: no line gets past it.
func (s logSource) events(events map[string]*logEvent) {
	for _, function := range s.functions {
		ast.Inspect(function, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || levels[selector.Sel.Name] == "" || len(call.Args) == 0 {
				return true // err.Error() has no arguments
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				s.t.Errorf("%s: a msg that is no constant", function.Name.Name)
				return true
			}
			msg := unquoteLiteral(s.t, literal)
			event := events[msg]
			if event == nil {
				event = &logEvent{level: levels[selector.Sel.Name]}
				events[msg] = event
			}
			if event.level != levels[selector.Sel.Name] {
				s.t.Errorf("%s: two levels", msg)
			}
			for i, arg := range s.flatten(function, call.Args[1:]) {
				if key, ok := arg.(*ast.BasicLit); i%2 == 0 && !ok {
					s.t.Errorf("%s: a key that is no constant", msg)
				} else if i%2 == 0 && !slices.Contains(event.keys, unquoteLiteral(s.t, key)) {
					event.keys = append(event.keys, unquoteLiteral(s.t, key))
				}
			}
			return true
		})
	}
}

// flatten puts the elements of a list that is handed on with "..." in its
// place, which is the last.
func (s logSource) flatten(in *ast.FuncDecl, args []ast.Expr) []ast.Expr {
	if len(args) == 0 {
		return nil
	}
	last := args[len(args)-1]
	switch last.(type) {
	case *ast.CallExpr, *ast.Ident, *ast.SliceExpr:
		if len(args)%2 == 1 { // keys and values are pairs
			return append(slices.Clone(args[:len(args)-1]), s.list(in, last)...)
		}
	}
	return args
}

// list gives the elements of an expression of type []any.
func (s logSource) list(in *ast.FuncDecl, expr ast.Expr) []ast.Expr {
	switch e := expr.(type) {
	case *ast.CompositeLit:
		return e.Elts
	case *ast.SliceExpr: // keys[:6]
		end, err := strconv.Atoi(e.High.(*ast.BasicLit).Value)
		if list := s.list(in, e.X); err == nil && e.Low == nil && end <= len(list) {
			return list[:end]
		}
	case *ast.Ident: // keys := []any{...}
		if assigned := s.lastOf(in.Body, func(n ast.Node) ast.Expr {
			if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && isNamed(a.Lhs[0], e.Name) {
				return a.Rhs[0]
			}
			return nil
		}); assigned != nil {
			return s.list(in, assigned)
		}
	case *ast.CallExpr:
		if isNamed(e.Fun, "append") {
			return s.flatten(in, append(slices.Clone(s.list(in, e.Args[0])), e.Args[1:]...))
		}
		if function, ok := e.Fun.(*ast.Ident); ok {
			i := slices.IndexFunc(s.functions, func(f *ast.FuncDecl) bool { return f.Name.Name == function.Name })
			if i < 0 {
				break
			}
			return s.list(s.functions[i], s.lastOf(s.functions[i].Body, func(n ast.Node) ast.Expr {
				if r, ok := n.(*ast.ReturnStmt); ok {
					return r.Results[0]
				}
				return nil
			}))
		}
	}
	s.t.Errorf("%s: teach the test to read the keys of this log call", in.Name.Name)
	return nil
}

// lastOf gives the last expression that pick finds.
func (s logSource) lastOf(body ast.Node, pick func(ast.Node) ast.Expr) (found ast.Expr) {
	ast.Inspect(body, func(n ast.Node) bool {
		if expr := pick(n); expr != nil {
			found = expr
		}
		return true
	})
	return found
}

func isNamed(expr ast.Expr, name string) bool {
	ident, ok := expr.(*ast.Ident)
	return ok && ident.Name == name
}

// asElsewhere finds keys that a section takes over from another.
var asElsewhere = regexp.MustCompile("Keys?: ([^;.]*) as in `([a-z ]+)`")

// TestManLog holds the page against each log call of the source.
func TestManLog(t *testing.T) {
	events := make(map[string]*logEvent)
	for _, dir := range []string{"daemon", "../../milter", "../../milter/maillog"} {
		logSource{t, find[*ast.FuncDecl](t, dir)}.events(events)
	}
	page := readManPage(t, "postseal-log.5")
	documented := make(map[string][]string)
	for _, title := range page.below("EVENTS") {
		section := page["EVENTS/"+title]
		msg := title[:strings.LastIndexByte(title, ' ')]
		documented[msg] = section.names()
		if level := title[len(msg)+1:]; events[msg] != nil && events[msg].level != level {
			t.Errorf("%s: the page has %s, the program %s", msg, level, events[msg].level)
		}
		for _, term := range section.terms {
			if len(typedNames(term.line)) != 1 {
				t.Errorf("%s: %s has no type", msg, term.name)
			}
		}
	}
	taken := make(map[string][]string)
	for _, title := range page.below("EVENTS") {
		msg := title[:strings.LastIndexByte(title, ' ')]
		for _, match := range asElsewhere.FindAllStringSubmatch(page["EVENTS/"+title].text, -1) {
			for _, key := range codeSpans(match[1]) {
				if !slices.Contains(documented[match[2]], key) {
					t.Errorf("%s: %s does not have %s", msg, match[2], key)
				}
				taken[msg] = append(taken[msg], key)
			}
		}
	}
	var pageMsgs, msgs []string
	for msg := range documented {
		pageMsgs = append(pageMsgs, msg)
	}
	for msg, event := range events {
		msgs = append(msgs, msg)
		same(t, msg, append(taken[msg], documented[msg]...), event.keys)
	}
	same(t, "EVENTS", pageMsgs, msgs)
}

// TestManLogLine takes a line without keys of its own.
func TestManLogLine(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	section := readManPage(t, "postseal-log.5").section(t, "EVERY LINE")
	same(t, "every line", section.names(), slices.Collect(maps.Keys(line)))
	for _, term := range section.terms {
		if _, ok := line[term.name].(string); !ok || !strings.Contains(term.line, "(string)") {
			t.Errorf("%s: got %v", term.name, line[term.name])
		}
	}
}
