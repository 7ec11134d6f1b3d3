package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/credsync/credsync/reference"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

var update = flag.Bool("update", false, "write the page of the commands")

// commands is a new tree of the commands, with nothing parsed yet.
func commands() *cobra.Command {
	a := &app{
		environment: environment{
			stdin:  strings.NewReader(""),
			stdout: io.Discard,
			stderr: io.Discard,
			getenv: func(string) string { return "" },
			now:    newClock().now,
			open:   openReal,
		},
	}
	a.out = a.output()
	root := a.rootCommand()
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	root.InitDefaultCompletionCmd()
	return root
}

func TestCommandsPageIsNotStale(t *testing.T) {
	file := filepath.Join("../../docs/reference", reference.CommandsFile)
	want := reference.Commands(commands())
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale; run make docs:\n%s", file, diff)
	}
}

func TestManualHasAPageForEachCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if r := command(t, nil, []string{"man", dir}); r.code != exitDone {
		t.Fatal(r.stderr)
	}
	for _, c := range reference.Documented(commands()) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Contains(page, []byte(c.Short)) {
			t.Errorf("the page of %s does not say what it does", c.CommandPath())
		}
	}
}

// document is one Markdown file of the repository.
type document struct {
	path string
	src  []byte
	root ast.Node
}

func newDocument(path string, src []byte) document {
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	)
	return document{path, src, markdown.Parser().Parse(text.NewReader(src))}
}

func documents(t *testing.T) []document {
	t.Helper()
	const top = "../.."
	var list []document
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == ".git" || e.Name() == "testdata" || e.Name() == "bin"):
			return filepath.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, ".md"):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		list = append(list, newDocument(path, src))
		return nil
	})
	if err != nil || len(list) < 5 {
		t.Fatalf("%d documents, %v", len(list), err)
	}
	return list
}

func (d document) each(visit func(ast.Node)) {
	_ = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			visit(n)
		}
		return ast.WalkContinue, nil
	})
}

// anchors are the places of a document that a link can name.
func (d document) anchors() []string {
	var list []string
	d.each(func(n ast.Node) {
		if h, ok := n.(*ast.Heading); ok {
			if id, ok := h.AttributeString("id"); ok {
				list = append(list, string(id.([]byte)))
			}
		}
	})
	return list
}

func TestLinksInTheDocsResolve(t *testing.T) {
	docs := documents(t)
	links := 0
	for _, d := range docs {
		d.each(func(n ast.Node) {
			destination := ""
			switch n := n.(type) {
			case *ast.Link:
				destination = string(n.Destination)
			case *ast.Image:
				destination = string(n.Destination)
			default:
				return
			}
			links++
			if wrong := brokenLink(docs, d.path, destination); wrong != "" {
				t.Errorf("%s: %s", d.path, wrong)
			}
		})
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

// brokenLink says what is wrong with a link of a document, or "". Those that
// leave the repository are not followed.
func brokenLink(docs []document, from, destination string) string {
	u, err := url.Parse(destination)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" {
		return ""
	}
	path := from
	if u.Path != "" {
		path = filepath.Join(filepath.Dir(from), u.Path)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Sprintf("the link %q leads nowhere", destination)
	}
	if u.Fragment == "" {
		return ""
	}
	i := slices.IndexFunc(docs, func(d document) bool { return d.path == path })
	if i < 0 || !slices.Contains(docs[i].anchors(), u.Fragment) {
		return fmt.Sprintf("the link %q names no heading of %s", destination, path)
	}
	return ""
}

// TestCommandsInTheDocsAreThere parses every credsync command in the docs, in
// blocks of shell and in the text, as the program would.
func TestCommandsInTheDocsAreThere(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		if filepath.Base(d.path) == reference.CommandsFile {
			continue // made of the commands themselves
		}
		for _, script := range d.shell() {
			calls, err := credsyncCalls(script)
			if err != nil {
				t.Errorf("%s: %v in:\n%s", d.path, err, script)
			}
			for _, args := range calls {
				found++
				if wrong := wrongCommand(args); wrong != "" {
					t.Errorf("%s: credsync %s: %s", d.path, strings.Join(args, " "), wrong)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands were found", found)
	}
}

// TestConfigurationsInTheDocsAreValid validates each block of HCL in the docs
// that could stand alone: with an account, or a sink and what uses it. Parts are
// put where they belong, and only what they name and do not have is passed over. What
// uses an upstream of the same page comes after it.
func TestConfigurationsInTheDocsAreValid(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		upstreams := ""
		d.each(func(n ast.Node) {
			block, ok := n.(*ast.FencedCodeBlock)
			if !ok || string(block.Language(d.src)) != "hcl" {
				return
			}
			found++
			content := string(block.Lines().Value(d.src))
			if strings.HasPrefix(content, "upstream ") {
				upstreams += content
			}
			if wrong := wrongConfiguration(t, content, upstreams); wrong != "" {
				t.Errorf("%s:\n%s\n%s", d.path, content, wrong)
			}
		})
	}
	if found < 10 {
		t.Errorf("only %d blocks of HCL were found", found)
	}
}

// policyRule begins a rule of Vault, which is HCL of another language.
var policyRule = regexp.MustCompile(`(?m)^path "`)

// undeclared are the errors of a part that names what the rest declares.
var undeclared = regexp.MustCompile(`^(Reference to undeclared|Unknown sink)`)

// wrongConfiguration says what validate finds in a block of the docs, or "".
func wrongConfiguration(t *testing.T, content, upstreams string) string {
	t.Helper()
	if policyRule.MatchString(content) {
		return ""
	}
	content = strings.ReplaceAll(content, "…", "")
	if strings.HasPrefix(strings.TrimSpace(content), "deliver ") {
		content = "account \"invoicebox\" \"docs\" {\n  token = \"b37c4c689295904ed21eee5d9a48d42e\"\n" + content + "}\n"
	}
	files, verb := map[string]string{"main.hcl": content}, "validate"
	switch {
	case strings.HasPrefix(content, "test "):
		files, verb = map[string]string{"main.hcl": upstreams, "a.credtest.hcl": content}, "test"
	case !strings.HasPrefix(content, "upstream "):
		files["upstreams.hcl"] = upstreams
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := command(t, nil, []string{verb, "--json", dir})
	var answer struct {
		Diagnostics []struct{ Severity, Summary, Detail string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil {
		t.Fatalf("%v in %s%s", err, r.stdout, r.stderr)
	}
	for _, d := range answer.Diagnostics {
		if d.Severity == "error" && !undeclared.MatchString(d.Summary) {
			return d.Summary + ": " + d.Detail
		}
	}
	return ""
}

// shell is what a document has of shell: in blocks for it, what follows the
// prompt in blocks of a console, and the code in the text that begins with the
// program's name.
func (d document) shell() (scripts []string) {
	d.each(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			content := string(n.Lines().Value(d.src))
			switch string(n.Language(d.src)) {
			case "sh", "bash", "shell":
				scripts = append(scripts, content)
			case "console":
				scripts = append(scripts, typed(content)...)
			}
		case *ast.CodeSpan:
			var code strings.Builder
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				code.Write(c.(*ast.Text).Value(d.src))
			}
			if strings.HasPrefix(code.String(), "credsync ") && !strings.HasPrefix(code.String(), "credsync {") {
				scripts = append(scripts, plain(code.String()))
			}
		}
	})
	return scripts
}

// typed are the commands of a console session, with the lines that go on.
func typed(session string) (scripts []string) {
	goesOn := false
	for line := range strings.Lines(session) {
		command, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case goesOn:
			scripts[len(scripts)-1] += line
		case prompt:
			scripts = append(scripts, command)
		}
		goesOn = (goesOn || prompt) && strings.HasSuffix(strings.TrimRight(line, "\n"), `\`)
	}
	return scripts
}

var (
	notation = strings.NewReplacer("[", "", "]", "", "|", " ", "…", "")
	anything = regexp.MustCompile(`<[^>]*>`)
)

// plain takes the signs of a synopsis, such as those of what may be left out,
// from a command in the text.
func plain(code string) string {
	if strings.ContainsAny(code, `'"`) {
		return code
	}
	return notation.Replace(anything.ReplaceAllString(code, "X"))
}

// credsyncCalls are the arguments of each credsync command of a script.
func credsyncCalls(script string) (calls [][]string, err error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		// What a variable holds is not known, and something is there.
		config := &expand.Config{Env: expand.FuncEnviron(func(string) string { return "x" })}
		args := make([]string, len(call.Args))
		for i, word := range call.Args {
			if args[i], err = expand.Literal(config, word); err != nil {
				args[i], err = "x", nil
			}
		}
		if i := slices.Index(args, "credsync"); i >= 0 && (i == 0 || args[0] == "docker" || args[0] == "sudo") {
			calls = append(calls, args[i+1:])
		}
		return true
	})
	return calls, nil
}

// placeholder is what a reader puts something in the place of.
var placeholder = regexp.MustCompile(`^([A-Z_/]+|x|\.\.\.)$`)

// wrongCommand says why the program would not understand the arguments, or "".
func wrongCommand(args []string) string {
	root := commands()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err.Error()
	}
	cmd.InitDefaultHelpFlag()
	if cmd == root {
		cmd.InitDefaultVersionFlag()
	}
	if err := cmd.ParseFlags(rest); err != nil {
		if strings.Contains(err.Error(), "invalid argument") && slices.ContainsFunc(rest, placeholder.MatchString) {
			return "" // a placeholder, where a number goes
		}
		return err.Error()
	}
	left := cmd.Flags().Args()
	if (cmd == root || cmd.HasSubCommands()) && len(left) > 0 && !placeholder.MatchString(left[0]) {
		return fmt.Sprintf("there is no command %q", left[0])
	}
	return ""
}

func TestWrongConfigurationsAreFound(t *testing.T) {
	const account = "account \"sagi\" \"a\" {\n  phone    = \"x\"\n  password = var.unknown\n%s}\n"
	for extra, good := range map[string]bool{
		"": true, "  deliver \"vault\" \"main\" {\n    path = \"x\"\n  }\n": true,
		"  pasword = 1\n": false, "  deliver \"vault\" \"main\" {\n    data = { A = token.nothing }\n  }\n": false, "  deliver {\n": false,
	} {
		if wrong := wrongConfiguration(t, fmt.Sprintf(account, extra), ""); (wrong == "") != good {
			t.Errorf("%s: %q", extra, wrong)
		}
	}
	if wrong := wrongConfiguration(t, "deliver \"vault\" \"main\" {\n  path = \"x\"\n  adoptt = true\n}\n", ""); wrong == "" {
		t.Error("a misspelt attribute of a part is not found")
	}
}

func TestWrongCommandsAreFound(t *testing.T) {
	for line, good := range map[string]bool{
		"plan --detailed-exitcode": true, "state rm ADDR --auto-approve": true, "apply --concurrency N": true, "--version": true,
		"paln": false, "plan --detailed": false, "state remove ADDR": false, "apply --shard": false, "status --html": false,
	} {
		if wrong := wrongCommand(strings.Fields(line)); (wrong == "") != good {
			t.Errorf("credsync %s: %q", line, wrong)
		}
	}
	calls, err := credsyncCalls("FOO=1 credsync plan \\\n  --out p | tee x; if true; then credsync apply \"$X\"; fi # credsync nothing\necho credsync no\n")
	if err != nil || fmt.Sprint(calls) != "[[plan --out p] [apply x]]" {
		t.Errorf("found %q, %v", calls, err)
	}
	docs := documents(t)
	for link, good := range map[string]bool{"README.md": true, "docs/state.md#the-emergency-file": true, "docs/state.md#nothing": false, "docs/nothing.md": false, "https://example.com/x": true} {
		if wrong := brokenLink(docs, "../../README.md", link); (wrong == "") != good {
			t.Errorf("the link %s: %q", link, wrong)
		}
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	for _, c := range reference.Documented(commands()) {
		args := strings.Fields(c.CommandPath())[1:]
		r := command(t, nil, append(args, "--help"))
		if r.code != exitDone || !strings.Contains(r.stdout, "Usage:") ||
			c.HasAvailableLocalFlags() && !strings.Contains(r.stdout, "--help") {
			t.Errorf("%s --help prints %s%s", c.CommandPath(), r.stdout, r.stderr)
		}
		for line := range strings.Lines(r.stdout) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("%s --help has a line of %d columns: %s", c.CommandPath(), n, line)
			}
		}
	}
}
