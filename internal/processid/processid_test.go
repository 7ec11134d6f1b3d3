package processid_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/processid"
)

func TestThisProcessRuns(t *testing.T) {
	me := processid.NewIdentity()
	if got := processid.WhereIs(me); got != processid.Running && got != processid.Elsewhere {
		t.Errorf("this process, %s, is %d", me, got)
	}
	if me == processid.NewIdentity() {
		t.Error("two identities are the same")
	}
}

// A process is certainly gone only where it would be seen: on this machine,
// under this boot, in this process namespace.
func TestWhereabouts(t *testing.T) {
	me := strings.Split(processid.NewIdentity(), "/")
	if me[1] == "" {
		t.Log("this system does not tell processes apart")
	}
	with := func(i int, value string) string {
		parts := append([]string{}, me...)
		parts[i] = value
		return strings.Join(parts, "/")
	}
	gone := processid.Gone
	if me[1] == "" {
		gone = processid.Elsewhere
	}
	for identity, want := range map[string]processid.Whereabouts{
		with(3, "1"):                gone, // the pid is used again
		with(1, "other-boot.ns"):    processid.Elsewhere,
		with(2, "no pid"):           processid.Elsewhere,
		with(3, ""):                 processid.Elsewhere,
		"a/b/c":                     processid.Elsewhere,
		strings.Join(me, "/") + "/": processid.Elsewhere,
	} {
		if got := processid.WhereIs(identity); got != want {
			t.Errorf("%q is %d, want %d", identity, got, want)
		}
		if processid.MayRun(identity) != (want != processid.Gone) {
			t.Errorf("MayRun(%q) does not go with its whereabouts", identity)
		}
	}
}

func TestProcessesAreDescribedForPeople(t *testing.T) {
	for identity, want := range map[string]string{
		"build-7/boot.ns/4711/99/ABCDEFGH": "process 4711 on build-7",
		"something else":                   "something else",
	} {
		if got := processid.Describe(identity); got != want {
			t.Errorf("%q is %q, want %q", identity, got, want)
		}
	}
}
