package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// in is the place with another dir in its sink block.
func (p *place) in(dir string) *place {
	other := *p
	other.conn = values(&p.spec.Connection, attrs{"dir": dir})
	return &other
}

func (p *place) placeOf(path string) sinks.Place {
	p.Helper()
	got, err := p.open().Place(p.Context(), p.target(attrs{"path": path}, false))
	if err != nil {
		p.Fatal(err)
	}
	return got
}

// link makes symbolic links in the place's directory.
func (p *place) link(to, name string) {
	p.Helper()
	if err := os.Symlink(to, filepath.Join(p.dir, name)); err != nil {
		p.Fatal(err)
	}
}

func TestAPlaceIsTheRealPath(t *testing.T) {
	p := newPlace(t)
	real, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.dir, "real", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.link("real", "linked")
	p.link("linked", "twice")
	p.link(filepath.Join(p.dir, "real", "sub"), "absolute")
	for name, c := range map[string]struct{ dir, path, want string }{
		"dir and path":         {".", "real/token.json", "real/token.json"},
		"dir below":            {"real", "token.json", "real/token.json"},
		"absolute dir":         {filepath.Join(p.dir, "real"), "token.json", "real/token.json"},
		"absolute path":        {filepath.Join(p.dir, "real"), filepath.Join(p.dir, "real", "token.json"), "real/token.json"},
		"linked dir":           {"linked", "token.json", "real/token.json"},
		"linked absolute dir":  {filepath.Join(p.dir, "linked"), "token.json", "real/token.json"},
		"linked directory":     {".", "linked/token.json", "real/token.json"},
		"link to a link":       {".", "twice/sub/token.json", "real/sub/token.json"},
		"absolute link":        {".", "absolute/token.json", "real/sub/token.json"},
		"not there":            {"not/yet", "there/token.json", "not/yet/there/token.json"},
		"not there, in a link": {"linked/not", "yet/token.json", "real/not/yet/token.json"},
	} {
		at := p.in(c.dir)
		want := sinks.Place("file " + filepath.Join(real, c.want))
		if got := at.placeOf(c.path); got != want {
			t.Errorf("%s: place %q, want %q", name, got, want)
		}
		placed := at.target(attrs{"path": c.path}, false)
		many := at.open().(sinks.BulkPlacer)
		many.PlaceMany(t.Context(), []sinks.Target{placed, placed}, func(i int, got sinks.Place, err error) {
			if got != want || err != nil {
				t.Errorf("%s: PlaceMany says %q, %v of target %d, want %q", name, got, err, i, want)
			}
		})
		target, here, err := at.open().At(t.Context(), want, schema.Values{})
		if err != nil || !here {
			t.Errorf("%s: At = %v, %v", name, here, err)
			continue
		}
		if got, err := at.open().Place(t.Context(), target); err != nil || got != want {
			t.Errorf("%s: the target at %q is %q, %v", name, want, got, err)
		}
	}
	// It stays what it is once it has been written.
	before := p.placeOf("linked/written.json")
	p.write(p.target(attrs{"path": "linked/written.json"}, false), "", "k", "v")
	if after := p.placeOf("linked/written.json"); after != before {
		t.Errorf("the place %q has become %q", before, after)
	}
}

func TestAPlaceOutsideOfDirIsNotHere(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(filepath.Join(p.dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.link(t.TempDir(), "tokens/out")
	for _, path := range []string{"token.json", "tokens2/token.json", "tokens"} {
		if target, here, err := p.in("tokens").open().At(t.Context(), p.placeOf(path), schema.Values{}); here || err != nil {
			t.Errorf("%s: At = %+v, %v", path, target, err)
		}
	}
	outside := p.in("tokens").placeOf("out/token.json")
	if target, here, err := p.in("tokens").open().At(t.Context(), outside, schema.Values{}); here || err != nil {
		t.Errorf("what a link leads to outside of dir: At = %+v, %v", target, err)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	p := newPlace(t)
	p.link("nothing", "dangling.json")
	p.link("loop", "loop")
	for _, path := range []string{"dangling.json", "loop", "loop/token.json"} {
		target := p.target(attrs{"path": path}, false)
		_, err := p.open().Place(t.Context(), target)
		told := 0
		both := []sinks.Target{target, target}
		p.open().(sinks.BulkPlacer).PlaceMany(t.Context(), both, func(_ int, _ sinks.Place, many error) {
			told++
			if many == nil || err == nil || many.Error() != err.Error() {
				t.Errorf("PlaceMany of %s = %v, Place %v", path, many, err)
			}
		})
		if told != 2 {
			t.Errorf("PlaceMany of %s told of %d targets of 2", path, told)
		}
		if err == nil || errors.Is(err, sinks.ErrNotFound) {
			t.Errorf("Place of %s = %v", path, err)
		}
	}
}
