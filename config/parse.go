package config

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// parseSource parses a file in the syntax that its name says. The body is
// there, as far as it could be read, even with errors; nil if there is none.
func parseSource(path string, src []byte) (*hcl.File, hcl.Diagnostics) {
	isJSON := strings.HasSuffix(path, ".json")
	if !isJSON {
		if file := parseInChunks(path, src); file != nil {
			return file, nil
		}
	}
	if err := checkDepth(src, isJSON); err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: tooDeepSummary, Detail: capitalize(err.Error()) + ".",
			Subject: &hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	if isJSON {
		return hcljson.Parse(src, path)
	}
	return hclsyntax.ParseConfig(src, path, hcl.InitialPos)
}

// parseInChunks parses a file a few blocks at a time, since the tokens of all
// of it would take many times its size. It returns what parsing the whole
// would, or nil where there may be something to report: in which words, only
// parsing the whole can tell.
//
// Where a chunk ends is a guess, which may be wrong in a heredoc or a comment.
// That is of no harm: a chunk without a mistake has closed all that it opened,
// so the parser would be where it ends in the same state as at a file's
// beginning.
func parseInChunks(path string, src []byte) *hcl.File {
	var whole *hcl.File
	at, branches := hcl.InitialPos, 0
	for rest := src; whole == nil || len(rest) > 0; {
		chunk, most := nextChunk(rest)
		rest = rest[len(chunk):]
		// Branches are counted over the whole file.
		branches += most.branches
		if branches > maxBranches || !most.allowed() && checkDepth(chunk, false) != nil {
			return nil
		}
		file, problems := hclsyntax.ParseConfig(chunk, path, at)
		if len(problems) > 0 {
			return nil
		}
		body := file.Body.(*hclsyntax.Body)
		at = body.EndRange.End
		if whole == nil {
			whole = file
		} else if !extend(whole.Body.(*hclsyntax.Body), body) {
			return nil
		}
	}
	whole.Bytes = src
	return whole
}

// extend adds what follows to a body. It returns false where both have an
// argument of the same name.
func extend(body, next *hclsyntax.Body) bool {
	for name, a := range next.Attributes {
		if body.Attributes[name] != nil {
			return false
		}
		body.Attributes[name] = a
	}
	body.Blocks = append(body.Blocks, next.Blocks...)
	body.SrcRange.End, body.EndRange = next.SrcRange.End, next.EndRange
	return true
}

// nextChunk cuts as many blocks off as surely nest no deeper than is allowed,
// and at least one.
func nextChunk(src []byte) (chunk []byte, most nesting) {
	end := 0
	for end < len(src) {
		n := blockEnd(src[end:])
		more := most.and(mostNesting(src[end : end+n]))
		if end > 0 && !more.allowed() {
			break
		}
		end, most = end+n, more
	}
	return src[:end], most
}

// blockEnd is where the first line ends that has a closing brace only, which
// is how blocks end that fmt has formatted.
func blockEnd(src []byte) int {
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte("\n}"))
		if i < 0 {
			return len(src)
		}
		at += i + len("\n}")
		line := bytes.TrimPrefix(src[at:], []byte("\r"))
		if !bytes.HasPrefix(line, []byte("\n")) {
			continue
		}
		next := line[1:]
		if len(next) > 0 && next[0] >= utf8.RuneSelf {
			continue // the parser leaves a byte order mark out where it begins
		}
		return len(src) - len(next)
	}
}
