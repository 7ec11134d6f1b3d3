package engine

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/schema/diag"
)

func TestOneWarningOfSeveralAccountsIsToldOnce(t *testing.T) {
	place := func(line int) *diag.Range { return &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: line}} }
	slow := diag.Warningf("Slow", "Too slow.")
	list := foldInstances(diag.List{
		slow.About(`account.sagi.a["1"]`, place(1)),
		diag.Errorf("Broken", "x").About(`account.sagi.a["1"]`, place(1)),
		slow.About(`account.sagi.a["2"]`, place(1)),
		diag.Errorf("Broken", "x").About(`account.sagi.a["2"]`, place(1)),
		slow.About(`account.sagi.a["3"]`, place(1)),
		slow.About("account.sagi.b", place(9)),
		slow.About(`account.sagi.c["1"]`, place(12)),
		slow.About(`account.sagi.c["2"]`, place(12)),
		slow,
		slow,
		diag.Warningf("Slow", "Slower still.").About(`account.sagi.a["4"]`, place(1)),
	})
	var got []string
	for _, d := range list {
		got = append(got, string(d.Severity)+" "+d.Address+" "+d.Detail)
	}
	want := []string{
		`warning account.sagi.a["1"] Too slow. The same applies to 2 other instances of this block. The same applies to account.sagi.b, account.sagi.c.`,
		`error account.sagi.a["1"] x`,
		`error account.sagi.a["2"] x`,
		`warning  Too slow.`,
		`warning  Too slow.`,
		`warning account.sagi.a["4"] Slower still.`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
