//go:build unix

package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// Unfinished files are left alone while somebody may be at work on them, and what is no
// file of a writer always.
func TestWhichLeftoversGo(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		make func(p *place, path string)
		gone bool
	}{
		"young":            {9*time.Minute + 59*time.Second, nil, false},
		"old":              {10 * time.Minute, nil, true},
		"of the future":    {-10 * time.Minute, nil, true},
		"of a fast clock":  {-9 * time.Minute, nil, false},
		"an old directory": {time.Hour, func(p *place, path string) { must2(p, os.Mkdir(path, 0o700)) }, false},
		"an old link":      {time.Hour, func(p *place, path string) { must2(p, os.Symlink("none", path)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			now := time.Now().Truncate(time.Second)
			path := filepath.Join(p.dir, ".credsync-tmp-X")
			if c.make != nil {
				c.make(p, path)
			} else {
				p.put(".credsync-tmp-X", "half")
			}
			if name != "an old link" {
				must2(p, os.Chtimes(path, now.Add(-c.age), now.Add(-c.age)))
			}
			s := p.at(func() time.Time { return now })
			if _, err := s.Write(t.Context(), p.target(attrs{"path": "a.json"}, false), sinks.Write{Data: secrets("k", "v")}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) != c.gone {
				t.Errorf("it is gone: %v, want %v", !c.gone, c.gone)
			}
		})
	}
}

func must2(p *place, err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// at is the sink with a clock.
func (p *place) at(now func() time.Time) sinks.Sink {
	p.Helper()
	s, err := p.spec.New(
		p.conn,
		sinks.Env{Dir: p.dir, Now: now, Log: hclog.NewNullLogger(), Getenv: func(string) string { return "" }},
	)
	must2(p, err)
	return s
}

// A directory is looked through at the first write to it, and again a minute later.
func TestEachDirectoryIsLookedThroughOnceAMinute(t *testing.T) {
	p := newPlace(t)
	now := time.Now()
	s := p.at(func() time.Time { return now })
	n := 0
	removes := func(dir string) bool {
		t.Helper()
		n++
		path := filepath.Join(p.dir, dir, ".credsync-tmp-X")
		must2(p, os.MkdirAll(filepath.Dir(path), 0o700))
		must2(p, os.WriteFile(path, nil, 0o600))
		must2(p, os.Chtimes(path, now.Add(-time.Hour), now.Add(-time.Hour)))
		_, err := s.Write(
			t.Context(),
			p.target(attrs{"path": dir + "/" + strings.Repeat("a", n)}, false),
			sinks.Write{Data: secrets("k", "v")},
		)
		must2(p, err)
		_, err = os.Lstat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	for i, c := range []struct {
		later time.Duration
		dir   string
		want  bool
	}{{0, "a", true}, {0, "b", true}, {59 * time.Second, "a", false}, {time.Second, "a", true}, {59 * time.Second, "b", true}} {
		now = now.Add(c.later)
		if removes(c.dir) != c.want {
			t.Errorf("step %d: removed: %v", i, !c.want)
		}
	}
}

// A file is read up to 16 MiB.
func TestTheLargestFileThatIsRead(t *testing.T) {
	p := newPlace(t)
	for size, ok := range map[int64]bool{16 << 20: true, 16<<20 + 1: false} {
		f, err := os.Create(filepath.Join(p.dir, "big"))
		must2(p, err)
		must2(p, errors.Join(f.Truncate(size), f.Close()))
		_, err = p.open().Read(t.Context(), p.target(attrs{"path": "big", "format": "raw"}, false))
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "larger than 16 MiB") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestTheLongestPath(t *testing.T) {
	p := newPlace(t)
	long := func(n int) string { return strings.Repeat("abcd/", n/5-1) + strings.Repeat("e", n-5*(n/5-1)) }
	for path, want := range map[string]string{
		long(3500):                      "",
		long(3501):                      "it has 3501 bytes",
		strings.Repeat("x", 255) + "/a": "",
		"a/" + strings.Repeat("ж", 128): `begins with "` + strings.Repeat("ж", 20) + `…" has 256 bytes`,
		"a/.credsync-tmp-x":             "reserved",
		"a/x.credsync-tmp-":             "",
		"with a space":                  "",
	} {
		_, err := p.spec.Target(p.conn, values(&p.spec.Deliver, attrs{"path": path}))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q of %d bytes: %v, want %q", path, len(path), err, want)
		}
	}
}

// What is in a raw file has no name of its own.
func TestARawFileIsReadAsOneValue(t *testing.T) {
	p := newPlace(t)
	p.put("token", "{not json}\n")
	o, err := p.open().Read(t.Context(), p.target(attrs{"path": "token", "format": "raw"}, false))
	if err != nil || !o.Unnamed || !cmp.Equal(reveal(o.Data), map[string]string{"value": "{not json}\n"}) {
		t.Errorf("Read = %v, unnamed %v, %v", reveal(o.Data), o.Unnamed, err)
	}
	p.put("token.json", `{"k":"v"}`)
	if o, err := p.open().Read(t.Context(), p.target(attrs{"path": "token.json"}, false)); err != nil || o.Unnamed {
		t.Errorf("a JSON file is unnamed: %v, %v", o.Unnamed, err)
	}
}

// Inputs are refused where they could be read otherwise elsewhere.
func TestMalformedInputsAreNotQuoted(t *testing.T) {
	for name, c := range map[string]struct{ format, content string }{
		"not JSON":     {"json", "hunter22"},
		"a list":       {"json", `["hunter22"]`},
		"not UTF-8":    {"json", "{\"k\":\"hunter22\xff\"}"},
		"not dotenv":   {"dotenv", `K="hunter22`},
		"a NUL":        {"dotenv", "K=hunter22\x00"},
		"an expansion": {"dotenv", "K=$hunter22"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put("in", c.content)
			_, err := p.open().Read(t.Context(), p.source(attrs{"path": "in", "format": c.format}))
			if !errors.Is(err, sinks.ErrMalformed) || strings.Contains(err.Error(), "hunter22") {
				t.Errorf("Read = %v", err)
			}
		})
	}
}

// A key is taken out of what can be read, and of nothing else.
func TestRemovingKeys(t *testing.T) {
	for name, c := range map[string]struct {
		format, before, after string
		class                 error
	}{
		"json":      {"json", `{"a":"1","b":"2"}`, "{\n  \"b\": \"2\"\n}\n", nil},
		"dotenv":    {"dotenv", "A=1\na=2\n# c\n", "A=1\n# c\n", nil},
		"not there": {"json", `{"b":"2"}`, "{\n  \"b\": \"2\"\n}\n", nil},
		"no JSON":   {"json", "b", "b", sinks.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put("f", c.before)
			target := p.target(attrs{"path": "f", "format": c.format}, true)
			err := p.open().Delete(t.Context(), target, sinks.Removal{Keys: []string{"a"}, If: p.stat(target).Version})
			if !errors.Is(err, c.class) || p.content("f") != c.after {
				t.Errorf("Delete = %v, and the file is %q", err, p.content("f"))
			}
		})
	}
}

// An ordinary user meets what was closed to it as a denial, whatever is tried.
func TestWhatIsClosedIsADenial(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do everything")
	}
	p := newPlace(t)
	p.put("closed.json", `{"k":"v"}`)
	must2(p, os.Chmod(filepath.Join(p.dir, "closed.json"), 0))
	must2(p, os.Mkdir(filepath.Join(p.dir, "unlisted"), 0o300))
	must2(p, os.Mkdir(filepath.Join(p.dir, "unwritable"), 0o500))
	s := p.open()
	closed := p.target(attrs{"path": "closed.json"}, false)
	write := func(path string) error {
		_, err := s.Write(t.Context(), p.target(attrs{"path": path}, false), sinks.Write{Data: secrets("k", "v"), If: ""})
		return err
	}
	for name, err := range map[string]error{
		"stat":       second(s.Stat(t.Context(), closed)),
		"read":       second(s.Read(t.Context(), closed)),
		"write":      second(s.Write(t.Context(), closed, sinks.Write{Data: secrets("k", "v"), If: "x"})),
		"delete":     s.Delete(t.Context(), closed, sinks.Removal{If: "x"}),
		"unlisted":   write("unlisted/a.json"),
		"unwritable": write("unwritable/a.json"),
		"below":      write("unwritable/b/a.json"),
		"preflight":  p.preflight(p.target(attrs{"path": "unwritable/a.json"}, false)),
	} {
		if !errors.Is(err, sinks.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A key pair of which a part is not known yet is looked at later.
func TestAnUnknownKeyPairIsLeftForLater(t *testing.T) {
	p, pair := newPlace(t), keyPair(t)
	for _, name := range []string{"age_recipient", "age_identity"} {
		m := map[string]cty.Value{"age_recipient": cty.StringVal(pair["age_recipient"]), "age_identity": cty.StringVal(pair["age_identity"])}
		m[name] = cty.UnknownVal(cty.String)
		if err := p.spec.State.Check(schema.NewValues(&p.spec.State, "", m, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The record that was damaged is told from the one of another key.
func TestADamagedEncryptedRecordIsAnError(t *testing.T) {
	p := newPlace(t)
	record := p.record(keyPair(t), "a")
	p.write(record, "", "k", "canary-value")
	text := p.content(".credsync/a.json")
	p.put(".credsync/a.json", text[:len(text)/2])
	if _, err := p.open().Read(t.Context(), record); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Read = %v", err)
	}
}

// The state on this machine's own disk lasts, be its directory there or not yet.
func TestTheStateOnADiskLasts(t *testing.T) {
	p := newPlace(t)
	for _, path := range []string{"", "deep/er/still"} {
		a := attrs{}
		if path != "" {
			a["path"] = path
		}
		if warning, err := p.open().(sinks.Durable).Lasts(t.Context(), p.record(a, "a")); err != nil || warning != "" {
			t.Errorf("%q: %q, %v", path, warning, err)
		}
	}
}

func TestWhatABlockMustSet(t *testing.T) {
	spec := newPlace(t).spec
	for name, b := range map[string]*schema.Block{"deliver path": &spec.Deliver, "data path": &spec.Data, "state": &spec.State, "sink": &spec.Connection} {
		got := name
		if _, want, both := strings.Cut(name, " "); both {
			got = strings.TrimSuffix(name, " "+want)
		}
		for _, a := range b.Attributes {
			if a.Required {
				got += " " + a.Name
			}
		}
		if got != name {
			t.Errorf("%q is required, want %q", got, name)
		}
	}
}

func TestAPathIsNotBlank(t *testing.T) {
	spec := newPlace(t).spec
	for _, b := range []*schema.Block{&spec.Deliver, &spec.Data, &spec.State} {
		a, _ := b.Attribute("path")
		for text, ok := range map[string]bool{"": false, " ": false, "\t": false, "a": true, " a": true} {
			if err := a.Check(cty.StringVal(text)); (err == nil) != ok {
				t.Errorf("%s %q: %v", b.Type, text, err)
			}
		}
	}
	p := newPlace(t)
	for _, name := range []string{"", "a"} {
		if record, err := p.spec.Record(p.conn, values(&p.spec.State, attrs{"path": "../out"}), name); err == nil {
			t.Errorf("a state outside of dir is at %+v", record)
		}
	}
}
