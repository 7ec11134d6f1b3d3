package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/testkit/posixfile"
)

// endlessReader is a pipe that somebody keeps writing to.
type endlessReader struct{ read int }

func (e *endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	e.read += len(p)
	return len(p), nil
}

func TestFmtReadsNoMoreOfAPipeThanAFileMayHave(t *testing.T) {
	var in endlessReader
	var said strings.Builder
	code := run(
		t.Context(),
		[]string{"fmt", "-"},
		environment{stdin: &in, stdout: io.Discard, stderr: &said, getenv: func(string) string { return "" }},
	)
	if code != exitError || !strings.Contains(said.String(), "larger than 16 MiB") {
		t.Errorf("exit %d: %s", code, said.String())
	}
	if in.read > 64<<20 {
		t.Errorf("%d bytes were read", in.read)
	}
}

func TestWhatIsNoRegularFileIsRefusedWithoutWaiting(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	posixfile.MakePipe(t, pipe)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, dir, os.DevNull, "/dev/zero"} {
		for _, args := range [][]string{{"login", "bifit_kassa.shop", "--code-file", path}, {"state", "recover", path}} {
			got := command(t, challenged(outcome(waiting, engine.Done)), args)
			if said := got.stdout + got.stderr; got.code != exitError ||
				!strings.Contains(strings.Join(strings.Fields(said), " "), "not a regular file") {
				t.Errorf("%v: exit %d: %s", args, got.code, said)
			}
		}
		if saved, err := readSavedPlan(path); saved != nil || err != nil {
			t.Errorf("%s is taken for a saved plan: %v", path, err)
		}
	}
}
