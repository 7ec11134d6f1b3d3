//go:build acceptance

package deploy

import (
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nonroot is the user of the image.
const nonroot = 65532

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
	image := t.TempDir()
	copyProgram(t, filepath.Join(image, "usr", "local", "bin", "credsync"))
	cmd := exec.CommandContext(t.Context(), "/usr/local/bin/credsync", "version")
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: image}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nonroot, Gid: nonroot, NoSetGroups: true}
	} else {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.Output()
	if errors.Is(err, syscall.EPERM) {
		t.Log("This machine lets nobody change the root, so the program runs in the usual one.")
		cmd = exec.CommandContext(t.Context(), program, "version")
		cmd.Env = []string{}
		out, err = cmd.Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), release) {
		t.Errorf("credsync version = %q, which is not the release it was built as", out)
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
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
