package crash

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/build"
)

// program is credsync, built with its crash points.
var program string

func TestMain(m *testing.M) {
	os.Exit(build.Main(m, &program, "-tags", "crashpoints", "-ldflags", "-s -w"))
}

// firstName is what the account is called at first.
const firstName = "a"

// world is a directory with a configuration, and the upstreams it names.
type world struct {
	t   *testing.T
	p   provider
	at  storage
	dir string
	box *sandbox.Sandbox
	// ahead is how far all clocks are.
	ahead time.Duration
	// The parts of the configuration.
	noAccount, deletes, watched, revokes bool
	// name is the account's, second that of another one of another login, where there
	// is one, and more what stands beside them.
	name, second, more string
	secret             string
	// stateBefore has the state in a directory of that name, before it is migrated.
	stateBefore string
	// hook is what the notify block calls.
	hook webhook
	// chainBroken says that the newest token of a chain was lost with its answer.
	chainBroken bool
	// torn is how many lines of the audit trail are not whole.
	torn int
}

func newWorld(t *testing.T, at storage, p provider, a action) *world {
	w := &world{
		t:       t,
		p:       p,
		at:      at,
		dir:     t.TempDir(),
		box:     sandbox.New(sandbox.Options{}),
		name:    firstName,
		secret:  p.secret,
		deletes: a.deletes,
		watched: a.watched,
		revokes: a.revokes,
	}
	if err := w.box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.box.Close() })
	account := p.account
	if a.account != nil {
		a.account(&account)
	}
	if err := w.box.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	if !p.static {
		account.Name = w.secondLogin()
		if account.Token != "" {
			account.Token = w.secondSecret()
		}
		if err := w.box.SetAccount(account); err != nil {
			t.Fatal(err)
		}
	}
	w.hook.start(t)
	at.begin(w)
	return w
}

func (w *world) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
		os.WriteFile(path, []byte(content), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return string(b)
}

// configuration has one account with two targets: one of its own, and keys in
// one that has others.
func (w *world) configuration() string {
	text := w.at.sink() + w.at.state()
	if w.stateBefore != "" {
		text = w.at.sink() + fmt.Sprintf("state \"file\" {\n  path = %q\n}\n", w.stateBefore)
	}
	if w.watched {
		text += w.hook.blocks()
	}
	if w.revokes {
		text += w.p.revoking
	} else {
		text += w.p.description
	}
	if w.noAccount {
		return text
	}
	text += w.accountBlock(w.name, w.p.attributes, w.secret, w.at.deliver())
	if w.second != "" {
		login := strings.NewReplacer(fmt.Sprintf("= %q", w.p.account.Name), fmt.Sprintf("= %q", w.secondLogin())).
			Replace(w.p.attributes)
		text += w.accountBlock(
			w.second,
			login,
			w.secondSecret(),
			strings.NewReplacer(`"own`, `"second`, "TOKEN", "SECOND").Replace(w.at.deliver()),
		)
	}
	return text + w.more
}

// secondLogin is the login of the second account; like some, it is of digits.
func (w *world) secondLogin() string {
	return w.p.account.Name[:len(w.p.account.Name)-1] + "8"
}

// secondSecret is what the second account proves itself by: its own where that is a token.
func (w *world) secondSecret() string {
	if w.p.account.Token != "" {
		return w.p.account.Token + "8"
	}
	return w.secret
}

func (w *world) accountBlock(name, attributes, secret, deliver string) string {
	remove := "retain"
	if w.deletes {
		remove = "delete"
	}
	attributes = strings.NewReplacer("$URL", w.box.URL(w.p.account.Upstream), "$SECRET", strings.ReplaceAll(secret, "\n", `\n`)).
		Replace(attributes)
	return fmt.Sprintf(`
account %q %q {
  %s
  on_remove = %q
  %s
}
`, cmp.Or(w.p.kind, w.p.account.Upstream), name, attributes, remove, deliver)
}

// run runs the program, and returns how it ended.
func (w *world) run(env []string, args ...string) (code int, output string, killed bool) {
	w.t.Helper()
	return w.runBeside(func(context.Context, *os.Process) {}, env, args...)
}

// runBeside runs the program, and beside it a function, until both have ended;
// its context ends with the program.
func (w *world) runBeside(
	beside func(context.Context, *os.Process),
	env []string,
	args ...string,
) (code int, output string, killed bool) {
	w.t.Helper()
	w.write("main.hcl", w.configuration())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = w.dir
	cmd.Env = append(
		append(
			os.Environ(),
			"CREDSYNC_CRASHPOINTS_CLOCK="+w.ahead.String(),
			"CREDSYNC_EMERGENCY_DIR="+filepath.Join(w.dir, emergencyDir),
		),
		append(w.at.env(), env...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	atWork, ended := context.WithCancel(ctx)
	var side sync.WaitGroup
	side.Go(func() { beside(atWork, cmd.Process) })
	err := cmd.Wait()
	ended()
	side.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if ctx.Err() != nil {
		w.t.Fatalf("credsync %s did not end in a minute:\n%s", args, &out)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return cmd.ProcessState.ExitCode(), out.String(), status.Signaled() && status.Signal() == syscall.SIGKILL
}

// must runs the program and wants it to end with that code.
func (w *world) must(code int, args ...string) string {
	w.t.Helper()
	got, out, _ := w.run(nil, args...)
	if got != code {
		w.t.Fatalf("credsync %s ended with %d, not %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// advance moves the clocks of all.
func (w *world) advance(d time.Duration) {
	w.ahead += d
	w.box.Advance(d)
}

// record returns the account's record, or that which it had under its first name,
// or nil.
func (w *world) record() *state.Record {
	w.t.Helper()
	if r := w.recordOf(w.name); r != nil {
		return r
	}
	return w.recordOf(firstName)
}

// recordOf returns the record of the account of a name, or nil.
func (w *world) recordOf(name string) *state.Record {
	w.t.Helper()
	return w.decode(w.at.record(w, name))
}

// recordBefore is the account's where the state was before it is migrated, or nil.
func (w *world) recordBefore() *state.Record {
	w.t.Helper()
	return w.decode(w.object(filepath.Join(before, recordOf(w, w.name)+".json"))["record"])
}

func (w *world) decode(text string) *state.Record {
	w.t.Helper()
	if text == "" {
		return nil
	}
	r, err := state.Decode(credential.NewSecret(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// leftovers are the files that should not be there: an unfinished one must be as
// well kept as what it would have become, until the next write in its directory
// removes it.
func (w *world) leftovers() []string {
	var list []string
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		open := strings.Contains(d.Name(), "tmp") && info.Mode().Perm() != 0o600
		if open || strings.Contains(d.Name(), "emergency-") {
			list = append(list, path)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// asked is how often the upstream was asked for a token, be it given or not.
func (w *world) asked() (logins, refreshes int) {
	c := w.box.Counters(w.p.account.Upstream, w.p.account.Name)
	if w.p.static {
		return c.Verifications.Received, 0
	}
	return c.Logins.Received, c.Refreshes.Received
}

// newest returns the last access token and refresh token that the upstream
// handed out, alive or not; "" for none.
func (w *world) newest() (access, refresh sandbox.IssuedToken) {
	for _, t := range w.box.Tokens(w.p.account.Upstream, w.p.account.Name) {
		if t.Refresh {
			refresh = t
		} else {
			access = t
		}
	}
	return access, refresh
}

// knows reports whether the state, or an emergency file, has those tokens.
func (w *world) knows(access, refresh string) bool {
	if strings.Contains(w.more, access) && strings.Contains(w.more, refresh) {
		return true // it is in an import block
	}
	if access == w.p.secret {
		return true // it is the configured one
	}
	known := append(w.rescued(), w.recordOf(w.name), w.recordOf(firstName))
	for _, r := range known {
		if r != nil && r.Parked != nil {
			known = append(known, r.Parked)
		}
	}
	for _, r := range append(known, w.recordBefore()) {
		if r != nil && slices.ContainsFunc([]*state.Grant{r.Pending, r.Current}, func(g *state.Grant) bool {
			return g != nil && g.Token.Access.Reveal() == access && g.Token.Refresh.Reveal() == refresh
		}) {
			return true
		}
	}
	return false
}

// hasToken reports the same of any token.
func (w *world) hasToken() bool {
	r := w.record()
	return r != nil && r.Newest() != nil || len(w.rescued()) > 0
}
