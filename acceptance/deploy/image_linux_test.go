//go:build acceptance

package deploy

import (
	"debug/elf"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestTheProgramIsStatic(t *testing.T) {
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs a dynamic linker, which the image does not have")
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the program needs %v", libraries)
	}
}

// TestTheProgramRunsWithNothingElse runs it in a root that holds only what the
// image does, as a user who can write nowhere in it.
func TestTheProgramRunsWithNothingElse(t *testing.T) {
	root := newRoot(t)
	cmd := exec.CommandContext(t.Context(), program, "version")
	if mayChangeRoot(t, root) {
		cmd = exec.CommandContext(t.Context(), installed, "version")
		enterRoot(cmd, root)
	}
	cmd.Env = []string{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), release) {
		t.Errorf("credsync version = %q, which is not the release it was built as", out)
	}
}

// TestTheImageIsBare reads the Dockerfile's last stage, which is what is
// shipped.
func TestTheImageIsBare(t *testing.T) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	_, last, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found {
		t.Fatal("the last stage does not begin with an empty image")
	}
	for _, want := range []string{"/etc/ssl/certs/ca-certificates.crt", "/out/passwd", "USER 65532:65532", `ENTRYPOINT ["/usr/local/bin/credsync"]`} {
		if !strings.Contains(last, want) {
			t.Errorf("the last stage does not have %s", want)
		}
	}
	if strings.Contains(last, "\nRUN ") || strings.Contains(last, "\nFROM ") {
		t.Error("the last stage runs something, or is not the last: a scratch image has no shell")
	}
}
