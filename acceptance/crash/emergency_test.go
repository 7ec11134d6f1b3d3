package crash

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/state"
)

// emergencyDir is where the program puts emergency files, in the world's
// directory.
const emergencyDir = "emergency"

// outage is whether the state goes away in the middle of an action: its
// directory is another one from the moment at which the upstream has a request.
type outage int

const (
	none outage = iota
	// passes brings it back once the emergency file is written.
	passes
	// lasts has the run told to stop then.
	lasts
)

// emergencies are the actions in which a token goes to an emergency file, and
// those that bring it back.
func emergencies() []action {
	issues := func(p provider) bool { return !p.static }
	asked := func(w *world) {
		due(w)
		action{outage: lasts}.must(w)
	}
	codeSent := func(w *world) { w.must(0, "login", w.p.address("a"), "--send-only") }
	enterCode := func(w *world) []string {
		return []string{"login", w.p.account.Upstream + ".a", "--code", w.box.LastCode(w.p.account.Upstream, w.p.account.Name)}
	}
	return []action{
		{name: "issue while the state is away", whole: true, of: issues, outage: passes, inFiles: true, soak: true},
		{name: "rotate while the state is away", whole: true, of: issues, prepare: due, outage: lasts, inFiles: true},
		{name: "enter a code while the state is away", ends: 3, code: true, of: func(p provider) bool { return p.codes }, account: secondFactor,
			prepare: codeSent, args: enterCode, outage: lasts, inFiles: true},
		{name: "bring a token back", whole: true, of: issues, prepare: asked, inFiles: true},
		{
			name:    "bring back the token of a code",
			whole:   true,
			of:      func(p provider) bool { return p.codes },
			account: secondFactor,
			inFiles: true,
			soak:    true,
			prepare: func(w *world) {
				codeSent(w)
				action{outage: lasts, args: enterCode}.must(w)
			}},
		{name: "recover", whole: true, of: issues, prepare: asked, inFiles: true, args: func(w *world) []string {
			return []string{"state", "recover", w.emergencyFiles()[0]}
		}},
	}
}

// must has the action end with its token in an emergency file.
func (a action) must(w *world) {
	w.t.Helper()
	if code, out, _ := a.perform(w); code != 1 || len(w.rescued()) != 1 {
		w.t.Fatalf("the run without a state ended with %d and %d emergency files:\n%s", code, len(w.rescued()), out)
	}
}

// perform runs the action's command.
func (a action) perform(w *world, env ...string) (code int, output string, killed bool) {
	w.t.Helper()
	args := a.command(w)
	if a.outage == none {
		return w.run(env, args...)
	}
	defer w.box.OnReceived(sync.OnceFunc(w.takeStateAway))()
	code, output, killed = w.runBeside(func(ctx context.Context, p *os.Process) {
		switch {
		case !w.awaitEmergencyFile(ctx):
		case a.outage == passes:
			w.bringStateBack()
		default:
			// It may have been killed meanwhile.
			_ = p.Signal(syscall.SIGTERM)
		}
	}, env, args...)
	w.bringStateBack()
	return code, output, killed
}

func (w *world) statePaths() (here, away string) {
	return filepath.Join(w.dir, ".credsync"), filepath.Join(w.dir, "away")
}

// takeStateAway puts a file where the directory of the state was, so that
// nothing can be made in it, be it by root.
func (w *world) takeStateAway() {
	here, away := w.statePaths()
	if err := errors.Join(os.Rename(here, away), os.WriteFile(here, nil, 0o600)); err != nil {
		w.t.Errorf("take the state away: %v", err)
	}
}

// bringStateBack does nothing where it is there.
func (w *world) bringStateBack() {
	here, away := w.statePaths()
	if _, err := os.Stat(away); errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := errors.Join(os.Remove(here), os.Rename(away, here)); err != nil {
		w.t.Errorf("bring the state back: %v", err)
	}
}

// awaitEmergencyFile reports whether there was a whole one before the context
// ended.
func (w *world) awaitEmergencyFile(ctx context.Context) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(w.rescued()) == 0 {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

func (w *world) emergencyFiles() []string {
	files, err := filepath.Glob(filepath.Join(w.dir, emergencyDir, "*"))
	if err != nil {
		w.t.Error(err)
	}
	return files
}

// rescued are the records in whole emergency files.
func (w *world) rescued() []*state.Record {
	var list []*state.Record
	for _, file := range w.emergencyFiles() {
		b, err := os.ReadFile(file)
		if err != nil {
			// It has just been removed.
			continue
		}
		if r, err := state.Decode(credential.NewSecret(string(b))); err == nil {
			list = append(list, r)
		}
	}
	return list
}
