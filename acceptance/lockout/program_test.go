//go:build acceptance

package lockout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/build"
	"github.com/credsync/credsync/testkit/output"
	"github.com/credsync/credsync/testkit/servers"
)

// credsync is the path of the built program.
var credsync string

func TestMain(m *testing.M) { os.Exit(build.Main(m, &credsync)) }

// refusedAccount is an account of the program's configuration that is turned down.
type refusedAccount struct {
	upstream, label string
	// account is the sandbox's.
	account sandbox.Account
	// attributes of the block; $SECRET is what is changed later.
	attributes string
	reason     string
	// attempts that any number of applies make, and that each lift allows.
	attempts int
}

// refusedWorkspace is a directory with a configuration of accounts that are all refused,
// and one that is not, by which it is seen that work goes on.
type refusedWorkspace struct {
	// changes is how often the accounts got secrets that they had not had before.
	changes  int
	t        *testing.T
	dir      string
	box      *sandbox.Sandbox
	accounts []refusedAccount
	env      []string
	// blocks are the state's; secrets are by label, the first ones where empty.
	blocks  string
	secrets map[string]string
}

func newRefusedWorkspace(t *testing.T) *refusedWorkspace {
	d := &refusedWorkspace{
		t:       t,
		dir:     t.TempDir(),
		box:     sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()}),
		secrets: map[string]string{},
	}
	for _, start := range []func(string) error{d.box.Start, d.box.StartTLS} {
		if err := start("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if v := d.box.Violations(); len(v) > 0 {
			t.Errorf("the upstream saw what its document does not allow: %s", strings.Join(v, "; "))
		}
		_ = d.box.Close()
	})
	d.accounts = d.refused()
	for _, r := range d.accounts {
		r.account.Upstream = r.upstream
		if err := d.box.SetAccount(r.account); err != nil {
			t.Fatal(err)
		}
	}
	d.box.Update("sagi", accounts["sagi"], func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(10 * time.Second) })
	return d
}

func (d *refusedWorkspace) refused() []refusedAccount {
	branches := &sandbox.SagiAccount{OrganizationID: "1", Branches: []sandbox.SagiBranch{{ID: "1", GroupID: "7"}}}
	licensed := *branches
	licensed.LicenseKey = "valid"
	outdated, expired := d.certificate("outdated", time.Now().AddDate(1, 0, 0)), d.certificate("expired", time.Now().Add(-time.Hour))
	byCertificate := func(pair [2]string) string {
		return fmt.Sprintf("certificate {\n    cert_pem = %q\n    key_pem = %q\n  }\n  http {\n    ca_pem = %q\n    headers = { X-Ticket = $SECRET }\n  }", pair[0], pair[1], d.box.CAPEM())
	}
	return []refusedAccount{
		{
			upstream: "sagi", label: "password", account: sandbox.Account{Name: "password", Password: "right", Sagi: branches},
			attributes: "phone = \"password\"\n  password = $SECRET", reason: "credentials_rejected", attempts: 1,
		},
		{
			upstream: "sagi", label: "licence", account: sandbox.Account{Name: "licence", Password: "right", Sagi: &licensed},
			attributes: "phone = \"licence\"\n  password = \"right\"\n  license_key = $SECRET", reason: "credentials_rejected", attempts: 1,
		},
		{
			upstream: "sagi", label: "blocked", account: sandbox.Account{Name: "blocked", Password: "right", Locked: true, Sagi: branches},
			attributes: "phone = \"blocked\"\n  password = $SECRET", reason: "no_access", attempts: 1,
		},
		{
			upstream: "bereke", label: "locked", account: sandbox.Account{Name: "locked", Password: "right", Locked: true,
				Bereke: &sandbox.BerekeAccount{}},
			attributes: "username = \"locked\"\n  password = $SECRET\n  public_key_url = \"$URL/auth/public-key\"", reason: "account_locked", attempts: 1,
		},
		{
			upstream: "astana_plat", label: "outdated", account: sandbox.Account{Name: "outdated",
				AstanaPlat: &sandbox.AstanaPlatAccount{Certificate: "outdated", Refusal: sandbox.AstanaOutdated}},
			attributes: byCertificate(outdated), reason: "certificate_expired", attempts: 1,
		},
		{
			upstream: "astana_plat", label: "expired", account: sandbox.Account{Name: "expired",
				AstanaPlat: &sandbox.AstanaPlatAccount{Certificate: "expired"}},
			attributes: byCertificate(expired), reason: "certificate_expired", attempts: 0,
		},
		{
			upstream: "bifit_kassa", label: "code", account: sandbox.Account{Name: "79000000001", Password: "right",
				BifitKassa: &sandbox.BifitKassaAccount{UserID: "1", SecondFactor: true}},
			attributes: "username = \"79000000001\"\n  password = \"right\"\n  http {\n    headers = { X-Ticket = $SECRET }\n  }", reason: "needs_code", attempts: 1,
		},
		{
			// A token that nobody has is counted apart.
			upstream: "invoicebox", label: "token", account: sandbox.Account{Name: "token", Token: strings.Repeat("a", 32),
				Invoicebox: &sandbox.InvoiceboxAccount{}},
			attributes: "token = sha256($SECRET)", reason: "credentials_rejected", attempts: 1,
		},
	}
}

func (d *refusedWorkspace) certificate(name string, until time.Time) [2]string {
	cert, key, err := d.box.IssueCertificate(
		sandbox.ClientCertificate{CommonName: name, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until},
	)
	if err != nil {
		d.t.Fatal(err)
	}
	return [2]string{cert, key}
}

// write writes the configuration, whole or not at all.
func (d *refusedWorkspace) write() {
	d.t.Helper()
	var b strings.Builder
	b.WriteString("sink \"file\" \"out\" { dir = \"out\" }\n" + d.blocks)
	for _, r := range d.accounts {
		base := d.box.URL(r.upstream)
		if r.upstream == "astana_plat" {
			base = d.box.TLSURL(r.upstream)
		}
		secret := d.secrets[r.label]
		if secret == "" {
			secret = "first"
		}
		text := strings.NewReplacer("$SECRET", fmt.Sprintf("%q", secret), "$URL", base).Replace(r.attributes)
		fmt.Fprintf(&b, "account %q %q {\n  base_url = %q\n  %s\n  deliver \"file\" \"out\" { path = \"%s.json\" }\n}\n", r.upstream, r.label, base, text, r.label)
	}
	fmt.Fprintf(&b, "account \"sagi\" \"good\" {\n  base_url = %q\n  phone = %q\n  password = %q\n  rotate_before = \"5s\"\n  deliver \"file\" \"out\" { path = \"good.json\" }\n}\n",
		d.box.URL("sagi"), accounts["sagi"], right["sagi"])
	path := filepath.Join(d.dir, "main.hcl")
	if err := errors.Join(os.WriteFile(path+".new", []byte(b.String()), 0o600), os.Rename(path+".new", path)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *refusedWorkspace) command(args ...string) *exec.Cmd {
	cmd := exec.Command(credsync, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), d.env...)
	return cmd
}

// must runs the program and wants it to end with that code.
func (d *refusedWorkspace) must(code int, args ...string) string {
	d.t.Helper()
	out, err := d.command(args...).CombinedOutput()
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	if got != code {
		d.t.Errorf("credsync %s ended with %d, want %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

var apply = []string{"apply", "--auto-approve"}

// applies runs so many applies by each of several runners at once.
func (d *refusedWorkspace) applies(each int) {
	d.t.Helper()
	var work sync.WaitGroup
	for range runners {
		work.Go(func() {
			for range each {
				if out := d.must(3, apply...); d.t.Failed() {
					d.t.Log(out)
					return
				}
			}
		})
	}
	work.Wait()
}

// asked is how often the upstream was asked to let an account in.
func (d *refusedWorkspace) asked(r refusedAccount) int {
	if r.upstream == "invoicebox" {
		return attempts(r.upstream, d.box.Counters(r.upstream, ""))
	}
	return attempts(r.upstream, d.box.Counters(r.upstream, r.account.Name))
}

// counted wants each account to have been asked for so many times its attempts.
func (d *refusedWorkspace) counted(times int, after string) {
	d.t.Helper()
	for _, r := range d.accounts {
		if got, want := d.asked(r), d.promised(r, times); got != want {
			d.t.Errorf("after %s the upstream counted %d attempts of %s, want %d", after, got, r.label, want)
		}
		if codes := d.box.Counters(r.upstream, r.account.Name).Codes.Received; codes != 0 {
			d.t.Errorf("after %s %d codes had been sent to %s", after, codes, r.label)
		}
	}
}

// promised is how often the upstream is asked for an account that so many logins were
// called for. A header is no part of a login: another one calls for none.
func (d *refusedWorkspace) promised(r refusedAccount, times int) int {
	if strings.Contains(r.attributes, "X-Ticket") {
		times -= d.changes
	}
	return times * r.attempts
}

// change gives all accounts another secret.
func (d *refusedWorkspace) change(secret string) {
	if secret != "first" {
		d.changes++
	}
	for _, r := range d.accounts {
		d.secrets[r.label] = secret
	}
	d.write()
}

// manyProcesses is the promise with the program itself.
func manyProcesses(t *testing.T, d *refusedWorkspace, each int) {
	d.write()
	d.applies(each)
	d.counted(1, "all applies")
	status := d.must(0, "status", "--json")
	for _, r := range d.accounts {
		if !strings.Contains(status, fmt.Sprintf("%q", r.reason)) {
			t.Errorf("status does not give %s as a reason:\n%s", r.reason, status)
		}
	}

	d.change("second")
	d.applies(2)
	d.counted(2, "a change of every account's credentials")
	d.change("first")
	d.applies(2)
	d.counted(2, "the change back")

	args := apply
	for _, r := range d.accounts {
		args = append([]string{"--replace", r.upstream + "." + r.label}, args...)
	}
	d.must(3, args...)
	d.counted(3, "--replace")
	d.applies(1)
	d.counted(3, "applies behind --replace")
	d.loginEach()
}

// loginEach lifts each refusal by credsync login; the account that wants a code
// has one sent, and wrong ones entered.
func (d *refusedWorkspace) loginEach() {
	d.t.Helper()
	for _, r := range d.accounts {
		address, before := r.upstream+"."+r.label, d.asked(r)
		if r.reason != "needs_code" {
			d.must(3, "login", address)
			d.applies(1)
			if got := d.asked(r) - before; got != r.attempts {
				d.t.Errorf("login and the applies behind it made %d attempts of %s, want %d", got, r.label, r.attempts)
			}
			continue
		}
		d.must(0, "login", address, "--send-only")
		for n := 1; n <= 3; n++ {
			d.must(3, "login", address, "--code", "wrong")
			d.applies(1)
			c := d.box.Counters(r.upstream, r.account.Name)
			if got := attempts(r.upstream, c) - before; got != n || c.Codes.Received != 1 {
				d.t.Errorf("after wrong code %d the upstream counted %d attempts and had sent %d codes, want %d and 1", n, got, c.Codes.Received, n)
			}
		}
		d.must(0, "login", address, "--code", d.box.LastCode(r.upstream, r.account.Name))
	}
}

func TestManyProcessesMakeOneAttemptPerRefusal(t *testing.T) {
	manyProcesses(t, newRefusedWorkspace(t), 25)
}

func TestManyProcessesMakeOneAttemptPerRefusalWithTheStateInVault(t *testing.T) {
	server := servers.Vault(t)
	d := newRefusedWorkspace(t)
	d.env = []string{"VAULT_ADDR=" + server.Address, "VAULT_TOKEN=" + server.RootToken}
	d.blocks = "sink \"vault\" \"main\" {}\nstate \"vault\" \"main\" { path = \"state\" }\n"
	d.write()
	d.applies(5)
	d.counted(1, "all applies")
	d.change("second")
	d.applies(1)
	d.change("first")
	d.applies(1)
	d.counted(2, "a change of every account's credentials, and the change back")
}

// daemon is credsync run at work.
type daemon struct {
	*refusedWorkspace
	cmd   *exec.Cmd
	ended chan error
	log   output.Buffer
}

func (d *refusedWorkspace) run() *daemon {
	d.t.Helper()
	r := &daemon{refusedWorkspace: d, ended: make(chan error, 1)}
	r.cmd = d.command("run", "--check-every", "1s")
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() { r.ended <- r.cmd.Wait() }()
	d.t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

func (r *daemon) await(what string, there func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if there() {
			return
		}
	}
	r.t.Fatalf("after two minutes there is not %s; the log:\n%s", what, r.log.String())
}

// looks waits until the daemon has looked at everything so many times more, as
// the account shows that is in order: its token is checked at each look.
func (r *daemon) looks(n int) {
	r.t.Helper()
	seen := func() int { return r.box.Counters("sagi", accounts["sagi"]).Verifications.Accepted }
	want := seen() + n
	r.await(fmt.Sprintf("look %d", n), func() bool { return seen() >= want })
}

func (r *daemon) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-ctx.Done():
		r.t.Fatal("the daemon does not stop")
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("the daemon ended with %d:\n%s", code, r.log.String())
	}
}

// A daemon looks at each account every second, replaces a token of seconds, and
// makes one attempt of each account that is refused, also with applies beside
// it and after it was started again. A reload with other credentials lifts each
// refusal once.
func TestDaemonMakesOneAttemptPerRefusal(t *testing.T) {
	daemons(t, 5)
}

func daemons(t *testing.T, looks int) {
	d := newRefusedWorkspace(t)
	d.write()
	r := d.run()
	r.awaitAll(1)
	r.looks(looks)
	d.counted(1, "many looks")
	d.applies(1)
	r.stop()
	r = d.run()
	r.looks(looks)
	d.counted(1, "another start")

	d.change("second")
	r.awaitAll(2)
	r.looks(looks)
	d.counted(2, "a reload with other credentials")
	reloads := strings.Count(r.log.String(), "configuration reloaded")
	d.change("first")
	r.await("a reload", func() bool { return strings.Count(r.log.String(), "configuration reloaded") > reloads })
	r.looks(looks)
	d.counted(2, "a reload with the first ones")
	r.stop()
}

// awaitAll waits for the attempts that are promised; more would come later.
func (r *daemon) awaitAll(times int) {
	r.t.Helper()
	for _, a := range r.accounts {
		want := r.promised(a, times)
		r.await(fmt.Sprintf("%d attempts of %s", want, a.label), func() bool { return r.asked(a) >= want })
	}
}
