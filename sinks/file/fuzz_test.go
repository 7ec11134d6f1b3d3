package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

func TestDiskErrorsHaveAClass(t *testing.T) {
	s := &Sink{dir: "/srv"}
	for errno, class := range map[error]error{
		syscall.EACCES: sinks.ErrDenied, syscall.EROFS: sinks.ErrDenied, syscall.EPERM: sinks.ErrDenied,
		syscall.ENOSPC: sinks.ErrUnavailable, syscall.EDQUOT: sinks.ErrUnavailable,
		syscall.ENOENT: sinks.ErrNotFound, context.Canceled: context.Canceled,
	} {
		err := s.describe("write", sinks.Target{Path: "a"}, &fs.PathError{Op: "open", Path: "/srv/a", Err: errno})
		if !errors.Is(err, class) {
			t.Errorf("%v became %v", errno, err)
		}
	}
}

func TestAFileThatAppearsIsNotOverwritten(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	temp, err := writeTemp(root, sinks.Target{Path: "token"}, []byte("ours"), usual)
	if err != nil {
		t.Fatal(err)
	}
	// Nothing was there when the version was compared; now there is.
	if err := root.WriteFile("token", []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := publish(root, temp, "token", true); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("publish = %v, want a conflict", err)
	}
	if b, _ := root.ReadFile("token"); string(b) != "theirs" {
		t.Errorf("the file holds %q", b)
	}
}

var dotenvSeeds = []string{
	"", "plain-token_1.2:3", "eyJhbGciOi.J9.x-y_z=", "with space", "#hash", "a #b", "$HOME", "${A}", `\$A`, `it's`, `it's "both" $x`,
	"line\nbreak", "'", `"`, "'quoted'", `"quoted"`, `\n`, "tab\t", "`id`", "$(id)", "!", "~", "ключ", "it's\\\nx", "*", "a;b",
}

// refusedValues are those that shells and dotenv readers cannot agree on.
var refusedValues = []string{"a\r\nb", `ends in \`, `it's \`, "nul\x00", `"it's"`, `'"`}

func TestShellReadsDotenvBack(t *testing.T) {
	for _, value := range dotenvSeeds {
		line, err := dotenvLine("K", value)
		if err != nil {
			if value != `'"` {
				t.Errorf("%q is refused: %v", value, err)
			}
			continue
		}
		path := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `. "$1"; printf %s "$K"`, "sh", path)
		cmd.Env = []string{"A=expanded", "HOME=/expanded", "x=expanded"}
		out, err := cmd.Output()
		if err != nil || string(out) != value {
			t.Errorf("sh reads %q as %q (%v) from %q", value, out, err, line)
		}
	}
}

func TestDotenvRefusesWhatItCannotHold(t *testing.T) {
	for _, value := range refusedValues {
		if _, err := dotenvLine("K", value); !errors.Is(err, sinks.ErrUnsupported) {
			t.Errorf("value %q: %v", value, err)
		}
	}
	for _, key := range []string{"", "1A", "A-B", "A B", "A=", "é", "A\n"} {
		if _, err := dotenvLine(key, "v"); !errors.Is(err, sinks.ErrUnsupported) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func FuzzDotenvRoundTrip(f *testing.F) {
	for _, s := range append(dotenvSeeds, refusedValues...) {
		f.Add(s, "other")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		doc := &dotenvDocument{}
		if doc.set(map[string]credential.Secret{"A": credential.NewSecret(a), "B": credential.NewSecret(b)}) != nil {
			return
		}
		content, err := doc.bytes()
		if err != nil {
			t.Fatal("what could be set cannot be written")
		}
		back, err := parseDotenv(content)
		if err != nil {
			t.Fatal("what was written cannot be parsed")
		}
		if got := back.data(); got["A"].Reveal() != a || got["B"].Reveal() != b || len(got) != 2 {
			t.Errorf("%q, %q came back as %q, %q", a, b, got["A"].Reveal(), got["B"].Reveal())
		}
	})
}

// FuzzDotenvMerge: whatever a file holds, adding a key changes no other.
func FuzzDotenvMerge(f *testing.F) {
	for _, s := range []string{"", "A=1\nB=$A\n", "export X='a\nb' # c\n", "A:1", "A=\"x\\\"y\"\n", "\r\nA=1\r\n", "A='", "# only", "A=1\nA=2", "TOKEN=x\nB=$TOKEN"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) { checkMerge(t, content, parseDotenv, false) })
}

func FuzzJSONMerge(f *testing.F) {
	for _, s := range []string{"{}", `{"a":1,"b":"x"}`, `{"a":{"b":[null]}}`, `{"a":"\u0000","":""}`, "null", "[]", `{"TOKEN":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) { checkMerge(t, content, parseJSON, true) })
}

// checkMerge adds a key to a document, which must change no other. What can be
// parsed can be written again in some formats only.
func checkMerge(t *testing.T, content []byte, parse func([]byte) (document, error), writable bool) {
	doc, err := parse(content)
	if err != nil {
		return
	}
	before := doc.data()
	if err := doc.set(map[string]credential.Secret{"TOKEN": credential.NewSecret("new value")}); err != nil {
		t.Fatal(err)
	}
	written, err := doc.bytes()
	if err != nil && writable {
		t.Fatal("what was parsed cannot be written")
	}
	if err != nil {
		return
	}
	back, err := parse(written)
	if err != nil {
		t.Fatalf("%q became %q, which cannot be parsed", content, written)
	}
	after := back.data()
	if after["TOKEN"].Reveal() != "new value" {
		t.Errorf("TOKEN was not written into %q", content)
	}
	for key, value := range before {
		if key != "TOKEN" && !after[key].Equal(value) {
			t.Errorf("%s changed in %q", key, content)
		}
	}
}

// FuzzPath: whatever path a block names, its target lies in dir and can be
// shown as it is, or is refused.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a", "../a", "a/../../b", "/etc/passwd", "a/", ".", "..", "a//b", "./.credsync-tmp-x", "a\x00", "a\nb", "%2e%2e/x", "\u202e", "..\\x", " a "} {
		f.Add("secrets", s)
		f.Add("/srv", s)
	}
	spec := Spec()
	f.Fuzz(func(t *testing.T, dir, path string) {
		if strings.TrimSpace(dir) == "" {
			return
		}
		conn := schema.NewValues(&spec.Connection, "", map[string]cty.Value{"dir": cty.StringVal(dir)}, nil)
		target, err := spec.Target(
			conn,
			schema.NewValues(&spec.Deliver, "", map[string]cty.Value{"path": cty.StringVal(path)}, nil),
		)
		if err != nil {
			return
		}
		if !filepath.IsLocal(target.Path) || target.Path == "." ||
			strings.HasPrefix(filepath.Base(target.Path), tempPrefix) {
			t.Errorf("path %q in %q became %q", path, dir, target.Path)
		}
		if strings.ContainsFunc(target.Path, unicode.IsControl) {
			t.Errorf("%q cannot be shown as it is", target.Path)
		}
		// The language normalizes text, dir included.
		if rel, err := filepath.Rel(conn.String("dir"), target.Location); err == nil && !filepath.IsLocal(rel) {
			t.Errorf("location %q is outside of %q", target.Location, dir)
		}
	})
}
