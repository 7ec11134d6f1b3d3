package daemon

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/output"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// world is what daemons live in: real engines, sinks in memory, an upstream of
// the test's own, and, in a synctest bubble, a clock that only moves when
// everything waits.
type world struct {
	t     *testing.T
	dir   string
	up    *upstream
	sinks map[string]*memorysink.Sink
	log   hclog.Logger
	lines *output.Buffer

	mu    sync.Mutex
	loads int
}

const head = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
`

// account is the block of one account.
func account(name, more string) string {
	return fmt.Sprintf("account \"fake\" %q {\n  password = \"pw\"\n  %s\n  deliver \"memory\" \"main\" { path = %q }\n}\n", name, more, name)
}

// inWorld runs a test in a bubble, with that configuration.
func inWorld(t *testing.T, hcl string, test func(*testing.T, *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := &output.Buffer{}
		w := &world{
			t: t, dir: dir, lines: l, up: &upstream{live: map[string]bool{}, lifetime: time.Hour,
				logins: map[string]int{}},
			log:   hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: l}),
			sinks: map[string]*memorysink.Sink{"main": memorysink.New(), "state": memorysink.New()},
		}
		w.write(hcl)
		test(t, w)
		if t.Failed() {
			t.Logf("the log:\n%s", l.String())
		}
	})
}

// write replaces the configuration.
func (w *world) write(hcl string) {
	if err := os.WriteFile(filepath.Join(w.dir, "main.hcl"), []byte(hcl), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// wait lets time pass, until everything waits again.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) options() config.Options {
	return config.Options{
		Path: w.dir, Getenv: func(string) string { return "" }, Version: "1.0.0",
		Providers: providers.NewRegistry(w.up.spec()),
		Sinks:     sinks.NewRegistry(memorysink.Spec(func(name string) *memorysink.Sink { return w.sinks[name] })),
	}
}

func (w *world) load(ctx context.Context, holder string) (*Loaded, *engine.Engine, diag.List) {
	w.mu.Lock()
	w.loads++
	w.mu.Unlock()
	open := func(s *config.Sink) (sinks.Sink, error) { return w.sinks[s.Values.String("name")], nil }
	options := w.options()
	options.ReadData = func(ctx context.Context, s *config.Sink, t sinks.Target) (sinks.Object, error) {
		sink, _ := open(s)
		return sink.Read(ctx, t)
	}
	cfg, diags := config.Load(ctx, options)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	e := engine.New(engine.Options{
		Config: cfg, Sink: open, Now: time.Now, Holder: holder, Log: hclog.NewNullLogger(), Version: "1.0.0",
		Store:        state.NewStore(w.sinks["state"], cfg.Project, cfg.State.Record),
		Client:       func(*config.Account) (*http.Client, error) { return http.DefaultClient, nil },
		EmergencyDir: filepath.Join(w.dir, "emergency"),
	})
	return &Loaded{Config: cfg, Engine: e, Close: func() {}}, e, diags
}

// readings counts how often the configuration was read.
func (w *world) readings() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loads
}

// running is a daemon at work.
type running struct {
	*Daemon
	stop func()
	// ended is closed when Run has returned.
	ended chan struct{}
	diags diag.List
}

// start starts a daemon; more may change its options.
func (w *world) start(holder string, more ...func(*Options)) *running {
	w.t.Helper()
	o := Options{
		Load: func(ctx context.Context, _ bool) (*Loaded, diag.List) {
			l, _, diags := w.load(ctx, holder)
			return l, diags
		},
		Check: func(ctx context.Context) diag.List {
			_, diags := config.Load(ctx, w.options())
			return diags
		},
		Files: func(c *config.Config) []string {
			files := config.FilesOf(w.dir, nil)
			if c != nil {
				files = append(files, c.Files...)
			}
			return files
		},
		Now: time.Now, Log: w.log, Metrics: metrics.NewCollector("1.0.0", "go1"),
	}
	for _, change := range more {
		change(&o)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	r := &running{Daemon: New(o), stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.diags = r.Run(ctx)
	}()
	synctest.Wait()
	return r
}

// end stops the daemon and waits for it.
func (r *running) end() time.Duration {
	begun := time.Now()
	r.stop()
	<-r.ended
	return time.Since(begun)
}

// apply is what another process does, with those accounts replaced.
func (w *world) apply(replace ...string) *engine.Summary {
	_, e, diags := w.load(w.t.Context(), "somebody else")
	if diags.HasErrors() {
		w.t.Fatal(diags)
	}
	return e.Apply(w.t.Context(), e.Plan(w.t.Context(), engine.Request{Replace: replace}), ignore{})
}

type ignore struct{}

func (ignore) AccountStarted(*engine.AccountPlan) {}
func (ignore) AccountDone(engine.Outcome)         {}

// delivered is the token at a path.
func (w *world) delivered(path string) string {
	data, _ := w.sinks["main"].Get(path)
	return data["access_token"].Reveal()
}

// expect wants a number of logins at the upstream, of all accounts.
func (w *world) expect(logins int) {
	w.t.Helper()
	if got := w.up.total(); got != logins {
		w.t.Errorf("%d logins, want %d", got, logins)
	}
}

// upstream is one that logs in, without refreshes.
type upstream struct {
	mu       sync.Mutex
	n        int
	live     map[string]bool
	lifetime time.Duration
	logins   map[string]int
	verifies int
	// onLogin and onVerify return the error to answer with, after whatever
	// time they take.
	onLogin, onVerify func(ctx context.Context, password string) error
	// issued is called with each token's issue and end.
	issued func(name string, issued, expires time.Time)
}

// slow lets every login take so long.
func (u *upstream) slow(d time.Duration) {
	u.answerLogins(func(context.Context, string) error {
		time.Sleep(d)
		return nil
	})
}

// answerLogins sets what logins are answered with, also under way.
func (u *upstream) answerLogins(hook func(context.Context, string) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.onLogin = hook
}

// verified counts the verifications, and of the logins of one account.
func (u *upstream) verified() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.verifies
}

func (u *upstream) of(name string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.logins[name]
}

func (u *upstream) total() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for _, logins := range u.logins {
		n += logins
	}
	return n
}

func (u *upstream) spec() *providers.Spec {
	text := func(name string, sensitive bool) schema.Attribute {
		return schema.Attribute{Name: name, Type: cty.String, Effect: schema.ShapesLogin, Sensitive: sensitive, Doc: "For tests."}
	}
	return &providers.Spec{
		Name: "fake", Doc: "For tests.", RotateBefore: "15m",
		Attributes: []schema.Attribute{text("name", false), text("password", true), text("lifetime", false)},
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
			{Name: "expires_at", Type: cty.String, Doc: "Expiry."},
		},
		New: func(v schema.Values, _ providers.Env) (providers.Provider, error) {
			p := fake{u: u, name: v.String("name"), password: v.Secret("password"), lifetime: u.lifetime}
			if text := v.String("lifetime"); text != "" {
				d, err := time.ParseDuration(text)
				if err != nil {
					return nil, err
				}
				p.lifetime = d
			}
			return p, nil
		},
	}
}

type fake struct {
	u        *upstream
	name     string
	password credential.Secret
	lifetime time.Duration
}

func (f fake) Login(ctx context.Context) (credential.Token, error) {
	now := time.Now()
	f.u.mu.Lock()
	f.u.logins[f.name]++
	hook := f.u.onLogin
	f.u.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, f.password.Reveal()); err != nil {
			return credential.Token{}, err
		}
	}
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.n++
	access := fmt.Sprintf("token-%d", f.u.n)
	f.u.live[access] = true
	t := credential.Token{Access: credential.NewSecret(access), IssuedAt: now, ExpiresAt: now.Add(f.lifetime)}
	if f.u.issued != nil {
		f.u.issued(f.name, t.IssuedAt, t.ExpiresAt)
	}
	return t, nil
}

func (f fake) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	f.u.mu.Lock()
	f.u.verifies++
	hook, live := f.u.onVerify, f.u.live[t.Access.Reveal()]
	f.u.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, f.password.Reveal()); err != nil {
			return nil, err
		}
	}
	if !live {
		return nil, refuse(failure.Credentials, "verify the token")
	}
	return nil, nil
}

func refuse(class failure.Class, op string) *failure.Error {
	return &failure.Error{Class: class, Op: op, URL: "https://upstream.test", Status: 401, Message: "no"}
}

// hang answers nothing until the context ends or that time is over.
func hang(d time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
		return refuse(failure.Retryable, "wait")
	}
}
