package diag_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/credsync/credsync/schema/diag"
	"github.com/google/go-cmp/cmp"
)

func example() diag.Diagnostic {
	context := `account "sagi" "coffee"`
	return diag.Diagnostic{
		Severity: diag.Error, Summary: "Unsupported argument", Detail: "An argument named \"fone\" is not expected here. Did you mean \"phone\"?",
		Range:   &diag.Range{Filename: "main.credsync.hcl", Start: diag.Pos{Line: 3, Column: 3}},
		Snippet: &diag.Snippet{Context: &context, Code: `  fone = "x"`, StartLine: 3, HighlightStartOffset: 2, HighlightEndOffset: 6},
	}
}

func written(d diag.Diagnostic, width int, color bool) string {
	var b strings.Builder
	_ = d.Write(&b, width, color)
	return b.String()
}

func TestWriteLooksAsTerraformDoes(t *testing.T) {
	want := `╷
│ Error: Unsupported argument
│
│   on main.credsync.hcl line 3, in account "sagi" "coffee":
│    3:   fone = "x"
│
│ An argument named "fone" is not expected
│ here. Did you mean "phone"?
╵
`
	if diff := cmp.Diff(want, written(example(), 44, false)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteOfWhatHasNoSource(t *testing.T) {
	d := diag.Warningf("Odd", "first\n  indented text that is longer than the width and stays on its line")
	d.Address = "account.sagi.coffee"
	want := `╷
│ Warning: Odd
│
│   with account.sagi.coffee
│
│ first
│   indented text that is longer than the width and stays on its line
╵
`
	if diff := cmp.Diff(want, written(d, 40, false)); diff != "" {
		t.Error(diff)
	}
	d = example()
	d.Snippet, d.Detail, d.Address = nil, "", "account.sagi.coffee"
	want = "╷\n│ Error: Unsupported argument\n│\n│   with account.sagi.coffee,\n│   on main.credsync.hcl line 3\n╵\n"
	if diff := cmp.Diff(want, written(d, 0, false)); diff != "" {
		t.Error(diff)
	}
	d.Address = ""
	want = "╷\n│ Error: Unsupported argument\n│\n│   on main.credsync.hcl line 3\n╵\n"
	if diff := cmp.Diff(want, written(d, 0, false)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteColoursOnlyIfAsked(t *testing.T) {
	if strings.Contains(written(example(), 80, false), "\x1b") {
		t.Error("colours that were not asked for")
	}
	got := written(example(), 80, true)
	if !strings.Contains(got, "\x1b[31m") || !strings.Contains(got, "  \x1b[4mfone\x1b[0m = ") {
		t.Errorf("%q", got)
	}
}

func TestWriteDoesNotPassOnControlCharacters(t *testing.T) {
	d := example()
	d.Summary, d.Detail, d.Address = "a\x1b[2Jb", "c\x07\rd\u009b", "e\x1b"
	d.Snippet.Code = "  fone = \x1b[31m"
	d.Range.Filename = "x\x1b.hcl"
	if got := written(d, 80, false); strings.ContainsAny(got, "\x1b\x07\r\u009b") {
		t.Errorf("%q", got)
	}
}

func TestWriteOfOddHighlights(t *testing.T) {
	for _, at := range [][2]int{{-1, 2}, {2, 1}, {2, 100}, {5, 5}} {
		d := example()
		d.Snippet.HighlightStartOffset, d.Snippet.HighlightEndOffset = at[0], at[1]
		if got := written(d, 80, true); !strings.Contains(got, `fone = "x"`) {
			t.Errorf("%v: %q", at, got)
		}
	}
}

func TestWriteUnderlinesAWholeLine(t *testing.T) {
	d := example()
	d.Snippet.Code, d.Snippet.HighlightStartOffset, d.Snippet.HighlightEndOffset = "fone", 0, 4
	if got := written(d, 80, true); !strings.Contains(got, "\x1b[4mfone\x1b[0m") {
		t.Errorf("%q", got)
	}
}

func TestSortIsByPlaceAndStable(t *testing.T) {
	at := func(file string, at int, summary string) diag.Diagnostic {
		return diag.Diagnostic{Summary: summary, Range: &diag.Range{Filename: file, Start: diag.Pos{Byte: at}}}
	}
	list := diag.List{{Summary: "none"}, at("b", 1, "b1"), at("a", 2, "a2 first"), at("a", 1, "a1"), at("a", 2, "a2 second"), {Summary: "none too"}}
	list.Sort()
	var got []string
	for _, d := range list {
		got = append(got, d.Summary)
	}
	if diff := cmp.Diff([]string{"a1", "a2 first", "a2 second", "b1", "none", "none too"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONIsThatOfTerraform(t *testing.T) {
	got, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"severity":"error","summary":"Unsupported argument","detail":"An argument named \"fone\" is not expected here. Did you mean \"phone\"?",` +
		`"range":{"filename":"main.credsync.hcl","start":{"line":3,"column":3,"byte":0},"end":{"line":0,"column":0,"byte":0}},` +
		`"snippet":{"context":"account \"sagi\" \"coffee\"","code":"  fone = \"x\"","start_line":3,"highlight_start_offset":2,"highlight_end_offset":6,"values":[]}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// No word is lost where a line is broken, and no line that could be broken is
// wider than the terminal.
func TestEveryWidthSaysTheSame(t *testing.T) {
	d := diag.Diagnostic{
		Severity: diag.Error, Summary: "The token could not be delivered", Address: `account.sagi.shop["almaty"]`,
		Detail: "The target was written by someone else at 2027-01-31 23:59:50 UTC, after credsync had read it " +
			"at 2027-01-31 23:59 UTC, so that it is left alone. Its address is\n" +
			"https://vault.example.com:8200/v1/secret/data/shop/almaty/a-long-path-that-stays-in-one-piece\n\n" +
			"  credsync plan --target 'sagi.shop[\"almaty\"]'\n\nЕщё раз: repeat the apply.",
	}
	words := func(width int) string {
		text := written(d, width, false)
		for line := range strings.Lines(text) {
			text := strings.TrimPrefix(strings.TrimRight(line, "\n"), "│ ")
			if n := utf8.RuneCountInString(text) + 2; n > width && strings.Contains(text, " ") &&
				!strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "Error: ") {
				t.Errorf("%d columns are wider than %d: %s", n, width, line)
			}
		}
		return strings.Join(strings.Fields(strings.ReplaceAll(text, "│", "")), " ")
	}
	want := words(200)
	for width := 40; width < 200; width++ {
		if got := words(width); got != want {
			t.Errorf("%d columns say %q, want %q", width, got, want)
		}
	}
}
