package config

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// ImplicitStateDir is where the state lives if no block says otherwise, relative to
// the configuration.
const ImplicitStateDir = ".credsync"

// declareState evaluates the state block, or makes the implicit one.
func (l *loader) declareState(blocks []*hcl.Block) *State {
	if len(blocks) == 0 {
		return l.implicitState()
	}
	for _, b := range blocks[1:] {
		l.report.error(b.DefRange, "", "Duplicate state block", fmt.Sprintf("The state was already declared at %s. There can be only one state block.", place(blocks[0].DefRange)))
	}
	b := blocks[0]
	spec, ok := l.sinkSpec(b)
	if !ok {
		return nil
	}
	s := sectionOf(b)
	content, ok := l.splitByTables(s, scope{}, []*schema.Block{l.tables.state, &spec.State})
	known := !l.refuseData(content, s, "", "The state")
	sink, found := l.stateSink(b, spec)
	if !ok || !known || !found {
		return nil
	}
	values, ok := l.decode(content, &spec.State, s, scope{ctx: l.contextOf(needs(expressions(content)...))})
	if !ok || !l.checkRecord(spec, sink, values, s) {
		return nil
	}
	l.doubt(spec, sink, values, s.def, "")
	return &State{Sink: sink, Values: values, Range: convertRange(b.DefRange)}
}

// stateSink finds the sink that the labels name. A type alone is enough for
// one that needs no settings: state "file".
func (l *loader) stateSink(b *hcl.Block, spec *sinks.Spec) (*Sink, bool) {
	if len(b.Labels) > 1 {
		return l.findSink(b.Labels[0], b.Labels[1], b.LabelRanges[1], "")
	}
	if b.Labels[0] != "file" {
		l.report.error(b.DefRange, "", "Missing name of a sink", fmt.Sprintf("A state block names a sink by its type and its name, as in state %q \"main\". Only state \"file\" needs no name.", b.Labels[0]))
		return nil, false
	}
	return l.unnamedSink(spec, b.DefRange)
}

// unnamedSink is a sink with nothing set.
func (l *loader) unnamedSink(spec *sinks.Spec, def hcl.Range) (*Sink, bool) {
	s := section{body: hcl.EmptyBody(), def: def, kind: "the settings of the " + spec.Type + " sink"}
	values, ok := l.decodeAll(s, &spec.Connection, "", scope{ctx: l.functionsContext})
	return &Sink{Name: spec.Type, Spec: spec, Values: values, Range: convertRange(def)}, ok
}

// StateFiles is the state as it is kept in a directory of files where no block says
// otherwise. path is as a state block has it, relative to the sink's directory.
func StateFiles(ctx context.Context, o Options, path string) *State {
	l := newLoader(ctx, o)
	l.functionsContext = &hcl.EvalContext{}
	return l.stateFiles(path)
}

func (l *loader) implicitState() *State {
	s := l.stateFiles(ImplicitStateDir)
	if s != nil {
		s.Implicit = true
	}
	return s
}

func (l *loader) stateFiles(path string) *State {
	spec, ok := l.opts.Sinks.Lookup("file")
	if !ok {
		return nil
	}
	sink, ok := l.unnamedSink(spec, hcl.Range{Filename: l.dir, Start: hcl.InitialPos, End: hcl.InitialPos})
	if !ok {
		return nil
	}
	sink.Range = nil
	attrs := map[string]cty.Value{}
	if _, ok := spec.State.Attribute("path"); ok {
		// Relative paths start at the configuration's directory by
		// themselves; this is for sinks that take them as they are.
		attrs["path"] = cty.StringVal(path)
	}
	values := schema.NewValues(&spec.State, "", attrs, nil)
	s := section{def: hcl.Range{Filename: filepath.Join(l.dir, path)}, kind: "the default state"}
	if !l.checkRecord(spec, sink, values, s) {
		return nil
	}
	return &State{Sink: sink, Values: values}
}

// checkRecord asks the sink whether it can keep the state there.
func (l *loader) checkRecord(spec *sinks.Spec, sink *Sink, values schema.Values, s section) bool {
	if spec.Record == nil {
		l.report.error(s.def, "", "Sink cannot store the state", fmt.Sprintf("Sinks of type %q cannot store the state.", spec.Type))
		return false
	}
	if !values.AllKnown() || !sink.Values.AllKnown() {
		return true
	}
	if _, err := spec.Record(sink.Values, values, ""); err != nil {
		l.blockError(err, "Invalid state block", values, s.def, "")
		return false
	}
	return true
}

// splitState takes the state blocks out of a file's body. They have one label
// or two, and the parser knows only blocks with one number of labels.
func splitState(body hcl.Body) (states []*hcl.Block, rest hcl.Body) {
	if native, ok := body.(*hclsyntax.Body); ok {
		return splitNative(native, func(b *hclsyntax.Block) bool {
			return b.Type == "state" && len(b.Labels) > 0 && len(b.Labels) < 3
		})
	}
	one := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "state", LabelNames: []string{"type"}}}}
	content, rest, _ := body.PartialContent(one)
	for _, b := range content.Blocks {
		attrs, _ := b.Body.JustAttributes()
		if inner := namedJSONState(b, attrs); inner != nil {
			b = inner
		}
		states = append(states, b)
	}
	return states, rest
}

// splitNative takes those blocks out of a body that are wanted.
func splitNative(
	body *hclsyntax.Body, wanted func(*hclsyntax.Block) bool,
) (taken []*hcl.Block, rest hcl.Body) {
	without := *body
	without.Blocks = nil
	for _, b := range body.Blocks {
		if wanted(b) {
			taken = append(taken, b.AsHCLBlock())
			continue
		}
		without.Blocks = append(without.Blocks, b)
	}
	return taken, &without
}

// namedJSONState is the block one level further down, where a JSON state has
// two labels: its one property is then an object rather than an argument.
func namedJSONState(b *hcl.Block, attrs hcl.Attributes) *hcl.Block {
	if len(attrs) != 1 {
		return nil
	}
	for name, a := range attrs {
		if _, problems := hcl.ExprMap(a.Expr); problems.HasErrors() {
			return nil
		}
		schema := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: name}}}
		content, problems := b.Body.Content(schema)
		if problems.HasErrors() || len(content.Blocks) != 1 {
			return nil
		}
		inner := content.Blocks[0]
		inner.Type, inner.Labels = "state", []string{b.Labels[0], name}
		inner.LabelRanges = []hcl.Range{b.LabelRanges[0], a.NameRange}
		inner.DefRange = b.DefRange
		return inner
	}
	return nil
}
