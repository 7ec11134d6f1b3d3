package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"credsync": func() {
		ctx, interruptions := newInterruptions(signalClock(), os.Exit)
		stop := interruptions.listen()
		code := run(ctx, os.Args[1:], environment{
			stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv,
			now: programClock(), interruptions: interruptions,
		})
		stop()
		os.Exit(code)
	}})
}

// The accounts of every script's sandbox, and what must never be shown.
const (
	login         = "business_user@example.com"
	password      = "secure_password"
	wrongPassword = "wr0ng-passw0rd"
	bankPassword  = "bank_password"
	apiToken      = "b37c4c689295904ed21eee5d9a48d42e"
)

// madeUp are the other secrets of that sandbox and of its scripts, or what they begin with.
var madeUp = []string{"loyalty_password", "client_password", "glpat-", "ghs_", "PRIVATE KEY"}

// The keys of a script's sandbox and clock.
type (
	sandboxKey struct{}
	clockKey   struct{}
)

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			c := newClock()
			s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), MaxHang: 5 * time.Second, Now: c.now})
			if err := s.Start("127.0.0.1:0"); err != nil {
				return err
			}
			env.Values[sandboxKey{}], env.Values[clockKey{}], env.Values[receiverKey{}] = s, c, &receiver{}
			env.Defer(func() { _ = s.Close() })
			if err := s.StartTLS("127.0.0.1:0"); err != nil {
				return err
			}
			examples, err := filepath.Abs("../../examples")
			if err != nil {
				return err
			}
			env.Setenv("COLUMNS", "80") // as a person sees it
			env.Setenv("EXAMPLES", examples)
			env.Setenv(beganVariable, c.String())
			env.Setenv(clockVariable, "0s")
			for _, name := range s.Upstreams() {
				env.Setenv("CREDSYNC_VAR_"+name+"_url", s.URL(name))
			}
			env.Setenv("SANDBOX_HOST", strings.TrimPrefix(s.URL(""), "http://"))
			env.Setenv("CREDSYNC_VAR_astana_plat_tls_url", s.TLSURL("astana_plat"))
			env.Setenv("CREDSYNC_VAR_invoicebox_token", apiToken)
			env.Setenv("CREDSYNC_VAR_sagi_phone", login)
			env.Setenv("CREDSYNC_VAR_sagi_password", password)
			env.Setenv("CREDSYNC_VAR_bereke_key_url", s.URL("bereke")+"/auth/public-key")
			// A program built with the race detector waits a second before it
			// exits, which scripts with many commands cannot afford.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "audit": auditCommand, "webhook": webhookCommand, "sandbox": sandboxCommand, "json": jsonCommand, "lines": linesCommand, "times": times,
			"mode": mode, "damage": damage, "lock": lock, "looks": looks, "interrupt": interrupt, "logs": logs, "served": served, "edit": edit,
		},
	})
}

func scriptSandbox(ts *testscript.TestScript) *sandbox.Sandbox {
	return ts.Value(sandboxKey{}).(*sandbox.Sandbox)
}

// scriptNow is the time of a script, wherever it has moved credsync's clock.
func scriptNow(ts *testscript.TestScript) time.Time { return ts.Value(clockKey{}).(clock).now() }

// exits CODE command args...: runs it, and checks the exit code and that no
// secret is in what it prints.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	noSecret(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
}

func noSecret(ts *testscript.TestScript, printed string) {
	for _, secret := range append([]string{password, wrongPassword, bankPassword, apiToken, "eyJ"}, madeUp...) {
		if strings.Contains(printed, secret) {
			ts.Fatalf("a secret was printed")
		}
	}
}

// times N CODE command args...: runs it that often.
func times(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for range n {
		exits(ts, neg, args[1:])
	}
}

// mode FILE 0600: checks a file's permissions.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// edit FILE OLD NEW: puts NEW in the place of OLD, which the file has once. \n is a line
// break in both.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	before, after := strings.ReplaceAll(args[1], `\n`, "\n"), strings.ReplaceAll(args[2], `\n`, "\n")
	if n := strings.Count(text, before); n != 1 {
		ts.Fatalf("%s has %q %d times", args[0], before, n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, before, after, 1)), 0o600))
}

// damage DIR: cuts the end off each file of a directory.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	entries, err := os.ReadDir(dir)
	ts.Check(err)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			ts.Check(os.Truncate(filepath.Join(dir, e.Name()), info.Size()/2))
		}
	}
}

// lock WHERE: leaves a lease for two minutes on the sagi account, held by a
// process that is "here", "gone" from here, or "elsewhere".
func lock(ts *testscript.TestScript, _ bool, args []string) {
	holder := processid.NewIdentity()
	switch args[0] {
	case "gone":
		parts := strings.Split(holder, "/")
		parts[3] = "1"
		holder = strings.Join(parts, "/")
	case "elsewhere":
		holder = "build-7/boot.ns/4711/99/ABCDEFGH"
	}
	// Whatever the project is: there is one record of the account.
	found, err := filepath.Glob(ts.MkAbs(filepath.Join(".credsync", "*--sagi-coffee-*.json")))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d records of account.sagi.coffee", len(found))
	}
	file := found[0]
	var content struct {
		Record string `json:"record"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &content))
	rec, err := state.Decode(credential.NewSecret(content.Record))
	ts.Check(err)
	rec.Lease = &state.Lease{Holder: holder, ExpiresAt: scriptNow(ts).Add(2 * time.Minute)}
	encoded, err := state.Encode(rec)
	ts.Check(err)
	content.Record = encoded.Reveal()
	b, err := json.Marshal(content)
	ts.Check(err)
	ts.Check(os.WriteFile(file, b, 0o600))
}

// signals are those that interrupt sends.
var signals = map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}

// interrupt SIGNALS CODE command args...: runs it, sends it signals, such as INT,TERM,
// once a request has arrived at the sandbox, and checks its exit code. What it prints is
// in the file "interrupted".
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	arrived := make(chan struct{}, 1)
	stop := scriptSandbox(ts).OnReceived(func() {
		select {
		case arrived <- struct{}{}:
		default:
		}
	})
	defer stop()
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if path := filepath.Join(dir, args[2]); isFile(path) {
			args[2] = path
			break
		}
	}
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnv(ts)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	ts.Check(cmd.Start())
	<-arrived
	for name := range strings.SplitSeq(args[0], ",") {
		// Two of the same kind could arrive as one.
		ts.Check(cmd.Process.Signal(signals[name]))
	}
	_ = cmd.Wait()
	ts.Logf("%s", printed.String())
	ts.Check(os.WriteFile(ts.MkAbs("interrupted"), printed.Bytes(), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, want %s", got, args[1])
	}
	noSecret(ts, printed.String())
}

// logs FILE REGEXP waits until a file that a program in the background writes
// matches.
func logs(ts *testscript.TestScript, neg bool, args []string) {
	await(ts, neg, args[1], func() string {
		b, _ := os.ReadFile(ts.MkAbs(args[0]))
		return string(b)
	})
}

// served FILE PATH REGEXP waits until what a program serves at a path matches.
// Where it listens is in its log.
func served(ts *testscript.TestScript, neg bool, args []string) {
	at := regexp.MustCompile(`listening: address=(\S+)`)
	await(ts, neg, args[2], func() string {
		b, _ := os.ReadFile(ts.MkAbs(args[0]))
		found := at.FindSubmatch(b)
		if found == nil {
			return ""
		}
		resp, err := http.Get("http://" + string(found[1]) + args[1])
		if err != nil {
			return ""
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.Status + "\n" + string(body)
	})
}

// await waits until a text matches, or no longer does, and looks for secrets in
// it.
func await(ts *testscript.TestScript, neg bool, pattern string, text func() string) {
	re := regexp.MustCompile("(?m)" + pattern)
	last := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		last = text()
		noSecret(ts, last)
		if last != "" && re.MatchString(last) != neg {
			return
		}
	}
	ts.Fatalf("after 30 seconds there is:\n%s", last)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// scriptEnv is the part of a script's environment that credsync needs.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		beganVariable, clockVariable, paceVariable, "GORACE", "PATH", "HOME", "TESTSCRIPT_COMMAND", "CREDSYNC_VAR_sagi_url", "CREDSYNC_VAR_sagi_phone", "CREDSYNC_VAR_sagi_password",
	} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// sandboxCommand is "sandbox" with one of
//
//	counters logins=1 rejected=0 refreshes=0    of the sagi account
//	of astana_plat login logins=1               counters of another account
//	certificate demo 90                         writes ca.pem, client.crt and client.key; good for 90 days from a year ago
//	githubkey 4711 app.pem                      writes the key by which the app of an installation signs
//	githubapp 4712                              an installation of another app
//	gitlab deploy glpat-2                       a token that a person has made beside the account's first one
//	revoke [loyalty shop]                       the tokens of the sagi account, or of another one
//	live loyalty out/shop.json TOKEN            the token in a key of a JSON file is accepted; with ! it is not
//	advance 24h                                 its clock
//	fault JSON                                  adds a sandbox.Fault
//	clear                                       removes the faults
//	violations                                  there must be none
func sandboxCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptSandbox(ts)
	switch args[0] {
	case "githubkey":
		key, err := s.GithubPrivateKey(args[1])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(key), 0o600))
	case "githubapp":
		other := &sandbox.GithubAccount{AppID: "Iv23liOther"}
		ts.Check(s.SetAccount(sandbox.Account{Upstream: "github", Name: args[1], Github: other}))
	case "gitlab":
		ts.Check(s.SetAccount(sandbox.Account{
			Upstream: "gitlab", Name: args[1], Token: args[2],
			Gitlab: &sandbox.GitlabAccount{UserID: 3, Scopes: []string{"read_registry", "self_rotate"}},
		}))
	case "live":
		checkLive(ts, neg, args[1], args[2], args[3])
	case "counters":
		checkCounters(ts, s.Counters("sagi", login), args[1:])
	case "of":
		checkCounters(ts, s.Counters(args[1], args[2]), args[3:])
	case "account": // a further account at sagi: NAME PASSWORD
		ts.Check(s.SetAccount(sandbox.Account{Upstream: "sagi", Name: args[1], Password: args[2], Sagi: &sandbox.SagiAccount{
			OrganizationID: "1", Branches: []sandbox.SagiBranch{{ID: "2", GroupID: "3", SubscriptionActive: true}},
		}}))
	case "certificate":
		writeCertificate(ts, s, args[1], args[2])
	case "revoke":
		if len(args) == 1 {
			args = []string{"revoke", "sagi", login}
		}
		s.Revoke(args[1], args[2])
	case "advance":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		s.Advance(d)
	case "fault":
		var f sandbox.Fault
		ts.Check(json.Unmarshal([]byte(args[1]), &f))
		ts.Check(s.AddFault(f))
	case "clear":
		s.ClearFaults()
	case "violations":
		if v := s.Violations(); len(v) > 0 {
			ts.Fatalf("violations: %s", strings.Join(v, "; "))
		}
	default:
		ts.Fatalf("sandbox: there is no %q", args[0])
	}
}

// checkLive checks whether an upstream accepts the token in a key of a JSON file.
func checkLive(ts *testscript.TestScript, neg bool, upstream, file, key string) {
	var target map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &target))
	token, _ := target[key].(string)
	if _, live := scriptSandbox(ts).Live(upstream, token); live == neg {
		ts.Fatalf("%s accepts the %s of %s: %t", upstream, key, file, live)
	}
}

func checkCounters(ts *testscript.TestScript, c sandbox.Counters, expected []string) {
	got := map[string]int{
		"logins": c.Logins.Accepted, "rejected": c.Logins.Rejected, "received": c.Logins.Received,
		"refreshes": c.Refreshes.Accepted, "verifications": c.Verifications.Received,
		"asked_to_refresh": c.Refreshes.Received, "sessions": c.Sessions.Received, "revocations": c.Revocations.Received,
		"revoked": c.Revocations.Accepted, "spent": c.SpentRefreshes,
	}
	for _, arg := range expected {
		name, want, _ := strings.Cut(arg, "=")
		if n, ok := got[name]; !ok || strconv.Itoa(n) != want {
			ts.Fatalf("the upstream counted %s = %d, want %s", name, n, want)
		}
	}
}

// writeCertificate issues a client certificate that began a year ago and ends
// in that many days, which may be negative.
func writeCertificate(ts *testscript.TestScript, s *sandbox.Sandbox, name, days string) {
	n, err := strconv.Atoi(days)
	ts.Check(err)
	now := scriptNow(ts)
	certPEM, keyPEM, err := s.IssueCertificate(sandbox.ClientCertificate{
		CommonName: name, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(0, 0, n).Add(time.Minute),
	})
	ts.Check(err)
	for file, text := range map[string]string{"ca.pem": s.CAPEM(), "client.crt": certPEM, "client.key": keyPEM} {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// jsonCommand is "json FILE path.to.0.field WANT"; WANT is JSON or a bare word.
func jsonCommand(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("%s holds more than one JSON value", args[0])
	}
	for _, step := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				ts.Fatalf("%s: there is no %s", args[1], step)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: there is no element %s of %d", args[1], step, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %s is inside of no object", args[1], step)
		}
	}
	var want any = args[2]
	_ = json.Unmarshal([]byte(args[2]), &want)
	if !reflect.DeepEqual(v, want) {
		ts.Fatalf("%s is %v, want %v", args[1], v, want)
	}
}

// linesCommand is "lines FILE type...": FILE holds one JSON object per line,
// of those types in that order.
func linesCommand(ts *testscript.TestScript, _ bool, args []string) {
	var types []string
	for line := range bytes.Lines([]byte(ts.ReadFile(args[0]))) {
		var v struct{ Type string }
		ts.Check(json.Unmarshal(line, &v))
		types = append(types, v.Type)
	}
	if got, want := strings.Join(types, " "), strings.Join(args[1:], " "); got != want {
		ts.Fatalf("lines are %s, want %s", got, want)
	}
}

// looks: every command that needs no secret works, and sees good accounts as good.
func looks(ts *testscript.TestScript, _ bool, _ []string) {
	for _, args := range [][]string{
		{"0", "credsync", "status", "--exit-code"},
		{"0", "credsync", "status", "--json", "--details", "--target", "sagi.coffee"},
		{"0", "credsync", "state", "list"},
		{"0", "credsync", "state", "show", "sagi.coffee"},
		{"1", "credsync", "state", "rm", "sagi.coffee"}, // there is no terminal
		{"0", "credsync", "state", "unlock", "sagi.coffee"},
		{"0", "credsync", "state", "migrate"},
		{"0", "credsync", "doctor", "--offline"},
		{"0", "credsync", "__complete", "state", "show", ""},
	} {
		exits(ts, false, args)
		printed := ts.ReadFile("stdout")
		switch want := map[string]string{"status": "ok", "state": "agi.coffee", "doctor": "", "__complete": "sagi.coffee"}[args[2]]; {
		case args[2] == "state" && args[3] == "migrate":
		case !strings.Contains(printed, want):
			ts.Fatalf("%v does not print %q", args[1:], want)
		case args[2] == "status" && args[3] == "--exit-code" && !strings.Contains(printed, "critical=0 unknown=0 warning=0 ok=3"):
			ts.Fatalf("not every account is good")
		}
	}
}
