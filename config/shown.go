package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// shownFile is what diagnostics show of a file. It keeps none of what the
// file was parsed to, which takes many times the memory of the file.
type shownFile struct {
	src []byte
	// blocks are the outermost ones, in order.
	blocks []shownBlock
}

type shownBlock struct {
	// start and end are where its first and its last byte stand.
	start, end int
	kind       string
	labels     []string
}

func newShownFile(f *hcl.File) *shownFile {
	shown := &shownFile{src: f.Bytes}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return shown
	}
	shown.blocks = make([]shownBlock, len(body.Blocks))
	for i, b := range body.Blocks {
		at := b.Range()
		shown.blocks[i] = shownBlock{start: at.Start.Byte, end: at.End.Byte, kind: b.Type, labels: b.Labels}
	}
	return shown
}

// blockAt is the header of the block around a place; "" if there is none.
func (f *shownFile) blockAt(at int) string {
	for _, b := range f.blocks {
		if b.start <= at && at < b.end {
			return section{kind: b.kind, quoted: b.labels}.name()
		}
	}
	return ""
}
