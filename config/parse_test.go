package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// pieces are sources that end blocks, or seem to, in all kinds of places.
var pieces = []string{
	"", "\n", "# only a comment", "a = 1\n", "a = 1\n}\n", "\ufeffa {\n}\n", "a {\n}\n\ufeffb {\n}\n", "a {\n}\nb {\n}\n", "a {\r\n}\r\nb {\r\n}\r\n", "a {\n}\r\r\nb {\n}\n",
	"a {\n}\na = 1\nb {\n}\na = 2\n", "a = {\n}\nb {\n}\n", "a = <<EOT\n}\nEOT\nb {\n}\n", "a = <<-EOT\n  ${ {\n}\n}\n  EOT\n", "a = \"\n}\n\"\n",
	"/*\n}\n*/\na {\n}\n", "/*\n}\n", "a = 1 /*\n}\n*/\n", "#\n}\n", "a {\n /*\n}\n*/ }\nb {\n}\n", "a {\n}\n/*\n}\n*/\nb \"é\" \"x\" {\n}\n# é\nc {\n}",
	"a = \"${ {\n}\n}\"\n", "a = [\n}\n]\n", "a = (\n}\n", "a {\n}\n}\n", "a {\n x = \"%{ if true }\n}\n%{ endif }\"\n}\n", "a {\n}\nb", "a {\n}\nb = 1.5 + x[*].y\n", "a {\n} # end\nb {\n}\n",
}

func testedSources(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/*/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatal("there is no test data")
	}
	all := pieces
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(src))
	}
	return all
}

// bulky is a block after which a chunk is full.
var bulky = "bulky {\n # " + strings.Repeat("(", maxDepth-1) + "\n}\n"

// sameParse fails where parsing in chunks gives anything but what parsing the
// whole does, or does not see that it is too deeply nested.
func sameParse(t *testing.T, src string) {
	t.Helper()
	got := parseInChunks("main.hcl", []byte(src))
	if checkDepth([]byte(src), false) != nil {
		if got != nil {
			t.Fatalf("nested too deeply, but parsed:\n%s", src)
		}
		return
	}
	want, problems := hclsyntax.ParseConfig([]byte(src), "main.hcl", hcl.InitialPos)
	switch {
	case got == nil:
		return
	case len(problems) > 0:
		t.Fatalf("%v, but parsed:\n%s", problems, src)
	case !reflect.DeepEqual(got, want):
		t.Fatalf("parsed otherwise:\n%s", src)
	}
	shown := newSourceFile(got)
	for i := 0; i < len(src); i += 1 + len(src)/500 {
		if got, want := shown.blockAt(i), hcled.ContextString(want, i); got != want {
			t.Fatalf("the block at %d is %q, want %q:\n%s", i, got, want, src)
		}
	}
}

// inManyChunks has a chunk end after each line with a closing brace only.
func inManyChunks(src string) string {
	return strings.NewReplacer("\n}\n", "\n}\n"+bulky, "\n}\r\n", "\n}\r\n"+bulky).Replace(src)
}

func TestParsingInChunksIsParsingTheWhole(t *testing.T) {
	for _, src := range testedSources(t) {
		sameParse(t, src)
		sameParse(t, inManyChunks(src))
	}
	for _, src := range pieces {
		for _, next := range pieces {
			sameParse(t, inManyChunks(src+next))
		}
	}
}

func FuzzParseInChunks(f *testing.F) {
	for _, src := range testedSources(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		sameParse(t, src)
		sameParse(t, inManyChunks(src))
	})
}

// Ten thousand blocks are parsed in chunks, whatever stands between them.
func TestManyBlocksAreParsedInChunks(t *testing.T) {
	var src strings.Builder
	src.WriteString("# accounts\r\nvariable \"url\" { type = string }\n\n")
	for i := range 300 {
		fmt.Fprintf(&src, "# é %d\naccount \"bank\" \"n%d\" {\n  a = \"x-%d-ü\"\n  deliver \"vault\" \"main\" {\n    data = <<EOT\n${token.x}\nEOT\n  }\n}\n\nlocals {\n  n%d = %d\n}\n", i, i, i, i, i)
	}
	if chunk, _ := nextChunk([]byte(src.String())); len(chunk) > src.Len()/10 {
		t.Errorf("a chunk has %d of %d bytes", len(chunk), src.Len())
	}
	if parseInChunks("main.hcl", []byte(src.String())) == nil {
		t.Error("parsed as a whole")
	}
	sameParse(t, src.String())
}

func TestWhatParsersCannotNestIsSeenInChunks(t *testing.T) {
	for name, src := range map[string]string{
		"brackets":  "a {\n}\nb = " + strings.Repeat("[", maxDepth+1) + "\n",
		"negations": "a {\n}\nb = " + strings.Repeat("!", maxNegations+1) + "true\n",
		"branches":  strings.Repeat("a {\n b = "+strings.Repeat("x?1:", 100)+"1\n}\n", maxBranches/100+1),
		"templates": "a {\n}\nb = " + strings.Repeat("\"${", maxDepth) + "\n",
	} {
		if checkDepth([]byte(src), false) == nil {
			t.Errorf("%s: not too deep", name)
		}
		if parseInChunks("main.hcl", []byte(src)) != nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

// FuzzMostNesting: where so little nests that it is not looked at closely,
// nothing is missed.
func FuzzMostNesting(f *testing.F) {
	for _, src := range testedSources(f) {
		f.Add(src, 100)
	}
	f.Fuzz(func(t *testing.T, src string, times int) {
		src = strings.Repeat(src, max(1, min(times, 300)))
		if mostNesting([]byte(src)).allowed() && checkDepth([]byte(src), false) != nil {
			t.Errorf("too deep:\n%s", src)
		}
	})
}

// Taking a body apart by hand gives what the parser does.
func TestPlainContentIsContent(t *testing.T) {
	for _, src := range testedSources(t) {
		file, problems := hclsyntax.ParseConfig([]byte(src), "main.hcl", hcl.InitialPos)
		if !problems.HasErrors() {
			samePlainContent(t, file.Body.(*hclsyntax.Body))
		}
	}
	if _, ok := plainContent(hcl.EmptyBody(), &hcl.BodySchema{}); ok {
		t.Error("a body of another syntax is taken apart")
	}
}

func samePlainContent(t *testing.T, body *hclsyntax.Body) {
	t.Helper()
	all := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "other"}}}
	for name := range body.Attributes {
		all.Attributes = append(all.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, b := range body.Blocks {
		samePlainContent(t, b.Body)
		if slices.ContainsFunc(all.Blocks, func(s hcl.BlockHeaderSchema) bool { return s.Type == b.Type }) {
			continue
		}
		all.Blocks = append(all.Blocks, hcl.BlockHeaderSchema{Type: b.Type, LabelNames: make([]string, len(b.Labels))})
	}
	for _, want := range []*hcl.BodySchema{
		all, {Attributes: all.Attributes}, {Blocks: all.Blocks}, {Attributes: append([]hcl.AttributeSchema{{Name: "more", Required: true}}, all.Attributes...), Blocks: all.Blocks},
	} {
		content, problems := body.Content(want)
		got, ok := plainContent(body, want)
		if ok && (len(problems) > 0 || !reflect.DeepEqual(got, content)) {
			t.Errorf("%s: got %+v, want %+v", body.SrcRange, got, content)
		}
	}
	if _, ok := plainContent(body, all); !ok && len(body.Blocks) < 2 {
		t.Errorf("%s: left to the parser", body.SrcRange)
	}
}

func TestIsIdentifierKnowsTheUsualLetters(t *testing.T) {
	for _, name := range []string{"", "a", "_", "-", "a-", "9a", "a9", "é", "aé", "é-9", "a b", "a\n", "\xff", "A_9-z", "ab{", "a.b", "@", "a`", "a[", "٣", "a٣"} {
		if got, want := isIdentifier(name), identifier().MatchString(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}
