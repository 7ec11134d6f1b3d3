package config

import (
	"bytes"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

type sourcePosition struct {
	filename string
	byte     int
}

// addFile makes a file's source known, all of its expressions hidden.
func (r *reporter) addFile(path string, f *hcl.File) {
	r.files[path] = newSourceFile(f)
	r.hidden[path] = map[int]int{}
	if body, ok := f.Body.(*hclsyntax.Body); ok {
		r.hideBody(body)
	}
}

func (r *reporter) hideBody(body *hclsyntax.Body) {
	for _, a := range body.Attributes {
		r.hide(a.Expr.Range())
	}
	for _, b := range body.Blocks {
		r.hideBody(b.Body)
	}
}

func (r *reporter) hide(rng hcl.Range) {
	if h := r.hidden[rng.Filename]; h != nil {
		h[rng.Start.Byte] = rng.End.Byte
	}
}

// conceal hides for good what was seen to hold a secret, also from the other
// instances of its block.
func (r *reporter) conceal(rng hcl.Range) {
	r.hide(rng)
	r.concealed[sourcePosition{filename: rng.Filename, byte: rng.Start.Byte}] = true
}

// reveal shows the source of an expression that a table row has proved
// harmless, except for what a call of sensitive() wraps.
func (r *reporter) reveal(expr hcl.Expression) {
	rng := expr.Range()
	if _, native := expr.(hclsyntax.Node); !native {
		// No JSON is ever shown. What it calls can be told by its text only.
		if file := r.files[rng.Filename]; file != nil && bytes.Contains(rng.SliceBytes(file.src), []byte("sensitive")) {
			r.taint(namesUsedIn(expr))
		}
		return
	}
	if _, hidden := r.hidden[rng.Filename][rng.Start.Byte]; !hidden ||
		r.concealed[sourcePosition{filename: rng.Filename, byte: rng.Start.Byte}] {
		return
	}
	if calls(expr, "sensitive") {
		r.taint(namesUsedIn(expr))
		return
	}
	delete(r.hidden[rng.Filename], rng.Start.Byte)
}

// revealNames shows an expression without its string literals: data of a
// deliver block may hold a password beside what it says of the token.
func (r *reporter) revealNames(expr hcl.Expression) {
	r.reveal(expr)
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			r.hide(literal.SrcRange)
		}
		return nil
	})
	for _, key := range objectKeys(expr) {
		delete(r.hidden[key.Filename], key.Start.Byte)
	}
}

// objectKeys are the ranges of the literal keys of an object, as hide got them.
func objectKeys(expr hcl.Expression) []hcl.Range {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	var keys []hcl.Range
	for _, item := range object.Items {
		key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
		if !ok {
			continue
		}
		if template, ok := key.Wrapped.(*hclsyntax.TemplateExpr); ok {
			for _, part := range template.Parts {
				keys = append(keys, part.Range())
			}
		}
	}
	return keys
}

func (r *reporter) taint(used []string) {
	for _, name := range used {
		if !r.tainted[name] {
			r.tainted[name] = true
			r.taint(r.uses[name])
		}
	}
}

// hideTainted hides what is tainted, once all uses are known.
func (r *reporter) hideTainted() {
	for _, name := range slices.Sorted(maps.Keys(r.tainted)) {
		r.taint(r.uses[name])
	}
	for name := range r.tainted {
		if source, ok := r.sources[name]; ok {
			r.hide(source)
		}
	}
	r.taintHidden = true
}
