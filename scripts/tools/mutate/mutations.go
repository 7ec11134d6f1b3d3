package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
)

// mutation is one change of one file: the bytes from start to end become text.
type mutation struct {
	file       string
	kind       string
	start, end int
	text       string
}

// apply returns the changed file.
func (m mutation) apply(source []byte) []byte {
	changed := append([]byte{}, source[:m.start]...)
	changed = append(changed, m.text...)
	return append(changed, source[m.end:]...)
}

// line is the number of the first line that is changed.
func (m mutation) line(source []byte) int { return 1 + bytes.Count(source[:m.start], []byte("\n")) }

// mutationsOf lists what can be changed in a file, in the order of the file.
// A generated file has nothing.
func mutationsOf(name string, source []byte) ([]mutation, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	f := finder{source: source, name: name, offset: func(p token.Pos) int { return set.Position(p).Offset }}
	ast.PreorderStack(file, nil, f.visit)
	return f.found, nil
}

// finder collects mutations. It knows the syntax only: what it finds besides
// that has no meaning to the compiler is drawn and thrown away.
type finder struct {
	source []byte
	name   string
	offset func(token.Pos) int
	found  []mutation
}

func (f *finder) visit(n ast.Node, above []ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.Field:
		return false // paths and tags of fields are no constants of the code
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		f.negate(n.Cond)
	case *ast.BinaryExpr:
		f.operator(n, above)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.drop("assignment", n)
		}
	case *ast.IncDecStmt:
		f.drop("assignment", n)
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && !unremarkable[f.text(call.Fun)] {
			f.drop("call", n)
		}
	case *ast.DeferStmt, *ast.GoStmt:
		f.drop("call", n)
	case *ast.ReturnStmt:
		f.noError(n, above)
	case *ast.CaseClause:
		f.caseClause(n, above)
	case *ast.CommClause:
		f.drop("case", n)
	case *ast.BasicLit:
		f.literal(n, above)
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			f.replace("constant", n, strconv.FormatBool(n.Name == "false"))
		}
	}
	return true
}

// unremarkable are the calls that nothing is dropped of. A panic says that the code is
// wrong, which no test can bring about; a crash point does nothing but where the crash
// tests, which are another package's, have it end the program.
var unremarkable = map[string]bool{"panic": true, "crashpoint.Reach": true}

func (f *finder) replace(kind string, n ast.Node, text string) {
	f.found = append(f.found, mutation{f.name, kind, f.offset(n.Pos()), f.offset(n.End()), text})
}

func (f *finder) drop(kind string, n ast.Node) { f.replace(kind, n, "") }

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

// negate turns a condition round.
func (f *finder) negate(condition ast.Expr) {
	if condition == nil {
		return
	}
	if not, ok := condition.(*ast.UnaryExpr); ok && not.Op == token.NOT {
		f.replace("condition", condition, f.text(not.X))
		return
	}
	f.replace("condition", condition, "!("+f.text(condition)+")")
}

// operator moves a bound, turns a comparison round that is no condition by
// itself, and drops each operand of a chain of && or ||.
func (f *finder) operator(n *ast.BinaryExpr, above []ast.Node) {
	switch n.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		moved := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[n.Op]
		at := f.offset(n.OpPos)
		f.found = append(f.found, mutation{f.name, "bound", at, at + len(n.Op.String()), moved})
	case token.EQL, token.NEQ:
		if !isCondition(n, above) {
			at := f.offset(n.OpPos)
			f.found = append(
				f.found,
				mutation{
					f.name,
					"condition",
					at,
					at + 2,
					map[token.Token]string{token.EQL: "!=", token.NEQ: "=="}[n.Op],
				},
			)
		}
	case token.LAND, token.LOR:
		if outer, ok := above[len(above)-1].(*ast.BinaryExpr); ok && outer.Op == n.Op && outer.X == n {
			return // a part of a longer chain, which was taken apart already
		}
		f.dropEach("operand", chain(n, n.Op))
	}
}

// dropEach drops each of several, with what parts it from its neighbor.
func (f *finder) dropEach(kind string, list []ast.Expr) {
	for i, one := range list {
		start, end := f.offset(one.Pos()), f.offset(one.End())
		if i > 0 {
			start = f.offset(list[i-1].End())
		} else {
			end = f.offset(list[1].Pos())
		}
		f.found = append(f.found, mutation{f.name, kind, start, end, ""})
	}
}

// chain returns the operands of a && b && c, or of a || b || c.
func chain(e ast.Expr, op token.Token) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == op {
		return append(chain(b.X, op), b.Y)
	}
	return []ast.Expr{e}
}

func isCondition(n ast.Expr, above []ast.Node) bool {
	switch outer := above[len(above)-1].(type) {
	case *ast.IfStmt:
		return outer.Cond == n
	case *ast.ForStmt:
		return outer.Cond == n
	}
	return false
}

// noError makes the last result nil where it is an error.
func (f *finder) noError(n *ast.ReturnStmt, above []ast.Node) {
	if len(n.Results) == 0 || isNamed(n.Results[len(n.Results)-1], "nil") {
		return
	}
	results := enclosingFunction(above).Results
	if results == nil {
		return
	}
	declared := results.List[len(results.List)-1]
	if !isNamed(declared.Type, "error") || len(n.Results) != results.NumFields() {
		return // one call that returns all results has no place of its own for the error
	}
	f.replace("error", n.Results[len(n.Results)-1], "nil")
}

// caseClause drops a case, and each of several values of one. Values of a
// switch without a tag are conditions.
func (f *finder) caseClause(n *ast.CaseClause, above []ast.Node) {
	f.drop("case", n)
	if len(n.List) > 1 {
		f.dropEach("case", n.List)
	}
	if s, ok := above[len(above)-2].(*ast.SwitchStmt); ok && s.Tag == nil {
		for _, value := range n.List {
			f.negate(value)
		}
	}
}

// word is a string that code compares or names things by. Longer texts are for
// people; whether a test repeats them says little about it.
var word = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// literal changes a number, and a word where it is declared as a constant,
// compared or the value of a case.
func (f *finder) literal(n *ast.BasicLit, above []ast.Node) {
	switch n.Kind {
	case token.INT:
		if v, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			f.replace("constant", n, fmt.Sprint(v+1))
		}
	case token.STRING:
		v, err := strconv.Unquote(n.Value)
		if err != nil || !word.MatchString(v) {
			return
		}
		named := false
		switch outer := above[len(above)-1].(type) {
		case *ast.BinaryExpr:
			named = outer.Op == token.EQL || outer.Op == token.NEQ
		case *ast.CaseClause:
			named = true
		case *ast.ValueSpec:
			decl, ok := above[len(above)-2].(*ast.GenDecl)
			named = ok && decl.Tok == token.CONST
		}
		if named {
			f.replace("constant", n, strconv.Quote(v+"x"))
		}
	}
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func enclosingFunction(above []ast.Node) *ast.FuncType {
	for i := len(above) - 1; ; i-- {
		switch n := above[i].(type) {
		case *ast.FuncLit:
			return n.Type
		case *ast.FuncDecl:
			return n.Type
		}
	}
}
