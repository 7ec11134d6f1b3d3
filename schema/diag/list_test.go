package diag_test

import (
	"errors"
	"testing"

	"github.com/credsync/credsync/schema/diag"
)

func TestSentencesOfErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "it broke": "It broke.", "It broke.": "It broke.", "did it?": "Did it?", "it did!": "It did!", "x": "X.", "zz": "Zz.",
		"sink.main is sealed": "sink.main is sealed.", "base_url = x is wrong": "base_url = x is wrong.", "path = \"x\" is wrong": "path = \"x\" is wrong.",
		"write {a}": "Write {a}", "write [a]": "Write [a]", "états": "états.", "7 of them": "7 of them.", "a = b": "a = b.",
	} {
		if got := diag.FromError("s", errors.New(text)); got.Detail != want || got.Severity != diag.Error ||
			got.Summary != "s" {
			t.Errorf("%q: %+v, want %q", text, got, want)
		}
	}
}

func TestCountsAndErrorsOfAList(t *testing.T) {
	e, w := diag.Errorf("e", "%d of %d", 1, 2), diag.Warningf("w", "%s", "x")
	if e.Severity != diag.Error || e.Detail != "1 of 2" || w.Severity != diag.Warning || w.Detail != "x" {
		t.Errorf("%+v, %+v", e, w)
	}
	for _, c := range []struct {
		list             diag.List
		errors, warnings int
	}{{nil, 0, 0}, {diag.List{w}, 0, 1}, {diag.List{w, e, e}, 2, 1}} {
		if c.list.HasErrors() != (c.errors > 0) || c.list.Count(diag.Error) != c.errors ||
			c.list.Count(diag.Warning) != c.warnings {
			t.Errorf("%v", c.list)
		}
	}
}

// The more exact place stays.
func TestAboutKeepsThePlaceThatThereIs(t *testing.T) {
	block, argument := &diag.Range{
		Filename: "a.hcl",
		Start:    diag.Pos{Line: 1, Column: 1},
	}, &diag.Range{
		Filename: "a.hcl",
		Start:    diag.Pos{Line: 3, Column: 5},
	}
	d := diag.Errorf("e", "x").About("account.x.a", block)
	if d.Address != "account.x.a" || d.Range != block || d.Range.String() != "a.hcl:1,1" {
		t.Errorf("%+v", d)
	}
	d.Range = argument
	if d = d.About("account.x.b", block); d.Range != argument || d.Address != "account.x.b" {
		t.Errorf("%+v", d)
	}
}
