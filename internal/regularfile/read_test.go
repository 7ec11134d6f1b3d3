package regularfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/testkit/posixfile"
)

func TestOnlyRegularFilesOfBoundedSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	posixfile.MakePipe(t, at("pipe"))
	if err := errors.Join(
		os.WriteFile(at("file"), []byte("1234"), 0o600), os.Symlink("file", at("link")),
		os.Symlink("pipe", at("link-to-pipe")), os.Symlink("link-to-itself", at("link-to-itself")),
	); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for path, want := range map[string]string{
		at("file"): "", at("link"): "",
		at("pipe"): "a pipe", at("link-to-pipe"): "a pipe", at("s"): "a socket", dir: "a directory", "/dev/zero": "a device", os.DevNull: "a device",
		at("link-to-itself"): "symbolic links",
	} {
		b, err := regularfile.Read(path, 4)
		switch {
		case want == "" && (err != nil || string(b) != "1234"):
			t.Errorf("%s: %q, %v", path, b, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)):
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if _, err := regularfile.Read(at("file"), 3); err == nil || !strings.Contains(err.Error(), "more than 3 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := regularfile.Read(at("none"), 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
