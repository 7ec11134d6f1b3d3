package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/file"
	"github.com/credsync/credsync/testkit/posixfile"
	"github.com/credsync/credsync/testkit/sinktest"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

type attrs map[string]string

func values(b *schema.Block, a attrs) schema.Values {
	m := map[string]cty.Value{}
	for k, v := range a {
		m[k] = cty.StringVal(v)
	}
	return schema.NewValues(b, "", m, nil)
}

// place is a directory with a connection to it.

type place struct {
	*testing.T
	dir  string
	spec *sinks.Spec
	conn schema.Values
}

func newPlace(t *testing.T) *place {
	spec := file.Spec()
	return &place{T: t, dir: t.TempDir(), spec: spec, conn: values(&spec.Connection, nil)}
}

func (p *place) open() sinks.Sink {
	s, err := p.spec.New(
		p.conn,
		sinks.Env{Dir: p.dir, Now: time.Now, Log: hclog.NewNullLogger(), Getenv: func(string) string { return "" }},
	)
	if err != nil {
		p.Fatal(err)
	}
	return s
}

func (p *place) target(a attrs, merge bool) sinks.Target {
	p.Helper()
	t, err := p.spec.Target(p.conn, values(&p.spec.Deliver, a))
	if err != nil {
		p.Fatal(err)
	}
	t.Merge = merge
	return t
}

// source is what a data block names.
func (p *place) source(a attrs) sinks.Target {
	p.Helper()
	t, err := p.spec.Source(p.conn, values(&p.spec.Data, a))
	if err != nil {
		p.Fatal(err)
	}
	return t
}

func (p *place) record(a attrs, name string) sinks.Target {
	p.Helper()
	t, err := p.spec.Record(p.conn, values(&p.spec.State, a), name)
	if err != nil {
		p.Fatal(err)
	}
	return t
}

func (p *place) write(t sinks.Target, version string, pairs ...string) string {
	p.Helper()
	v, err := p.open().Write(p.Context(), t, sinks.Write{Data: secrets(pairs...), If: version})
	if err != nil {
		p.Fatal(err)
	}
	return v
}

func (p *place) content(name string) string {
	p.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.Fatal(err)
	}
	return string(b)
}

func (p *place) put(name, content string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.Fatal(err)
	}
}

func (p *place) remove(t sinks.Target) {
	p.Helper()
	if err := os.Remove(filepath.Join(p.dir, t.Path)); err != nil {
		p.Fatal(err)
	}
}

// secrets makes data of pairs "key", "value", ….
var secrets = sinktest.Secrets

func keyPair(t *testing.T) attrs {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return attrs{"age_recipient": id.Recipient().String(), "age_identity": id.String()}
}

func TestConformance(t *testing.T) {
	for _, format := range []string{"json", "dotenv"} {
		t.Run(format, func(t *testing.T) {
			p := newPlace(t)
			sinktest.Run(t, sinktest.Suite{
				New: func(*testing.T) sinks.Sink { return p.open() },
				Target: func(_ *testing.T, name string, merge bool) sinks.Target {
					return p.target(attrs{"path": name, "format": format}, merge)
				},
				MayRefuse: format == "dotenv",
				Digests:   true,
				Elsewhere: func(t *testing.T) sinks.Sink { return newPlace(t).open() },
				Purge:     func(_ *testing.T, target sinks.Target) { p.remove(target) },
			})
		})
	}
}

func TestConformanceOfAnEncryptedState(t *testing.T) {
	p := newPlace(t)
	state := keyPair(t)
	sinktest.Run(t, sinktest.Suite{
		New: func(*testing.T) sinks.Sink { return p.open() },
		Target: func(_ *testing.T, name string, merge bool) sinks.Target {
			dir, base := filepath.Split(name)
			state["path"] = "state/" + dir
			if base == "list" || base == "list-of-nothing" {
				state["path"], base = "state/"+name, ""
			}
			r := p.record(state, base)
			r.Merge = merge
			return r
		},
		Elsewhere: func(t *testing.T) sinks.Sink { return newPlace(t).open() },
		Purge:     func(_ *testing.T, target sinks.Target) { p.remove(target) },
		Digests:   true,
	})
	err := filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "value") {
			t.Errorf("%s is not encrypted", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftBesideTheTarget(t *testing.T) {
	p := newPlace(t)
	target := p.target(attrs{"path": "out/token.json"}, false)
	v := p.write(target, "", "k", "one")
	p.write(target, v, "k", "two")
	if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("k", "three")}); !errors.Is(
		err,
		sinks.ErrConflict,
	) {
		t.Errorf("Write = %v, want a conflict", err)
	}
	entries, err := os.ReadDir(filepath.Join(p.dir, "out"))
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v; want the target only", entries, err)
	}
}

func TestModes(t *testing.T) {
	posixfile.SetUmask(t, 0o077)
	p := newPlace(t)
	p.write(p.target(attrs{"path": "a/default.json"}, false), "", "k", "v")
	p.write(p.target(attrs{"path": "a/group.json", "mode": "0640"}, false), "", "k", "v")
	p.write(p.record(nil, "account.x.y"), "", "k", "v")
	want := map[string]fs.FileMode{
		"a": fs.ModeDir | 0o700, "a/default.json": 0o600, "a/group.json": 0o640,
		".credsync": fs.ModeDir | 0o700, ".credsync/account.x.y.json": 0o600,
	}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}
}

func TestNobodyElseCanReadAFileAtAnyTime(t *testing.T) {
	posixfile.SetUmask(t, 0)
	p := newPlace(t)
	target := p.target(attrs{"path": "out/token.json"}, false)
	version := p.write(target, "", "k", "first")
	stop := make(chan struct{})
	looks := make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				looks <- n
				return
			default:
			}
			entries, err := os.ReadDir(filepath.Join(p.dir, "out"))
			if err != nil {
				t.Error(err)
			}
			for _, e := range entries {
				if info, err := e.Info(); err == nil && info.Mode().Perm() != 0o600 {
					t.Errorf("%s was there with mode %v", e.Name(), info.Mode())
				}
			}
			n++
		}
	}()
	for i := range 50 {
		version = p.write(target, version, "k", strings.Repeat("x", 1000*i))
	}
	close(stop)
	if n := <-looks; n == 0 {
		t.Error("nobody looked")
	}
}

// A hard link to a file elsewhere is not written through: the target becomes a
// file of its own.
func TestHardLinksOfAdoptedFiles(t *testing.T) {
	p := newPlace(t)
	outside := filepath.Join(t.TempDir(), "theirs.json")
	if err := os.WriteFile(outside, []byte(`{"k":"theirs"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(outside, 0o644); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(p.dir, "token.json")
	if err := os.Link(outside, inside); err != nil {
		t.Skip("no hard links between the test's directories:", err)
	}
	target := p.target(attrs{"path": "token.json"}, false)
	info, err := p.open().Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	p.write(target, info.Version, "k", "ours")
	if b, err := os.ReadFile(outside); err != nil || string(b) != `{"k":"theirs"}` {
		t.Errorf("the other file holds %q, %v", b, err)
	}
	if got, err := os.Stat(inside); err != nil || got.Mode() != 0o644 {
		t.Errorf("mode %v, %v; want it kept", got.Mode(), err)
	}
}

func TestPathsOutsideDirAreRefused(t *testing.T) {
	p := newPlace(t)
	abs := values(&p.spec.Connection, attrs{"dir": "/srv/tokens"})
	tests := []struct {
		conn schema.Values
		path string
		want string
	}{
		{p.conn, "sagi.json", "sagi.json"},
		{p.conn, "./a//b/../sagi.json", "a/sagi.json"},
		{p.conn, "../sagi.json", ""},
		{p.conn, "a/../../sagi.json", ""},
		{p.conn, "/etc/passwd", ""},
		{p.conn, ".", ""},
		{p.conn, "a/.credsync-tmp-x", ""},
		{p.conn, ".credsync-tmp-x/a", ""},
		{p.conn, "a/", ""},
		{p.conn, "a\x00b", ""},
		{p.conn, "a\nb", ""},
		{p.conn, "a\x1b[31mb", ""},
		{p.conn, "\u202egnp.exe", ""},
		{p.conn, strings.Repeat("x", 256), ""},
		{p.conn, strings.Repeat("x/", 2000) + "x", ""},
		{p.conn, strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{p.conn, "%2e%2e%2fx", "%2e%2e%2fx"},
		{p.conn, "..x/ключ 😀.json", "..x/ключ 😀.json"},
		{abs, "/srv/tokens/a.json", "/srv/tokens/a.json"},
		{abs, "/srv/tokens2/a.json", ""},
		{abs, "a.json", "/srv/tokens/a.json"},
	}
	for _, test := range tests {
		target, err := p.spec.Target(test.conn, values(&p.spec.Deliver, attrs{"path": test.path}))
		if target.Location != test.want || (err == nil) != (test.want != "") {
			t.Errorf("Target(%q) = %q, %v; want %q", test.path, target.Location, err, test.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "path: ") {
			t.Errorf("error %q does not name the attribute", err)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	p := newPlace(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "theirs.json"), []byte(`{"k":"v"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"out": outside, "file.json": filepath.Join(outside, "theirs.json"), "dangling.json": filepath.Join(outside, "new.json"), "within.json": "real.json"} {
		if err := os.Symlink(to, filepath.Join(p.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	p.put("real.json", `{"k":"v"}`)
	for _, path := range []string{"out/new.json", "out/theirs.json", "file.json", "dangling.json", "within.json"} {
		target := p.target(attrs{"path": path}, false)
		for _, version := range []string{"", "0123"} {
			if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("k", "new"), If: version}); err == nil {
				t.Errorf("a write to %s went through a symbolic link", path)
			}
		}
	}
	if _, err := p.open().Read(t.Context(), p.target(attrs{"path": "out/theirs.json"}, false)); err == nil {
		t.Error("a read left dir through a symbolic link")
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("something was written outside: %v", entries)
	}
	if _, err := p.open().Read(t.Context(), p.target(attrs{"path": "within.json"}, false)); err != nil {
		t.Errorf("a link within dir cannot be read: %v", err)
	}
}

func TestListOfAStatePassesOverOtherFiles(t *testing.T) {
	p := newPlace(t)
	p.write(p.record(nil, `account.sagi.coffee["Almaty"]`), "", "k", "v")
	p.put(".credsync/README", "notes")
	list, err := p.open().List(t.Context(), p.record(nil, ""))
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %v, %v; want one", list, err)
	}
	if diff := cmp.Diff(".credsync/account.sagi.coffee%5B%22%41lmaty%22%5D.json", list[0].Path); diff != "" {
		t.Error(diff)
	}
}

func TestModeIsChecked(t *testing.T) {
	block := file.Spec().Deliver
	mode, _ := block.Attribute("mode")
	for text, ok := range map[string]bool{"0600": true, "640": true, "0777": true, "0400": false, "rw": false, "0800": false, "04755": false, "": false,
		"-1": false} {
		if err := mode.Check(cty.StringVal(text)); (err == nil) != ok {
			t.Errorf("mode %q: %v", text, err)
		}
	}
}

func TestNotAFile(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(filepath.Join(p.dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	posixfile.MakePipe(t, filepath.Join(p.dir, "pipe"))
	for _, name := range []string{"d", "pipe"} {
		if _, err := p.open().Stat(t.Context(), p.target(attrs{"path": name}, false)); err == nil {
			t.Errorf("Stat of %s gave no error", name)
		}
	}
	big, err := os.Create(filepath.Join(p.dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(big.Truncate(100<<20), big.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.open().Read(t.Context(), p.target(attrs{"path": "big"}, false)); err == nil ||
		!strings.Contains(err.Error(), "larger") {
		t.Errorf("Read of 100 MB = %v", err)
	}
}
