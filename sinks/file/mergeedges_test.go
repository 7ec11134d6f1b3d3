package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/sinks"
)

// A file that is empty, or that ends without a line end, is merged into as any other.
func TestMergingIntoFilesThatEndOddly(t *testing.T) {
	for content, want := range map[string]string{"": "B=2\n", "A=1": "A=1\nB=2\n", "A=1\n": "A=1\nB=2\n", "# c\nA=1": "# c\nA=1\nB=2\n", "B=1": "B=2\n"} {
		p := newPlace(t)
		p.put("a.env", content)
		target := p.target(attrs{"path": "a.env", "format": "dotenv"}, true)
		info, err := p.open().Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("B", "2"), If: info.Version}); err != nil {
			t.Errorf("%q: %v", content, err)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(p.dir, "a.env")); err != nil || string(got) != want {
			t.Errorf("%q became %q, %v; want %q", content, got, err, want)
		}
	}
}
