//go:build unix

package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/file"
	"github.com/credsync/credsync/testkit/posixfile"
	"github.com/zclconf/go-cty/cty"
)

// The ids of a user and a group that are not those of the test.
const (
	somebody = 54321
	someones = 54322
)

func (p *place) permissions(name string) (mode fs.FileMode, owner, group int) {
	p.Helper()
	info, err := os.Lstat(filepath.Join(p.dir, name))
	if err != nil {
		p.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return info.Mode(), int(s.Uid), int(s.Gid)
}

func (p *place) wantPermissions(name string, mode fs.FileMode, owner, group int) {
	p.Helper()
	gotMode, gotOwner, gotGroup := p.permissions(name)
	if gotMode != mode || gotOwner != owner || gotGroup != group {
		p.Errorf("%s: mode %v of %d:%d, want %v of %d:%d", name, gotMode, gotOwner, gotGroup, mode, owner, group)
	}
}

// give puts a file there that an administrator has made ready for a service.
func (p *place) give(name, content string, mode fs.FileMode, owner, group int) {
	p.Helper()
	p.put(name, content)
	path := filepath.Join(p.dir, name)
	if err := errors.Join(os.Chown(path, owner, group), os.Chmod(path, mode)); err != nil {
		p.Fatal(err)
	}
}

func (p *place) stat(t sinks.Target) sinks.Info {
	p.Helper()
	info, err := p.open().Stat(p.Context(), t)
	if err != nil {
		p.Fatal(err)
	}
	return info
}

func (p *place) preflight(targets ...sinks.Target) error {
	var trials []sinks.Trial
	for _, t := range targets {
		trials = append(trials, sinks.Trial{Target: t})
	}
	return errors.Join(p.open().(sinks.Preflighter).Preflight(p.Context(), trials)...)
}

// nothingUnfinished checks that the directory holds those files and no others.
func (p *place) nothingUnfinished(want int) {
	p.Helper()
	if entries, err := os.ReadDir(p.dir); err != nil || len(entries) != want {
		p.Errorf("the directory holds %v, %v; want %d files", entries, err, want)
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to others")
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Chown(somebody, someones); err != nil {
		t.Skip("root in a container without these ids:", err)
	}
}

// asSomebody runs f as an ordinary user, as far as files are concerned.
func asSomebody(t *testing.T, dir string, f func()) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has users of a thread")
	}
	// What t.TempDir makes belongs to root, and the upper part is for root only.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, somebody, someones),
		os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore := becomeOnThisThread(somebody, someones)
	defer restore()
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder for temporary files is closed to others:", err)
	}
	f()
}

func TestAReplacedFileKeepsItsMode(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o777} {
		func() {
			p := newPlace(t)
			_, owner, group := p.permissionsOfANewFile()
			p.give("token.json", `{"theirs":"kept"}`, 0o644, owner, group)
			// Before it is set, since it is the whole process's.
			target, merged := p.target(attrs{"path": "token.json"}, false), p.target(attrs{"path": "token.json"}, true)
			posixfile.SetUmask(t, umask)
			version := p.write(merged, p.stat(merged).Version, "k", "one")
			p.wantPermissions("token.json", 0o644, owner, group)
			if err := p.open().Delete(t.Context(), merged, sinks.Removal{If: version, Keys: []string{"k"}}); err != nil {
				t.Fatal(err)
			}
			p.wantPermissions("token.json", 0o644, owner, group)
			version = p.write(target, p.stat(target).Version, "k", "two")
			p.wantPermissions("token.json", 0o644, owner, group)
			set := p.target(attrs{"path": "token.json", "mode": "0660"}, false)
			version = p.write(set, version, "k", "three")
			p.wantPermissions("token.json", 0o660, owner, group)
			p.write(target, version, "k", "four")
			p.wantPermissions("token.json", 0o660, owner, group)
			p.write(p.target(attrs{"path": "new.json"}, false), "", "k", "v")
			p.wantPermissions("new.json", 0o600, owner, group)
		}()
	}
}

// permissionsOfANewFile are those of one that nobody has changed.
func (p *place) permissionsOfANewFile() (mode fs.FileMode, owner, group int) {
	p.Helper()
	p.put("example", "")
	defer func() { _ = os.Remove(filepath.Join(p.dir, "example")) }()
	return p.permissions("example")
}

func TestAReplacedFileKeepsItsOwner(t *testing.T) {
	needsRoot(t)
	p := newPlace(t)
	p.give("token.json", `{"theirs":"kept"}`, 0o640, somebody, someones)
	for _, merge := range []bool{true, false} {
		target := p.target(attrs{"path": "token.json"}, merge)
		if err := p.preflight(target); err != nil {
			t.Errorf("Preflight = %v", err)
		}
		p.write(target, p.stat(target).Version, "k", fmt.Sprint(merge))
		p.wantPermissions("token.json", 0o640, somebody, someones)
	}
	p.nothingUnfinished(1)
}

func TestOwnerAndGroupAreSet(t *testing.T) {
	needsRoot(t)
	p := newPlace(t)
	set := p.target(attrs{"path": "token.json", "owner": strconv.Itoa(somebody), "group": strconv.Itoa(someones), "mode": "0640"}, false)
	if err := p.preflight(set); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	p.nothingUnfinished(0)
	version := p.write(set, "", "k", "v")
	p.wantPermissions("token.json", 0o640, somebody, someones)
	version = p.write(p.target(attrs{"path": "token.json", "owner": "root"}, false), version, "k", "w")
	p.wantPermissions("token.json", 0o640, 0, someones)
	p.write(p.target(attrs{"path": "token.json", "group": "0"}, false), version, "k", "x")
	p.wantPermissions("token.json", 0o640, 0, 0)
}

func TestAnotherUsersFileIsNotTaken(t *testing.T) {
	needsRoot(t)
	const notMine = 54333
	for name, c := range map[string]struct {
		attrs        attrs
		owner, group int
		want         []string
	}{
		"owner kept":   {attrs{}, notMine, someones, []string{"belongs to 54333", "set owner", "chown"}},
		"group kept":   {attrs{}, somebody, notMine, []string{"belongs to the group 54333", "set group"}},
		"owner set":    {attrs{"owner": "root"}, somebody, someones, []string{"may not give files to root", "remove owner"}},
		"group set":    {attrs{"group": "54333"}, somebody, someones, []string{"may not give files to the group 54333", "remove group"}},
		"own":          {attrs{}, somebody, someones, nil},
		"taken":        {attrs{"owner": "54321"}, notMine, someones, nil},
		"taken wholly": {attrs{"owner": "54321", "group": "54322"}, notMine, notMine, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.give("token.json", `{"k":"theirs"}`, 0o644, c.owner, c.group)
			c.attrs["path"] = "token.json"
			target := p.target(c.attrs, false)
			version := p.stat(target).Version
			var preflight, write, remove error
			asSomebody(t, p.dir, func() {
				preflight = p.preflight(target)
				_, write = p.open().Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary-value"), If: version})
				merged := target
				merged.Merge = true
				if write != nil {
					remove = p.open().Delete(t.Context(), merged, sinks.Removal{If: version, Keys: []string{"k"}})
				}
			})
			p.nothingUnfinished(1)
			if c.want == nil {
				if preflight != nil || write != nil {
					t.Errorf("Preflight = %v, Write = %v", preflight, write)
				}
				p.wantPermissions("token.json", 0o644, somebody, someones)
				return
			}
			for op, err := range map[string]error{"Preflight": preflight, "Write": write, "Delete": remove} {
				if !errors.Is(err, sinks.ErrDenied) {
					t.Errorf("%s = %v, want a denial", op, err)
				}
				for _, want := range append(c.want, filepath.Join(p.dir, "token.json")) {
					if !strings.Contains(fmt.Sprint(err), want) {
						t.Errorf("%s = %v, want %q in it", op, err, want)
					}
				}
			}
			if got := p.content("token.json"); got != `{"k":"theirs"}` {
				t.Error("the file was replaced all the same")
			}
			p.wantPermissions("token.json", 0o644, c.owner, c.group)
		})
	}
}

// Whoever is not root cannot give files away at all.
func TestAnOrdinaryUserGivesNoFileAway(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may; see TestAnotherUsersFileIsNotTaken")
	}
	p := newPlace(t)
	target := p.target(attrs{"path": "token.json", "owner": "root"}, false)
	if err := p.preflight(target); !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "owner") {
		t.Errorf("Preflight = %v", err)
	}
	if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); !errors.Is(
		err,
		sinks.ErrDenied,
	) ||
		!strings.Contains(err.Error(), "owner") {
		t.Errorf("Write = %v", err)
	}
	p.nothingUnfinished(0)
}

func TestAnUnknownOwnerIsNamed(t *testing.T) {
	p := newPlace(t)
	for _, attribute := range []string{"owner", "group"} {
		target := p.target(attrs{"path": "token.json", attribute: "nobody-has-this-name"}, false)
		_, write := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")})
		for op, err := range map[string]error{"Preflight": p.preflight(target), "Write": write} {
			if err == nil || !strings.Contains(err.Error(), attribute+": this machine has no ") || !strings.Contains(err.Error(), "numeric id") {
				t.Errorf("%s: %s = %v", attribute, op, err)
			}
		}
		p.nothingUnfinished(0)
		p.put("token.json", "{}")
		if got := p.stat(target).Differs; !strings.Contains(got, "nobody-has-this-name") {
			t.Errorf("%s: Stat says %q", attribute, got)
		}
		p.remove(target)
	}
}

func TestStatSaysWhatDiffers(t *testing.T) {
	p := newPlace(t)
	_, owner, group := p.permissionsOfANewFile()
	p.give("token.json", "{}", 0o644, owner, group)
	me, mine := strconv.Itoa(owner), strconv.Itoa(group)
	for _, c := range []struct {
		attrs attrs
		want  string
	}{
		{attrs{}, ""},
		{attrs{"mode": "0644"}, ""},
		{attrs{"mode": "644", "owner": me, "group": mine}, ""},
		{attrs{"mode": "0600"}, "mode is 0644, not 0600"},
		{attrs{"owner": "54321"}, ", not 54321"},
		{attrs{"group": "54321"}, ", not 54321"},
		{attrs{"mode": "0640", "owner": me}, "mode is 0644, not 0640"},
	} {
		c.attrs["path"] = "token.json"
		got := p.stat(p.target(c.attrs, false)).Differs
		if c.want == "" && got != "" || !strings.HasSuffix(got, c.want) {
			t.Errorf("%v: Stat says %q, want %q", c.attrs, got, c.want)
		}
		if strings.Contains(c.want, "54321") &&
			(!strings.HasPrefix(got, "owner is ") && !strings.HasPrefix(got, "group is ") || !strings.Contains(got, me) &&
				!strings.Contains(got, mine)) {
			t.Errorf("%v: Stat says %q", c.attrs, got)
		}
	}
	set := p.target(attrs{"path": "token.json", "mode": "0600"}, false)
	p.write(set, p.stat(set).Version, "k", "v")
	if got := p.stat(set).Differs; got != "" {
		t.Errorf("after a write Stat says %q", got)
	}
	if got := p.stat(p.target(attrs{"path": "missing.json", "mode": "0600"}, false)).Differs; got != "" {
		t.Errorf("Stat of nothing says %q", got)
	}
}

// A state's files are for whoever runs credsync, whatever they were made.
func TestTheStateIsPrivateAgain(t *testing.T) {
	p := newPlace(t)
	record := p.record(nil, "account.x.y")
	version := p.write(record, "", "k", "v")
	if err := os.Chmod(filepath.Join(p.dir, record.Path), 0o644); err != nil {
		t.Fatal(err)
	}
	if info := p.stat(record); info.Differs != "" {
		t.Errorf("Stat says %q", info.Differs)
	}
	p.write(record, version, "k", "w")
	if mode, _, _ := p.permissions(record.Path); mode != 0o600 {
		t.Errorf("mode %v, want 0600", mode)
	}
}

func TestOwnersAreChecked(t *testing.T) {
	block := file.Spec().Deliver
	for _, name := range []string{"owner", "group"} {
		a, _ := block.Attribute(name)
		for text, ok := range map[string]bool{
			"app": true, "www-data": true, "0": true, "1001": true, "4294967294": true, `CORP\app`: true, "app@corp.example": true, "приложение": true,
			"": false, " ": false, "a b": false, "app:web": false, "-1": false, "4294967295": false, "99999999999": false, "a/b": false, "a\nb": false,
		} {
			if err := a.Check(cty.StringVal(text)); (err == nil) != ok {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}
