package config

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	// Now is when the operation is done; zero for the time of the machine.
	Now     time.Time
	Answers []RecordedAnswer
	Expect  Expectation
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
	if v.IsSet("now") {
		// The table has checked its form.
		t.Now, _ = time.Parse(time.RFC3339, v.String("now"))
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
	return l.readAnswersAndExpectation(b, content, t, address)
}

func (l *loader) definedTypes() (names []string) {
	for _, d := range l.definitions {
		names = append(names, d.Type)
	}
	return names
}

// readAnswersAndExpectation reads what stands in the test block b; nil where it has mistakes.
func (l *loader) readAnswersAndExpectation(
	b *hcl.Block, content *hcl.BodyContent, t *UpstreamTest, address string,
) *UpstreamTest {
	good, expects := true, 0
	for _, inner := range content.Blocks {
		table, _ := tableAt(l.tables.upstreamTest, []string{inner.Type})
		_, v, ok := l.readTestBlock(inner, table, address)
		if inner.Type == "expect" {
			expects++
			t.Expect = expectationOf(v)
		} else {
			a := recordedAnswerOf(inner, v)
			if ok && !a.JSON.IsNull() && !a.Text.IsNull() {
				l.report.error(inner.DefRange, address, "More than one body", "Only one of json and text can be set.")
				ok = false
			}
			t.Answers = append(t.Answers, a)
		}
		good = good && ok
	}
	if expects != 1 {
		l.report.error(b.DefRange, address, "Missing expect block", "A test has exactly one expect block.")
		good = false
	}
	if !good {
		return nil
	}
	return t
}

func recordedAnswerOf(b *hcl.Block, v schema.Values) RecordedAnswer {
	return RecordedAnswer{
		Label: b.Labels[0], Status: v.Int("status"), JSON: v.Raw("json"), Text: v.Raw("text"), Headers: v.StringMap("headers"),
	}
}

func expectationOf(v schema.Values) Expectation {
	e := Expectation{
		Class: failure.Class(v.String("class")), Reason: failure.Reason(v.String("reason")), Error: v.String("error"),
		AccessToken: v.String("access_token"), RefreshToken: v.String("refresh_token"), ExpiresAt: v.String("expires_at"),
		Outputs: v.Raw("outputs"), Request: v.Raw("request"), Requests: -1,
	}
	if v.IsSet("requests") {
		e.Requests = v.Int("requests")
	}
	return e
}

// readTestBlock decodes one block of a test file, which is never in JSON. Its answers have
// one label or none.
func (l *loader) readTestBlock(
	b *hcl.Block, table *schema.Block, address string,
) (*hcl.BodyContent, schema.Values, bool) {
	sc := scope{ctx: l.functionsContext, address: address, constant: true}
	s := sectionOf(b)
	var answers []*hcl.Block
	if native, ok := b.Body.(*hclsyntax.Body); ok {
		answers, s.body = splitLabelled(native, "answer")
	}
	split, ok := l.splitByTables(s, sc, []*schema.Block{table})
	content := *split
	content.Blocks = slices.Concat(answers, split.Blocks)
	values, good := l.decode(&content, l.withoutBlocks(table), s, sc)
	return &content, values, ok && good
}

func upstreamBlocksOf(files []*hcl.File) (blocks []*hcl.Block) {
	want := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "upstream", LabelNames: []string{"type"}}}}
	for _, f := range files {
		content, _, _ := f.Body.PartialContent(want)
		blocks = append(blocks, content.Blocks...)
	}
	return blocks
}
