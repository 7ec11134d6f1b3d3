package doctor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/testkit/posixfile"
)

func TestAuditTrailMustBeWritable(t *testing.T) {
	write := func(t *testing.T, path string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte("a line\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	mkdir := func(t *testing.T, path string, mode os.FileMode) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, dir string)
		path string
		want []string
	}{
		"not there yet": {nil, "a.jsonl", []string{"ok audit … a.jsonl: can be created, with mode 0600"}},
		"there":         {func(t *testing.T, dir string) { write(t, dir+"/a.jsonl", 0o640) }, "a.jsonl", []string{"ok audit … can be appended to, mode 0640"}},
		"no directory":  {nil, "logs/a.jsonl", []string{"failed audit … logs/a.jsonl: its directory does not exist -> Create the directory … credsync will not log in"}},
		"not a directory": {func(t *testing.T, dir string) { write(t, dir+"/logs", 0o600) }, "logs/a.jsonl",
			[]string{"failed audit … cannot be written: not a directory -> Make it writable"}},
		"a directory":    {func(t *testing.T, dir string) { mkdir(t, dir+"/a.jsonl", 0o700) }, "a.jsonl", []string{"failed audit … cannot be written: is a directory"}},
		"forgeable":      {func(t *testing.T, dir string) { write(t, dir+"/a.jsonl", 0o666) }, "a.jsonl", []string{"ok audit … mode 0666", "warning audit … any user of this machine can write to it (mode 0666) … chmod o-w"}},
		"replaceable":    {func(t *testing.T, dir string) { mkdir(t, dir+"/logs", 0o777) }, "logs/a.jsonl", []string{"warning audit … /logs: any user … (mode 0777)", "ok audit … can be created"}},
		"sticky":         {func(t *testing.T, dir string) { mkdir(t, dir+"/logs", 0o777|os.ModeSticky) }, "logs/a.jsonl", []string{"ok audit … can be created"}},
		"standard error": {nil, "-", []string{"ok audit standard error: receives the audit lines"}},
		"unread pipe": {func(t *testing.T, dir string) {
			posixfile.MakePipe(t, dir+"/a.jsonl")
		}, "a.jsonl", []string{"failed audit … cannot be written: no such device"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.make != nil {
				c.make(t, w.dir)
			}
			r := w.examine(fmt.Sprintf("audit { path = %q }\n", c.path))
			expect(t, r, doctor.Audit, c.want...)
			if left, _ := filepath.Glob(filepath.Join(w.dir, "*", ".credsync-doctor-*")); left != nil {
				t.Errorf("it left %q", left)
			}
		})
	}
	expect(t, newWorld(t).examine(""), doctor.Audit)
}

// Looking leaves no trail, and changes none.
func TestLookingAtTheAuditTrailLeavesItAlone(t *testing.T) {
	w := newWorld(t)
	w.examine(`audit { path = "a.jsonl" }`)
	path := filepath.Join(w.dir, "a.jsonl")
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
	if err := os.WriteFile(path, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.examine(`audit { path = "a.jsonl" }`)
	if b, err := os.ReadFile(path); string(b) != "a line\n" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAuditTrailOfAnotherUserIsToldOf(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.dir, "a.jsonl"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	expect(t, w.examine(`audit { path = "a.jsonl" }`), doctor.Audit, "failed audit … cannot be written: permission denied")
}
