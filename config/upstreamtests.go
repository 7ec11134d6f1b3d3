package config

import (
	"context"
	"fmt"
	"slices"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// testSuffix ends the names of the files of test blocks, which are no configuration.
const testSuffix = ".credtest.hcl"

// UpstreamTests are the upstream blocks of a configuration, and the tests of them.
type UpstreamTests struct {
	// Upstreams are in the order of their types.
	Upstreams []*described.Definition
	// Tests are in the order of the files.
	Tests []*UpstreamTest
}

// UpstreamTest is one test block. Values that are not set are null.
type UpstreamTest struct {
	Name string
	// Upstream is the type, and Operation one of described.Operations.
	Upstream, Operation string
	Range               *diag.Range
	// Attributes, Token, Previous and Challenge are objects.
	Attributes, Token, Previous, Challenge cty.Value
	Answers                                []RecordedAnswer
	Expect                                 Expectation
}

// RecordedAnswer is an answer block.
type RecordedAnswer struct {
	// Label is that of the request; "" for the next one.
	Label  string
	Status int
	// JSON and Text are the body; at most one of them is not null.
	JSON, Text cty.Value
	Headers    map[string]string
}

// Expectation is an expect block.
type Expectation struct {
	// Class is "" where the operation has to succeed.
	Class  failure.Class
	Reason failure.Reason
	// Error is the name of the error block that has to match; "" for any.
	Error                                string
	AccessToken, RefreshToken, ExpiresAt string
	Outputs, Request                     cty.Value
	// Requests is how many are sent; -1 where that is not compared.
	Requests int
}

// LoadUpstreamTests reads the upstream blocks at Options.Path and in its directories of
// upstreams, and the test files beside them. It evaluates nothing else.
func LoadUpstreamTests(ctx context.Context, o Options) (*UpstreamTests, diag.List) {
	l := newLoader(ctx, o)
	files, _, broken := l.parseFiles()
	for _, d := range broken {
		l.report.add(d, nil)
	}
	if l.report.hasErrors() {
		return nil, l.report.list()
	}
	l.functionsContext = &hcl.EvalContext{
		Functions: functions.Table(functions.Options{}),
		Variables: map[string]cty.Value{},
	}
	l.functions = l.functionsContext.Functions
	l.declareUpstreams(l.upstreamBlocks(upstreamBlocksOf(files)))
	suite := &UpstreamTests{Upstreams: l.definitions}
	for _, dir := range append([]string{l.dir}, l.libraries...) {
		paths, err := listMatching(dir, isUpstreamTest)
		if err != nil {
			return nil, diag.List{unreadable(dir, err)}
		}
		for _, path := range paths {
			l.readTestFile(path, suite)
		}
	}
	return suite, l.report.list()
}

func (l *loader) readTestFile(path string, suite *UpstreamTests) {
	src, unread := readSource(path)
	if unread != nil {
		l.report.add(*unread, nil)
		return
	}
	file, problems := l.parse(path, src)
	for _, p := range problems {
		l.report.add(syntaxError(p, src, false, l.words), nil)
	}
	if file == nil || problems.HasErrors() {
		return
	}
	l.report.addFile(path, file)
	content, problems := file.Body.Content(
		&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "test", LabelNames: []string{"name"}}}},
	)
	for _, p := range problems {
		l.reportStructure(p, "")
	}
	for _, b := range content.Blocks {
		if t := l.readUpstreamTest(b); t != nil {
			suite.Tests = append(suite.Tests, t)
		}
	}
}

// readUpstreamTest reads one test block; nil where it has mistakes.
func (l *loader) readUpstreamTest(b *hcl.Block) *UpstreamTest {
	address := "test." + b.Labels[0]
	content, v, ok := l.readTestBlock(b, l.tables.upstreamTest, address)
	if !ok {
		return nil
	}
	t := &UpstreamTest{
		Name: b.Labels[0], Upstream: v.String("upstream"), Operation: v.String("operation"), Range: convertRange(b.DefRange),
		Attributes: v.Raw("attributes"), Token: v.Raw("token"), Previous: v.Raw("previous"), Challenge: v.Raw("challenge"),
	}
	for _, name := range []string{"attributes", "token", "previous", "challenge"} {
		if raw := v.Raw(name); !raw.IsNull() && !raw.Type().IsObjectType() && !raw.Type().IsMapType() {
			l.report.error(content.Attributes[name].Expr.Range(), address, "Incorrect argument type", fmt.Sprintf("The argument %q must be an object: { name = value }.", name))
			return nil
		}
	}
	if !slices.ContainsFunc(l.definitions, func(d *described.Definition) bool { return d.Type == t.Upstream }) &&
		!l.brokenUpstreams[t.Upstream] {
		l.report.error(
			content.Attributes["upstream"].Expr.Range(),
			address,
			"Unknown upstream",
			fmt.Sprintf("There is no upstream block %q.%s", t.Upstream, didYouMean(t.Upstream, l.definedTypes())),
		)
		return nil
	}
	return l.readAnswersAndExpectation(content, t, address)
}

func (l *loader) definedTypes() (names []string) {
	for _, d := range l.definitions {
		names = append(names, d.Type)
	}
	return names
}

func (l *loader) readAnswersAndExpectation(content *hcl.BodyContent, t *UpstreamTest, address string) *UpstreamTest {
	good, expects := true, 0
	for _, inner := range content.Blocks {
		switch inner.Type {
		case "answer":
			_, v, ok := l.readTestBlock(inner, nestedTable(l.tables.upstreamTest, "answer"), address)
			a := RecordedAnswer{
				Label:   inner.Labels[0],
				Status:  v.Int("status"),
				JSON:    v.Raw("json"),
				Text:    v.Raw("text"),
				Headers: v.StringMap("headers"),
			}
			if ok && !a.JSON.IsNull() && !a.Text.IsNull() {
				l.report.error(inner.DefRange, address, "More than one body", "Only one of json and text can be set.")
				ok = false
			}
			good = good && ok
			t.Answers = append(t.Answers, a)
		case "expect":
			expects++
			_, v, ok := l.readTestBlock(inner, nestedTable(l.tables.upstreamTest, "expect"), address)
			good = good && ok
			t.Expect = Expectation{
				Class: failure.Class(v.String("class")), Reason: failure.Reason(v.String("reason")), Error: v.String("error"),
				AccessToken: v.String("access_token"), RefreshToken: v.String("refresh_token"), ExpiresAt: v.String("expires_at"),
				Outputs: v.Raw("outputs"), Request: v.Raw("request"), Requests: -1,
			}
			if v.IsSet("requests") {
				t.Expect.Requests = v.Int("requests")
			}
		}
	}
	if expects != 1 {
		l.report.error(hclRange(t.Range), address, "Missing expect block", "A test has exactly one expect block.")
		good = false
	}
	if !good {
		return nil
	}
	return t
}

// hclRange is a place of ours as the parser has it.
func hclRange(r *diag.Range) hcl.Range {
	return hcl.Range{
		Filename: r.Filename, Start: hcl.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End: hcl.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// readTestBlock decodes one block of a test file. Its answers have one label or none.
func (l *loader) readTestBlock(
	b *hcl.Block,
	table *schema.Block,
	address string,
) (*hcl.BodyContent, schema.Values, bool) {
	sc := scope{ctx: l.functionsContext, address: address, constant: true}
	s := sectionOf(b)
	s.body = labelledBlocks(s.body, "answer")
	content, ok := l.splitByTables(s, sc, []*schema.Block{table})
	values, good := l.decode(content, l.withoutBlocks(table), s, sc)
	return content, values, ok && good
}

// labelledBlocks gives blocks of a type without a label an empty one, since the parser
// knows only blocks with one number of labels.
func labelledBlocks(body hcl.Body, kind string) hcl.Body {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return body
	}
	labelled := *native
	labelled.Blocks = slices.Clone(native.Blocks)
	for i, b := range labelled.Blocks {
		if b.Type == kind && len(b.Labels) == 0 {
			with := *b
			with.Labels, with.LabelRanges = []string{""}, []hcl.Range{b.TypeRange}
			labelled.Blocks[i] = &with
		}
	}
	return &labelled
}

func nestedTable(table *schema.Block, kind string) *schema.Block {
	for i := range table.Blocks {
		if table.Blocks[i].Type == kind {
			return &table.Blocks[i].Block
		}
	}
	panic("config: no block " + kind)
}

func upstreamBlocksOf(files []*hcl.File) (blocks []*hcl.Block) {
	want := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "upstream", LabelNames: []string{"type"}}}}
	for _, f := range files {
		content, _, _ := f.Body.PartialContent(want)
		blocks = append(blocks, content.Blocks...)
	}
	return blocks
}
