package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func testedSources(t testing.TB) (all []string) {
	paths, err := filepath.Glob("testdata/*/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatal("there is no test data")
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(src))
	}
	return all
}

// A snippet names the block that HCL's own tools name.
func TestTheBlockAroundAPlaceIsTheOneOfTheParser(t *testing.T) {
	for _, src := range testedSources(t) {
		file, problems := hclsyntax.ParseConfig([]byte(src), "main.hcl", hcl.InitialPos)
		if problems.HasErrors() {
			continue
		}
		shown := newSourceFile(file)
		for i := 0; i < len(src); i += 1 + len(src)/500 {
			if got, want := shown.blockAt(i), hcled.ContextString(file, i); got != want {
				t.Fatalf("the block at %d is %q, want %q:\n%s", i, got, want, src)
			}
		}
	}
}

func TestWhatTheParserCannotNestIsRefused(t *testing.T) {
	for name, src := range map[string]string{
		"brackets":  "a {\n}\nb = " + strings.Repeat("[", maxDepth+1) + "\n",
		"negations": "a {\n}\nb = " + strings.Repeat("!", maxNegations+1) + "true\n",
		"branches":  strings.Repeat("a {\n b = "+strings.Repeat("x?1:", 100)+"1\n}\n", maxBranches/100+1),
		"templates": "a {\n}\nb = " + strings.Repeat("\"${", maxDepth) + "\n",
	} {
		if file, problems := parseSource("main.hcl", []byte(src)); file != nil || len(problems) != 1 ||
			problems[0].Summary != tooDeepSummary {
			t.Errorf("%s: parsed, or said %v", name, problems)
		}
	}
}

func TestIsIdentifierKnowsTheUsualLetters(t *testing.T) {
	for _, name := range []string{"", "a", "_", "-", "a-", "9a", "a9", "é", "aé", "é-9", "a b", "a\n", "\xff", "A_9-z", "ab{", "a.b", "@", "a`", "a[", "٣", "a٣"} {
		if got, want := isIdentifier(name), identifier().MatchString(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

// What stands side by side is not nested, however much of it there is.
func TestWhatStandsSideBySideIsNotNested(t *testing.T) {
	for name, one := range map[string]string{
		"parentheses": "(1)", "braces": "{}", "brackets": "[]", "quotes": `"x"`, "templates": `"${1}"`, "negations": "-1", "directives": `"%{if true}x%{endif}"`,
	} {
		src := "b = [\n" + strings.Repeat(one+",\n", 10*maxDepth) + "]\n"
		if err := checkDepth([]byte(src), false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var blocks strings.Builder
	for range 10 * maxDepth {
		blocks.WriteString("a {\n  b = <<EOT\nx\nEOT\n}\n")
	}
	if err := checkDepth([]byte(blocks.String()), false); err != nil {
		t.Errorf("blocks: %v", err)
	}
}
