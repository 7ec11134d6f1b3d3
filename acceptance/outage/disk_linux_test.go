//go:build acceptance

package outage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/credsync/credsync/sandbox"
)

// leftOut is what is said where no file system can be mounted in any way.
const leftOut = "left out: a file system that is full, and one that is read-only. " +
	"Neither this user nor a user namespace of its own may mount one: %v. " +
	"TestNoFileMayGrow and TestDirectoryWithoutWritePermission are tried all the same."

// namespaceVariable tells a test that it is the process which mounts made.
const namespaceVariable = "CREDSYNC_OUTAGE_NAMESPACE"

// mountWay tells how a test that mounts is run.
type mountWay int

const (
	here mountWay = iota
	// inNamespace is in a process of its own, which has run it.
	inNamespace
)

// mounts finds out where a test may mount file systems. Where this user may
// not, it runs the test as a process in a user namespace, in which it may.
func mounts(t *testing.T) mountWay {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k")
	if err == nil {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		return here
	}
	if os.Getenv(namespaceVariable) != "" {
		t.Skipf(leftOut, err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), programVariable+"="+program, namespaceVariable+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &ended):
		t.Skipf(leftOut, err)
	case err != nil:
		t.Errorf("in a user namespace: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Skipf("in a user namespace:\n%s", out)
	}
	return inNamespace
}

// smallFileSystem is a small file system of its own, which can be filled and made
// read-only.
func smallFileSystem(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// outages of a disk, each with what ends it.
var diskOutages = map[string]struct {
	begin, end func(t *testing.T, dir string)
}{
	"full": {
		func(t *testing.T, dir string) {
			f, err := os.Create(filepath.Join(dir, "filler"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			chunk := make([]byte, 4096)
			for range 1000 {
				if _, err := f.Write(chunk); err != nil {
					return
				}
			}
			t.Error("the disk does not get full")
		},
		func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
				t.Error(err)
			}
		},
	},
	"read-only": {
		func(t *testing.T, dir string) { remount(t, dir, syscall.MS_RDONLY) },
		func(t *testing.T, dir string) { remount(t, dir, 0) },
	},
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=256k"); err != nil {
		t.Errorf("remount %s: %v", dir, err)
	}
}

func onDisk(t *testing.T, stateDir, targetDir, more string) *world {
	return newWorld(t, fmt.Sprintf("sink \"file\" \"state\" { dir = %q }\nsink \"file\" \"main\" { dir = %q }\nstate \"file\" \"state\" {\n  path = \"records\"\n%s}\n", stateDir, targetDir, more),
		`  deliver "file" "main" { path = "sagi.json" }`)
}

func (w *world) delivered(dir string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "sagi.json"))
	if err != nil {
		w.t.Error(err)
		return ""
	}
	_, after, _ := strings.Cut(string(b), `"access_token": "`)
	token, _, _ := strings.Cut(after, `"`)
	return token
}

func TestDiskOfTheState(t *testing.T) {
	t.Parallel()
	if mounts(t) == inNamespace {
		return
	}
	for name, outage := range diskOutages {
		t.Run(name+" before the login", func(t *testing.T) {
			dir, target := smallFileSystem(t), t.TempDir()
			w := onDisk(t, dir, target, "")
			outage.begin(t, dir)
			w.apply(1, dir)
			w.wantLogins(0)
			outage.end(t, dir)
			w.apply(0)
			w.wantLive(w.delivered(target))
		})
		t.Run(name+" before the journal", func(t *testing.T) {
			dir, target := smallFileSystem(t), t.TempDir()
			w := onDisk(t, dir, target, "")
			r := w.applyUntilLogin(func() { outage.begin(t, dir) })
			r.says("a new token could not be written to the state")
			outage.end(t, dir)
			r.ends(0, "Apply complete")
			w.wantLogins(1)
			w.wantLive(w.delivered(target))
		})
		// The emergency folder is on the same disk: there is nowhere to go.
		t.Run(name+", the emergency folder's too", func(t *testing.T) {
			dir, target := smallFileSystem(t), t.TempDir()
			w := onDisk(t, dir, target, "")
			emergency := filepath.Join(dir, "emergency")
			w.env = append(w.env, "CREDSYNC_EMERGENCY_DIR="+emergency)
			r := w.applyUntilLogin(func() { outage.begin(t, dir) })
			r.says("the emergency file could not be written")
			outage.end(t, dir)
			r.ends(0, "Apply complete")
			w.wantLogins(1)
			w.wantLive(w.delivered(target))
			if left, _ := os.ReadDir(emergency); len(left) > 0 {
				t.Errorf("%d files are left in the emergency folder, perhaps with half a token", len(left))
			}
		})
	}
}

func TestDiskOfTheTarget(t *testing.T) {
	t.Parallel()
	if mounts(t) == inNamespace {
		return
	}
	for name, outage := range diskOutages {
		t.Run(name, func(t *testing.T) {
			state, dir := t.TempDir(), smallFileSystem(t)
			w := onDisk(t, state, dir, "")
			w.apply(0)
			before := w.delivered(dir)
			w.upstream.Revoke("sagi", login)
			if err := w.upstream.AddFault(refreshesFail); err != nil {
				t.Fatal(err)
			}
			outage.begin(t, dir)
			w.apply(1, "could not be written")
			if got := w.delivered(dir); got != before {
				t.Error("the target is not as it was")
			}
			outage.end(t, dir)
			w.apply(0, "1 delivered")
			w.wantLogins(2)
			w.wantLive(w.delivered(dir))
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("%d files where one belongs", len(left))
			}
		})
	}
}

// refreshesFail has a revoked token replaced by a login.
var refreshesFail = sandbox.Fault{Kind: sandbox.Status, Upstream: "sagi", Op: sandbox.OpRefresh, Status: 401, Body: `{"message":"invalid token"}`}

// The state is encrypted, so the emergency file is too.
func TestEncryptedEmergencyFile(t *testing.T) {
	t.Parallel()
	if mounts(t) == inNamespace {
		return
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir, target := smallFileSystem(t), t.TempDir()
	w := onDisk(t, dir, target, fmt.Sprintf("  age_recipient = %q\n  age_identity = env(\"IDENTITY\")\n", identity.Recipient()))
	w.env = append(w.env, "IDENTITY="+identity.String())
	r := w.applyUntilLogin(func() { diskOutages["full"].begin(t, dir) })
	r.says("a new token could not be written to the state")
	r.signal(syscall.SIGTERM)
	r.ends(1, "is safe in")
	diskOutages["full"].end(t, dir)
	files := w.emergencyFiles()
	if len(files) != 1 {
		t.Fatalf("emergency files: %v", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(content), "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Errorf("the emergency file is not encrypted: %v", err)
	}
	short := filepath.Join(w.dir, "short")
	if err := os.WriteFile(short, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	w.start("state", "recover", short).ends(1, "could not be recovered")
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	good := w.env
	w.env = append(w.env, "IDENTITY="+other.String())
	w.start("state", "recover", files[0]).ends(1, "public and the secret key of one key pair")
	w.env = good
	w.start("state", "recover", files[0]).ends(0)
	w.apply(0)
	w.wantLogins(1)
	w.wantLive(w.delivered(target))
}
