package process_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/process"
)

func TestThisProcessRuns(t *testing.T) {
	me := process.NewIdentity()
	if got := process.WhereIs(me); got != process.Running && got != process.Elsewhere {
		t.Errorf("this process, %s, is %d", me, got)
	}
	if me == process.NewIdentity() {
		t.Error("two identities are the same")
	}
}

// A process is certainly gone only where it would be seen: on this machine,
// under this boot, in this process namespace.
func TestWhereabouts(t *testing.T) {
	me := strings.Split(process.NewIdentity(), "/")
	if me[1] == "" {
		t.Log("this system does not tell processes apart")
	}
	with := func(i int, value string) string {
		parts := append([]string{}, me...)
		parts[i] = value
		return strings.Join(parts, "/")
	}
	gone := process.Gone
	if me[1] == "" {
		gone = process.Elsewhere
	}
	for identity, want := range map[string]process.Whereabouts{
		with(3, "1"):                gone, // the pid is used again
		with(1, "other-boot.ns"):    process.Elsewhere,
		with(2, "no pid"):           process.Elsewhere,
		with(3, ""):                 process.Elsewhere,
		"a/b/c":                     process.Elsewhere,
		strings.Join(me, "/") + "/": process.Elsewhere,
	} {
		if got := process.WhereIs(identity); got != want {
			t.Errorf("%q is %d, want %d", identity, got, want)
		}
		if process.MayRun(identity) != (want != process.Gone) {
			t.Errorf("MayRun(%q) does not go with its whereabouts", identity)
		}
	}
}

func TestProcessesAreDescribedForPeople(t *testing.T) {
	for identity, want := range map[string]string{
		"build-7/boot.ns/4711/99/ABCDEFGH": "process 4711 on build-7",
		"something else":                   "something else",
	} {
		if got := process.Describe(identity); got != want {
			t.Errorf("%q is %q, want %q", identity, got, want)
		}
	}
}
