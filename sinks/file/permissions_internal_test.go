//go:build unix

package file

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// somebodys is a file of a user and a group that this machine has no names for.
type somebodys struct{ mode fs.FileMode }

func (somebodys) Name() string        { return "token.json" }
func (somebodys) Size() int64         { return 0 }
func (f somebodys) Mode() fs.FileMode { return f.mode }
func (somebodys) ModTime() time.Time  { return time.Time{} }
func (somebodys) IsDir() bool         { return false }
func (somebodys) Sys() any            { return &syscall.Stat_t{Uid: 54333, Gid: 54334} }

func deliverTo(a map[string]string) schema.Values {
	m := map[string]cty.Value{"path": cty.StringVal("token.json")}
	for name, value := range a {
		m[name] = cty.StringVal(value)
	}
	block := Spec().Deliver
	return schema.NewValues(&block, "", m, nil)
}

// What a block says goes before what the file has that is replaced.
func TestPermissionsOfAReplacedFile(t *testing.T) {
	theirs := somebodys{0o640}
	for name, c := range map[string]struct {
		attrs    map[string]string
		replaced fs.FileInfo
		want     permissions
		differs  string
	}{
		"a new file":   {nil, nil, permissions{unowned, unowned, 0o600}, ""},
		"nothing said": {nil, theirs, permissions{54333, 54334, 0o640}, ""},
		"owner":        {map[string]string{"owner": "54321"}, theirs, permissions{54321, 54334, 0o640}, "owner is 54333, not 54321"},
		"group":        {map[string]string{"group": "54321"}, theirs, permissions{54333, 54321, 0o640}, "group is 54334, not 54321"},
		"mode":         {map[string]string{"mode": "0600"}, theirs, permissions{54333, 54334, 0o600}, "mode is 0640, not 0600"},
		"all, as it is": {
			map[string]string{"owner": "54333", "group": "54334", "mode": "0640"}, theirs, permissions{54333, 54334, 0o640}, "",
		},
		"all, otherwise": {
			map[string]string{"owner": "0", "group": "0", "mode": "0660"}, theirs, permissions{0, 0, 0o660},
			"owner is 54333, not 0, group is 54334, not 0, mode is 0640, not 0660",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := deliverTo(c.attrs)
			if got, err := permissionsFor(v, c.replaced); err != nil || got != c.want {
				t.Errorf("permissions %+v, %v; want %+v", got, err, c.want)
			}
			if c.replaced != nil {
				if got := differs(v, c.replaced); got != c.differs {
					t.Errorf("it differs by %q, want %q", got, c.differs)
				}
			}
		})
	}
	state := Spec().State
	if got, err := permissionsFor(schema.NewValues(&state, "", nil, nil), theirs); err != nil || got != usual {
		t.Errorf("a record of the state has %+v, %v", got, err)
	}
	if _, err := permissionsFor(deliverTo(map[string]string{"mode": "rw"}), nil); err == nil {
		t.Error("a mode that is none was taken")
	}
}

// Who may not give a file away is told to whom, and what to change.
func TestADenialNamesWhoShouldHaveHadTheFile(t *testing.T) {
	set := deliverTo(map[string]string{"owner": "app", "group": "web"})
	for text, want := range map[string]string{
		ownerDenial(set, 1):                "to app: run credsync as root or as app, or remove owner",
		groupDenial(set, 1):                "to the group web: add that user to the group",
		ownerDenial(deliverTo(nil), 54333): "the file belongs to 54333,",
		groupDenial(deliverTo(nil), 54333): "the file belongs to the group 54333,",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	for err, denied := range map[error]bool{syscall.EPERM: true, syscall.EINVAL: true, syscall.EIO: false} {
		if got := cannotGive(err, "because"); errors.Is(got, sinks.ErrDenied) != denied ||
			strings.Contains(got.Error(), "because") != denied {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// As nobody but root gives files away, an ordinary user meets the denial of each.
func TestApplyingPermissions(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	is := permissionsOf(info)
	for _, mode := range []fs.FileMode{0o640, 0o600, 0o604, 0} {
		want := mode
		if mode == 0 {
			want = 0o604
		}
		err := permissions{owner: is.owner, group: is.group, mode: mode}.apply(f, "f", deliverTo(nil))
		if info, statErr := f.Stat(); err != nil || statErr != nil || info.Mode().Perm() != want {
			t.Errorf("%v: mode %v, %v, %v", mode, info.Mode(), err, statErr)
		}
	}
	if os.Geteuid() == 0 {
		return // who may give files to anyone
	}
	for _, p := range []permissions{{owner: 0, group: unowned}, {owner: unowned, group: 0}} {
		if err := p.apply(f, "f", deliverTo(nil)); !errors.Is(err, sinks.ErrDenied) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestUsersAreFoundByNameAndByNumber(t *testing.T) {
	for name, want := range map[string]int{"0": 0, "54321": 54321, "4294967294": math.MaxUint32 - 1, "root": 0} {
		if got, err := userID(name); err != nil || got != want {
			t.Errorf("user %q: %d, %v", name, got, err)
		}
	}
	if got, err := groupID("54321"); err != nil || got != 54321 {
		t.Errorf("group: %d, %v", got, err)
	}
	if _, err := systemID("owner", "S-1-5-21"); !errors.Is(err, sinks.ErrUnsupported) || !strings.Contains(err.Error(), "owner: ") {
		t.Errorf("an id that is no number: %v", err)
	}
	if err := unknown("owner", "user", "x", errors.New("the directory does not answer"), false); !strings.Contains(err.Error(), "the directory does not answer") {
		t.Errorf("a look-up that failed: %v", err)
	}
	for name, number := range map[string]bool{"0": true, "0123456789": true, "": false, "1a": false, "a1": false, "-1": false} {
		if isNumber(name) != number {
			t.Errorf("%q is a number: %v", name, !number)
		}
	}
	if got := userName(54333); got != strconv.Itoa(54333) {
		t.Errorf("a user without a name is %q", got)
	}
}

// Why a file cannot be replaced: by its directory, where that is sticky.
func TestWhyAFileIsKept(t *testing.T) {
	s := opened(t)
	for mode, want := range map[fs.FileMode]string{
		0o700:                 "may write to its directory but may not replace the file",
		0o700 | fs.ModeSticky: "it belongs to 54333 and its directory is sticky",
	} {
		if err := os.Chmod(s.dir, mode); err != nil {
			t.Fatal(err)
		}
		dir, err := os.Open(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.whyKept(dir, filepath.Join(s.dir, "token.json"), somebodys{0o600}); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", mode, got, want)
		}
		_ = dir.Close()
	}
}
