package audit_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/testkit/posixfile"
)

var full = audit.Event{
	Time: time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 5*3600)), ID: "id", Project: "payments", Holder: "host/boot/1/2/x",
	Address: `account.sagi.coffee["a\nb"]`, Provider: "sagi", Action: audit.Login, Outcome: audit.Failed,
	Class: "credentials", Reason: "credentials_rejected", Status: 401, Host: "api.example.com", Token: "f00d",
	Sink: "vault.main", Location: "secret/shop/sagi", From: "account.sagi.tea",
}

func numbered(i int) audit.Event {
	ev := full
	ev.ID = fmt.Sprint(i)
	return ev
}

func record(t *testing.T, to audit.Recorder, ev audit.Event) {
	t.Helper()
	if err := to.Record(ev); err != nil {
		t.Fatal(err)
	}
}

// lines decodes a trail, of which every line must be whole.
func lines(t *testing.T, path string) []map[string]any {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		var v map[string]any
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatalf("line %d of %s is not JSON: %q", len(all)+1, path, s.Text())
		}
		all = append(all, v)
	}
	return all
}

func TestLineHasExactlyTheDocumentedFields(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	trail := audit.NewFile(path)
	record(t, trail, full)
	record(t, trail, audit.Event{Time: full.Time})
	whole, empty := lines(t, path)[0], lines(t, path)[1]
	var documented []string
	for _, f := range audit.Fields() {
		documented = append(documented, f.Name)
		if whole[f.Name] == nil {
			t.Errorf("%s is null though the event has it", f.Name)
		}
		if got := empty[f.Name] == nil; got != f.Null {
			t.Errorf("%s of an empty event: null is %t, documented is %t", f.Name, got, f.Null)
		}
		if kind := strings.TrimSuffix(fmt.Sprintf("%T", whole[f.Name]), "64"); strings.ReplaceAll(kind, "float", "number") != f.Type {
			t.Errorf("%s is a %s, documented as %s", f.Name, kind, f.Type)
		}
		if text, ok := whole[f.Name].(string); ok && f.Words != nil && !slices.Contains(f.Words, text) {
			t.Errorf("%s is %q, which is not among the documented words", f.Name, text)
		}
	}
	slices.Sort(documented)
	if got := slices.Sorted(maps.Keys(whole)); !slices.Equal(got, documented) {
		t.Errorf("a line has %v, documented are %v", got, documented)
	}
	if whole["time"] != "2026-03-01T07:00:00.000000005Z" {
		t.Errorf("time %v", whole["time"])
	}
}

func TestDocumentedFieldsAreThoseOfTheTable(t *testing.T) {
	b, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), audit.Table()) {
		t.Errorf("docs/audit.md does not have the table of fields as it is; it should be:\n%s", audit.Table())
	}
	for _, a := range audit.Actions {
		if !strings.Contains(string(b), "| `"+string(a)+"` |") {
			t.Errorf("docs/audit.md does not describe the action %s", a)
		}
	}
}

func TestFileIsPrivateAndOnlyAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	record(t, audit.NewFile(path), numbered(1))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	record(t, audit.NewFile(path), numbered(2))
	after, _ := os.ReadFile(path)
	if !bytes.HasPrefix(after, before) || len(lines(t, path)) != 2 {
		t.Errorf("%q became %q", before, after)
	}
}

func TestNothingIsMadeBeforeThereIsAnEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	trail := audit.NewFile(path)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made though nothing was recorded")
	}
	if err := trail.Close(); err != nil {
		t.Error(err)
	}
}

// writerVariable makes this test program one of several processes that write
// to one trail.
const writerVariable = "AUDIT_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		trail := audit.NewFile(path)
		for i := range 100 {
			if err := trail.Record(numbered(os.Getpid()*1000 + i)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSeveralProcessesShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var writers []*exec.Cmd
	for range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerVariable+"="+path)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, cmd)
	}
	for _, cmd := range writers {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[any]bool{}
	for _, l := range lines(t, path) {
		seen[l["id"]] = true
	}
	if len(seen) != 400 {
		t.Errorf("%d lines of 400 are there", len(seen))
	}
}

// As logrotate does: the file is renamed away while it is written to.
func TestRotationLosesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	trail := audit.NewFile(path)
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := trail.Record(numbered(w*each + i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	rotations := 0
	for done := false; !done; {
		select {
		case <-finished:
			done = true
		default:
			if rotations == 20 {
				<-finished
			} else if os.Rename(path, fmt.Sprintf("%s.%d", path, rotations)) == nil {
				rotations++
			}
		}
	}
	record(t, trail, numbered(writers*each))
	seen := map[any]bool{}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, l := range lines(t, f) {
			seen[l["id"]] = true
		}
	}
	if len(seen) != writers*each+1 || rotations == 0 {
		t.Errorf("%d lines of %d are there after %d rotations", len(seen), writers*each+1, rotations)
	}
	if last := lines(t, path); last[len(last)-1]["id"] != fmt.Sprint(writers*each) {
		t.Error("a line went into a file that was rotated away")
	}
}

func TestLineAfterATornOneIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"type":"audit","ti`), 0o600); err != nil {
		t.Fatal(err)
	}
	record(t, audit.NewFile(path), numbered(7))
	b, _ := os.ReadFile(path)
	_, second, _ := strings.Cut(string(b), "\n")
	var l map[string]any
	if err := json.Unmarshal([]byte(second), &l); err != nil || l["id"] != "7" {
		t.Errorf("the trail is %q", b)
	}
}

// The size of a file can be seen to grow while another process writes a line, so
// that a whole one looks torn for a moment.
func TestLineThatAnotherProcessIsWritingIsNotTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"id":"theirs",`), 0o600); err != nil {
		t.Fatal(err)
	}
	waited := 0
	defer audit.SetPause(func(time.Duration) {
		if waited++; waited == 2 {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString(`"type":"audit"}` + "\n"); err != nil {
				t.Fatal(err)
			}
		}
	})()
	record(t, audit.NewFile(path), numbered(7))
	if all := lines(t, path); len(all) != 2 || all[0]["id"] != "theirs" || all[1]["id"] != "7" {
		t.Errorf("the trail is %v", all)
	}
}

func TestErrorsSayWhereAndWhy(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	posixfile.MakePipe(t, pipe)
	missing := filepath.Join(t.TempDir(), "missing", "audit.jsonl")
	for path, want := range map[string]string{
		"/dev/full": "no space left on device",
		missing:     "no such file or directory",
		pipe:        "no such device or address", // nobody reads it
		t.TempDir(): "is a directory",
	} {
		err := audit.NewFile(path).Record(full)
		if err == nil || err.Error() != "the audit trail "+path+" cannot be written: "+want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A disk that was full is written to again once there is room.
func TestTrailGoesOnAfterATrouble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "audit.jsonl")
	trail := audit.NewFile(path)
	if trail.Record(full) == nil {
		t.Fatal("recorded into a directory that is not there")
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	record(t, trail, numbered(1))
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	record(t, trail, numbered(2))
	if n := len(lines(t, path)); n != 2 {
		t.Errorf("%d lines", n)
	}
}

func TestStreamTakesWholeLines(t *testing.T) {
	var b bytes.Buffer
	s := audit.NewStream(&b, "standard error")
	record(t, s, numbered(1))
	record(t, s, numbered(2))
	if got := bytes.Count(b.Bytes(), []byte("\n")); got != 2 {
		t.Errorf("%q", b.String())
	}
	err := audit.NewStream(broken{}, "standard error").Record(full)
	if err == nil || err.Error() != "the audit trail cannot be written to standard error: file already closed" {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stderr", Err: os.ErrClosed}
}

// BenchmarkRecord shows what sharing a flush is worth: compare it at
// parallelism 1 with 16.
func BenchmarkRecord(b *testing.B) {
	for _, at := range []int{1, 16} {
		b.Run(fmt.Sprint("at once ", at), func(b *testing.B) {
			trail := audit.NewFile(filepath.Join(b.TempDir(), "audit.jsonl"))
			b.SetParallelism(at)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := trail.Record(full); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
