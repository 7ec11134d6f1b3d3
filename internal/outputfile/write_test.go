//go:build unix

package outputfile_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/internal/outputfile"
	"github.com/credsync/credsync/testkit/posixfile"
)

func TestOnlyARegularFileIsReplaced(t *testing.T) {
	t.Chdir(t.TempDir())
	posixfile.MakePipe(t, "pipe")
	if err := errors.Join(
		os.WriteFile("file", []byte("a longer content than the new one"), 0o600), os.Symlink("file", "link"),
		os.Symlink("nothing", "dangling"), os.Mkdir("directory", 0o700), os.Symlink("directory", "link-to-directory"),
		os.Symlink("/dev/null", "link-to-device"),
	); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	// What is left at the path afterwards, and what is said.
	tests := map[string]struct {
		kind fs.FileMode
		says string
	}{
		"file": {0, ""}, "new": {0, ""}, "link": {fs.ModeSymlink, ""}, "dangling": {fs.ModeSymlink, "a file that does not exist"},
		"directory": {fs.ModeDir, "is a directory"}, "link-to-directory": {fs.ModeSymlink, "is a directory"},
		"socket": {fs.ModeSocket, "is a socket"}, "pipe": {fs.ModeNamedPipe, "nothing is reading"},
		"link-to-device": {fs.ModeSymlink, ""}, "/dev/null": {fs.ModeDevice | fs.ModeCharDevice, ""},
		"missing/file": {0, "no such file"},
	}
	for path, tt := range tests {
		t.Run(path, func(t *testing.T) {
			err := outputfile.Write(path, []byte("new"), 0o640)
			if tt.says == "" && err != nil ||
				tt.says != "" &&
					(err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path)) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
			info, err := os.Lstat(path)
			if err != nil {
				return
			}
			if info.Mode().Type() != tt.kind {
				t.Errorf("it is %s now", info.Mode())
			}
			if tt.says != "" || !info.Mode().IsRegular() {
				return // to read a pipe waits for a writer
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != "new" || info.Mode().Perm() != 0o640 {
				t.Errorf("it has %q, mode %s, %v", b, info.Mode(), err)
			}
		})
	}
	if b, err := os.ReadFile("file"); err != nil || string(b) != "new" {
		t.Errorf("what the link leads to has %q, %v", b, err)
	}
}

func TestAFullDeviceIsAnErrorAndStays(t *testing.T) {
	const full = "/dev/full"
	before, err := os.Lstat(full)
	if err != nil {
		t.Skip("there is none here")
	}
	if err := outputfile.Write(full, []byte("new"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	if after, err := os.Lstat(full); err != nil || after.Mode() != before.Mode() {
		t.Errorf("it is another thing now: %v, %v", after.Mode(), err)
	}
}

func TestAPipeWithAReaderGetsTheContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	posixfile.MakePipe(t, path)
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := outputfile.Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "new" {
		t.Errorf("the reader got %q, %v", b, err)
	}
}
