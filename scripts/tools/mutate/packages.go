package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// goPackage is a package whose code is changed and whose tests are run.
type goPackage struct {
	path  string // its import path within the module
	dir   string
	files []string // its Go files except for the tests, as absolute paths
}

type skippedPackage struct{ path, why string }

// unsuited are folders, with all below them, that are left out: their packages
// support the tests or the measuring of others, and are tried through those.
// Changing them says nothing about the tests of the product.
var unsuited = map[string]string{
	"testkit":    "it supports the tests of other packages",
	"sandbox":    "it emulates upstreams for the tests of other packages",
	"acceptance": "it has tests of the whole program only",
	"bench":      "it measures, and has no code of the product",
}

// findPackages lists the packages that the patterns match. By default these are
// all of the module.
func findPackages(
	ctx context.Context,
	root string,
	patterns []string,
) (found []goPackage, skipped []skippedPackage, err error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Module", "--"}, patterns...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Dir                    string
			GoFiles, TestGoFiles, XTestGoFiles []string
			Module                             struct{ Path string }
		}
		if err := d.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, fmt.Errorf("go list: %w", err)
		}
		p := goPackage{
			path: strings.TrimPrefix(strings.TrimPrefix(listed.ImportPath, listed.Module.Path), "/"),
			dir:  listed.Dir,
		}
		if p.path == "" {
			p.path = "."
		}
		for _, name := range listed.GoFiles {
			p.files = append(p.files, filepath.Join(listed.Dir, name))
		}
		slices.Sort(p.files)
		top, _, _ := strings.Cut(p.path, "/")
		switch {
		case unsuited[top] != "":
			skipped = append(skipped, skippedPackage{p.path, unsuited[top]})
		case len(p.files) == 0: // nothing to change
		case len(listed.TestGoFiles)+len(listed.XTestGoFiles) == 0:
			skipped = append(skipped, skippedPackage{p.path, "it has no tests of its own"})
		default:
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("no package with tests of its own matches %s", strings.Join(patterns, " "))
	}
	return found, skipped, nil
}
