package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// wordsOnly are the arguments of a description, by block, that say nothing about what is sent
// or what answers mean.
var wordsOnly = map[string][]string{
	"upstream":  {"doc", "source", "language", "formerly", "replaces_embedded"},
	"attribute": {"doc"}, "output": {"doc"},
}

// meaningOf is a digest of what an upstream block says, whatever its layout, its comments
// and its name. Another one is another description.
func (l *loader) meaningOf(b *hcl.Block) string {
	h := sha256.New()
	l.writeMeaning(b.Type, b.Body, func(text []byte) { fmt.Fprintf(h, "%d:%s", len(text), text) })
	return hex.EncodeToString(h.Sum(nil))
}

func (l *loader) writeMeaning(kind string, body hcl.Body, write func([]byte)) {
	argument := func(name string, expr hcl.Expression) {
		if !slices.Contains(wordsOnly[kind], name) {
			write([]byte(name))
			write(l.shapeOf(expr))
		}
	}
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		attrs, _ := body.JustAttributes()
		for _, name := range slices.Sorted(maps.Keys(attrs)) {
			argument(name, attrs[name].Expr)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(native.Attributes)) {
		argument(name, native.Attributes[name].Expr)
	}
	for _, b := range native.Blocks {
		write([]byte(b.Type + " " + strings.Join(b.Labels, " ")))
		l.writeMeaning(b.Type, b.Body, write)
		write([]byte("}"))
	}
}
