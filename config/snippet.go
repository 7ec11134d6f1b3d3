package config

import (
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// sourceFile is what diagnostics show of a file. It keeps none of what the
// file was parsed to, which takes many times the memory of the file.
type sourceFile struct {
	src []byte
	// blocks are the outermost ones, in order.
	blocks []sourceBlock
}

type sourceBlock struct {
	// start and end are where its first and its last byte stand.
	start, end int
	kind       string
	labels     []string
}

func newSourceFile(f *hcl.File) *sourceFile {
	shown := &sourceFile{src: f.Bytes}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return shown
	}
	shown.blocks = make([]sourceBlock, len(body.Blocks))
	for i, b := range body.Blocks {
		at := b.Range()
		shown.blocks[i] = sourceBlock{start: at.Start.Byte, end: at.End.Byte, kind: b.Type, labels: b.Labels}
	}
	return shown
}

// blockAt is the header of the block around a place; "" if there is none.
func (f *sourceFile) blockAt(at int) string {
	for _, b := range f.blocks {
		if b.start <= at && at < b.end {
			return section{kind: b.kind, quoted: b.labels}.name()
		}
	}
	return ""
}

// snippet is the lines of a range, up to the first thing that is hidden. There
// is none where the range itself is, and none of JSON, whose expressions
// cannot be told apart before they are decoded.
func (r *reporter) snippet(subject hcl.Range) *diag.Snippet {
	file := r.files[subject.Filename]
	if file == nil || strings.HasSuffix(subject.Filename, ".json") || subject.End.Byte > len(file.src) {
		return nil
	}
	src := file.src
	start := lineStart(src, subject.Start.Byte)
	end := lineEnd(src, max(subject.Start.Byte, subject.End.Byte))
	from, to := subject.Start.Byte, max(subject.End.Byte, subject.Start.Byte)
	for hiddenFrom, hiddenTo := range r.hidden[subject.Filename] {
		if hiddenTo <= start || hiddenFrom >= end {
			continue
		}
		if hiddenFrom < to || hiddenFrom < from {
			return nil
		}
		end = hiddenFrom
	}
	code := string(src[start:end])
	if end < len(src) && src[end] != '\n' && src[end] != '\r' {
		code = strings.TrimRight(code, " \t\"")
	}
	to = min(to, start+len(code))
	s := &diag.Snippet{
		Code:                 code,
		StartLine:            subject.Start.Line,
		HighlightStartOffset: from - start,
		HighlightEndOffset:   to - start,
	}
	if context := file.blockAt(from); context != "" {
		s.Context = &context
	}
	return s
}

func lineStart(src []byte, at int) int {
	for at > 0 && src[at-1] != '\n' {
		at--
	}
	return at
}

func lineEnd(src []byte, at int) int {
	for at < len(src) && src[at] != '\n' && src[at] != '\r' {
		at++
	}
	return at
}
