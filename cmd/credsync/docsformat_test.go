//go:build unix

package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/yuin/goldmark/ast"
)

// What is copied from the docs passes fmt --check, which the CI templates run. With
// -update the docs are formatted.
func TestConfigurationInTheDocsIsFormatted(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		var list []replacement
		d.each(func(n ast.Node) {
			block, ok := n.(*ast.FencedCodeBlock)
			if !ok || block.Info == nil || block.Lines().Len() == 0 {
				return
			}
			info := string(block.Info.Segment.Value(d.src))
			if language, _, _ := strings.Cut(info, " "); language != "hcl" {
				return
			}
			found++
			lines := block.Lines()
			content := lines.Value(d.src)
			formatted, problems := config.Format(d.path, content)
			if problems.HasErrors() || bytes.Equal(formatted, content) {
				return // a part that is no file of its own is tried elsewhere
			}
			list = append(list, replacement{lines.At(0).Start, lines.At(lines.Len() - 1).Stop, string(formatted)})
			if !*update {
				t.Errorf("%s: credsync fmt would change this:\n%s", d.path, content)
			}
		})
		if !*update || len(list) == 0 {
			continue
		}
		src := d.src
		slices.Reverse(list)
		for _, r := range list {
			src = slices.Concat(src[:r.start], []byte(r.text), src[r.stop:])
		}
		if err := os.WriteFile(d.path, src, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if found < 10 {
		t.Errorf("only %d blocks of configuration were found", found)
	}
}
