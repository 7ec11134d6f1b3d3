package config

import (
	"path/filepath"
	"slices"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// parseLibraries parses the files of the directories that the credsync block names as
// upstreams. Of them only upstream blocks are read.
func (l *loader) parseLibraries(files []*hcl.File) (sources []configFile) {
	seen := map[string]bool{filepath.Clean(l.dir): true}
	for _, at := range l.libraryDirectories(files) {
		dir := filepath.Join(l.dir, filepath.FromSlash(at.dir))
		if seen[filepath.Clean(dir)] {
			continue
		}
		seen[filepath.Clean(dir)] = true
		names, err := listMatching(dir, isConfig)
		if err != nil {
			l.report.error(at.expr.Range(), "", "Unreadable directory of upstreams", unreadable(at.dir, err).Detail+" Paths start at the configuration's directory.")
			continue
		}
		l.filesUsed.addSet(dir, "*"+nativeSuffix)
		l.filesUsed.addSet(dir, "*"+jsonSuffix)
		l.libraries = append(l.libraries, dir)
		for _, path := range names {
			if src, ok := l.parseLibraryFile(path); ok {
				sources = append(sources, configFile{path: path, bytes: src})
			}
		}
	}
	return sources
}

func (l *loader) parseLibraryFile(path string) (src []byte, ok bool) {
	l.filesUsed.add(path)
	src, unread := readSource(path)
	if unread != nil {
		l.report.add(*unread, nil)
		return nil, false
	}
	file, problems := l.parse(path, src)
	if file != nil && file.Body != nil {
		l.report.addFile(path, file)
	}
	for _, p := range problems {
		l.report.add(syntaxError(p, src, false, l.words), nil)
	}
	if problems.HasErrors() {
		return src, false
	}
	content, problems := file.Body.Content(
		&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "upstream", LabelNames: []string{"type"}}}},
	)
	for _, p := range problems {
		l.report.add(diag.Errorf("Not an upstream block", "Of a directory of upstreams only upstream blocks are read. Move the others to the configuration's directory."), p.Subject)
	}
	l.libraryBlocks = append(l.libraryBlocks, content.Blocks...)
	return src, true
}

// libraryDirectory is one that the credsync block names.
type libraryDirectory struct {
	dir  string
	expr hcl.Expression
}

// libraryDirectories reads the argument, before everything that needs the upstreams.
func (l *loader) libraryDirectories(files []*hcl.File) (list []libraryDirectory) {
	for _, f := range files {
		if f == nil || f.Body == nil {
			continue
		}
		content, _, _ := f.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "credsync"}}})
		for _, b := range content.Blocks {
			inner, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "upstreams"}}})
			if a := inner.Attributes["upstreams"]; a != nil {
				list = append(list, l.literalDirectories(a)...)
			}
		}
	}
	return list
}

func (l *loader) literalDirectories(a *hcl.Attribute) (list []libraryDirectory) {
	l.report.reveal(a.Expr)
	wrong := func() []libraryDirectory {
		l.report.error(a.Expr.Range(), "", "Invalid upstreams", "upstreams must be a list of literal paths of directories, such as [\"./upstreams\"]: they are read before anything else.")
		return nil
	}
	exprs, problems := hcl.ExprList(a.Expr)
	if problems.HasErrors() {
		return wrong()
	}
	for _, expr := range exprs {
		v, problems := expr.Value(nil)
		if problems.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() || v.AsString() == "" {
			return wrong()
		}
		list = append(list, libraryDirectory{dir: v.AsString(), expr: expr})
	}
	return list
}

// upstreamBlocks are those of the configuration and of its directories of upstreams.
func (l *loader) upstreamBlocks(own []*hcl.Block) []*hcl.Block {
	return slices.Concat(own, l.libraryBlocks)
}
