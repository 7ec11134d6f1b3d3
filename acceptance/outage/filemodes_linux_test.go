//go:build acceptance

package outage

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/state"
)

// withCrashPoints builds the program so that it can be killed between two
// effects on a file.
var withCrashPoints = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(program), "credsync-crashpoints")
	out, err := exec.Command("go", "build", "-tags", "crashpoints", "-ldflags", "-s -w", "-o", path, "../../cmd/credsync").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build credsync: %w\n%s", err, out)
	}
	return path, nil
})

// umasks take nothing away, the usual, and all that is others'.
var umasks = []string{"000", "022", "077"}

// worldWithAuditTrail delivers to one file of the usual mode and to one that a group may
// read, and has an audit trail.
func worldWithAuditTrail(t *testing.T, state, target string) *world {
	return newWorld(t, fmt.Sprintf("sink \"file\" \"state\" { dir = %q }\nsink \"file\" \"main\" { dir = %q }\nstate \"file\" \"state\" { path = \"records\" }\naudit { path = \"audit.jsonl\" }\n", state, target),
		"  deliver \"file\" \"main\" { path = \"sagi.json\" }\n  deliver \"file\" \"main\" {\n    path = \"group/sagi.json\"\n    mode = \"0640\"\n  }")
}

// modesIn are those of all that is in some directories, by their names in these.
func modesIn(t *testing.T, dirs ...string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			name, err := filepath.Rel(dir, path)
			found[name] = info.Mode()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Whatever the umask of the cron daemon or the container is, what holds a token
// is its owner's only, and what was given to a group is readable for that.
func TestUmaskDoesNotReachFiles(t *testing.T) {
	t.Parallel()
	for _, umask := range umasks {
		t.Run(umask, func(t *testing.T) {
			state, target := t.TempDir(), t.TempDir()
			w := worldWithAuditTrail(t, state, target)
			w.before = "umask " + umask
			w.start("plan", "--out", "saved.plan").ends(0)
			w.apply(0)
			// The state turns into what takes no record: an emergency file.
			w.upstream.Revoke("sagi", login)
			if err := w.upstream.AddFault(refreshesFail); err != nil {
				t.Fatal(err)
			}
			records := filepath.Join(state, "records")
			r := w.applyUntilLogins(2, func() {
				if err := os.Rename(records, records+"-away"); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(records, nil, 0o600); err != nil {
					t.Error(err)
				}
			})
			r.says("a new token could not be written to the state")
			found := modesIn(t, w.dir, state, target)
			for name, mode := range found {
				want := fs.FileMode(0o600)
				switch {
				case mode.IsDir():
					want = fs.ModeDir | 0o700
				case name == "group/sagi.json":
					want = 0o640
				}
				if mode != want {
					t.Errorf("%s has mode %v, want %v", name, mode, want)
				}
			}
			for _, name := range []string{"audit.jsonl", "saved.plan", "sagi.json", "group/sagi.json"} {
				if _, ok := found[name]; !ok {
					t.Errorf("there is no %s", name)
				}
			}
			if len(w.emergencyFiles()) != 1 {
				t.Error("there is no emergency file")
			}
			if err := os.Remove(records); err != nil {
				t.Error(err)
			}
			if err := os.Rename(records+"-away", records); err != nil {
				t.Error(err)
			}
			r.ends(0, "Apply complete")
		})
	}
}

// A file that has its mode only once it is finished can be read before: a
// program that is killed in between shows how it was made. The audit trail's
// mode is never changed, so that what it is at the end it was at the beginning.
func TestFilesArePrivateFromTheirFirstByte(t *testing.T) {
	t.Parallel()
	killed, err := withCrashPoints()
	if err != nil {
		t.Fatal(err)
	}
	for _, umask := range umasks {
		for _, file := range []string{"sagi.json", state.RecordName("default", "account.sagi.coffee") + ".json"} {
			for _, point := range []string{"write ", "flush "} {
				t.Run(umask+" "+point+file, func(t *testing.T) {
					state, target := t.TempDir(), t.TempDir()
					w := onDisk(t, state, target, "")
					w.before, w.program = "umask "+umask, killed
					w.env = append(w.env, "CREDSYNC_CRASHPOINTS_KILL="+point+file+" #1")
					w.apply(-1)
					unfinished := 0
					for name, mode := range modesIn(t, state, target) {
						if strings.HasPrefix(filepath.Base(name), ".credsync-tmp-") {
							unfinished++
							if mode != 0o600 {
								t.Errorf("%s was made with mode %v", name, mode)
							}
						}
					}
					if unfinished != 1 {
						t.Errorf("%d unfinished files, want the one that was being written", unfinished)
					}
				})
			}
		}
	}
}
