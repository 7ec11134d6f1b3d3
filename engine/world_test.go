package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/shortpause"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// world is an engine with everything around it under the test's control: the
// clock, the upstream, the sinks and the configuration.
type world struct {
	t     testing.TB
	up    *upstream
	sinks map[string]*memorysink.Sink
	// partial gives the engine one file of several.
	partial bool
	// unmarked hides a sink's ability to mark owners.
	unmarked map[string]bool
	// bulk sinks read and look at many places at once.
	bulk map[string]bool
	// blind sinks may write and delete, but not look.
	blind map[string]bool
	// raw sinks keep a value without its key, as files of that format do.
	raw map[string]bool
	hcl string

	mu  sync.Mutex
	now time.Time
	// elapsed is what a clock says that nobody sets.
	elapsed time.Duration
	// sleeping is called by each pause instead of waiting, beside moving the
	// clock on.
	sleeping func()
	// frozen keeps the clock where it is during pauses, for tests in which
	// several runs work at the same time.
	frozen bool
	holder string
	alive  func(string) bool
	// concurrency is how many accounts are worked on at once; 0 for the default.
	concurrency int
	emergency   string
	identity    credential.Secret
	// recipients are those of an emergency file.
	recipients string
	audit      audit.Recorder
	notify     func(context.Context, *config.Notify, config.Event) error
}

const oneAccount = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  user     = "u"
  password = "pw"
  deliver "memory" "main" { path = "a" }
}
`

func newWorld(t testing.TB, hcl string) *world {
	return &world{
		t: t, up: newUpstream(), hcl: hcl, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		sinks:    map[string]*memorysink.Sink{"main": memorysink.New(), "state": memorysink.New(), "other": memorysink.New()},
		unmarked: map[string]bool{}, blind: map[string]bool{}, holder: "runner-1", emergency: t.TempDir(),
	}
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.elapsed += max(0, d)
}

// setClock has the machine's clock say another time, as it is where runs of another
// machine have another one, or where somebody sets it.
func (w *world) setClock(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) Elapsed() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.elapsed
}

func (w *world) config() *config.Config {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(w.hcl), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, diags := config.Load(context.Background(), config.Options{
		Path: dir, Getenv: func(string) string { return "" }, Version: "1.0.0",
		Providers: providers.NewRegistry(w.up.specs(w.Now)...),
		Sinks:     sinks.NewRegistry(memorysink.Spec(func(name string) *memorysink.Sink { return w.sinks[name] })),
	})
	if diags.HasErrors() {
		w.t.Fatalf("the test's configuration is wrong: %+v", diags)
	}
	return cfg
}

// engine makes an engine as a new process would: with nothing but the
// configuration and what is in the sinks.
func (w *world) engine() *engine.Engine {
	w.t.Helper()
	cfg := w.config()
	cfg.Partial = w.partial
	open := func(s *config.Sink) (sinks.Sink, error) {
		m := w.sinks[s.Values.String("name")]
		if w.blind[s.Values.String("name")] {
			return blindSink{m}, nil
		}
		if w.bulk[s.Values.String("name")] {
			return memorysink.Bulk{Sink: m}, nil
		}
		if w.raw[s.Values.String("name")] {
			return rawSink{memorysink.Unmarked{Sink: m}}, nil
		}
		if w.unmarked[s.Values.String("name")] {
			return memorysink.Unmarked{Sink: m}, nil
		}
		return m, nil
	}
	stateSink, err := open(cfg.State.Sink)
	if err != nil {
		w.t.Fatal(err)
	}
	short := shortpause.Growing()
	return engine.New(engine.Options{
		Config: cfg, Sink: open, Now: w.Now, Elapsed: w.Elapsed, Holder: w.holder, Alive: w.alive,
		Log: hclog.NewNullLogger(), Version: "1.0.0",
		Store:  state.NewStore(stateSink, cfg.Project, cfg.State.Record),
		Client: func(*config.Account) (*http.Client, error) { return http.DefaultClient, nil },
		Sleep: func(ctx context.Context, d time.Duration) error {
			if w.frozen {
				return short(ctx, d)
			}
			w.advance(d)
			if w.sleeping != nil {
				w.sleeping()
			}
			return ctx.Err()
		},
		EmergencyDir: w.emergency, EmergencyIdentity: w.identity, EmergencyRecipient: w.recipients, Audit: w.audit,
		Notify: w.notify, Concurrency: w.concurrency,
	})
}

// rawSink keeps one value without its key.
type rawSink struct{ memorysink.Unmarked }

func (s rawSink) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	o, err := s.Unmarked.Read(ctx, t)
	for _, v := range o.Data {
		o.Data, o.Unnamed = map[string]credential.Secret{"value": v}, true
	}
	return o, err
}

// blindSink is as KV version 1 without permission to read.
type blindSink struct{ m *memorysink.Sink }

func (s blindSink) Stat(context.Context, sinks.Target) (sinks.Info, error) {
	return sinks.Info{Unseen: true}, nil
}

func (s blindSink) Read(_ context.Context, t sinks.Target) (sinks.Object, error) {
	return sinks.Object{}, fmt.Errorf("read %s: %w", t.Location, sinks.ErrDenied)
}

func (s blindSink) Write(_ context.Context, t sinks.Target, w sinks.Write) (string, error) {
	s.m.Put(t.Path, w.Data)
	return "written", nil
}

func (s blindSink) Delete(_ context.Context, t sinks.Target, _ sinks.Removal) error {
	s.m.Remove(t.Path)
	return nil
}

func (s blindSink) Place(ctx context.Context, t sinks.Target) (sinks.Place, error) {
	return s.m.Place(ctx, t)
}

func (s blindSink) At(ctx context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	return s.m.At(ctx, p, options)
}

func (s blindSink) Address() string { return s.m.Address() }

func (s blindSink) List(ctx context.Context, prefix sinks.Target) ([]sinks.Target, error) {
	return s.m.List(ctx, prefix)
}

func (w *world) plan(req engine.Request) *engine.Plan {
	w.t.Helper()
	return w.engine().Plan(context.Background(), req)
}

// apply plans and applies, as the command does.
func (w *world) apply() *engine.Summary {
	w.t.Helper()
	return w.applyWith(context.Background(), engine.Request{})
}

func (w *world) applyWith(ctx context.Context, req engine.Request) *engine.Summary {
	w.t.Helper()
	e := w.engine()
	return e.Apply(ctx, e.Plan(ctx, req), ignore{})
}

// expect checks what a plan says: "address action reason" per account.
func (w *world) expect(want ...string) {
	w.t.Helper()
	w.expectOf(engine.Request{}, want...)
}

func (w *world) expectOf(req engine.Request, want ...string) {
	w.t.Helper()
	p := w.plan(req)
	var got []string
	for _, a := range p.Accounts {
		got = append(got, fmt.Sprintf("%s %s %s", strings.TrimPrefix(a.Address, "account.fake."), a.Action, a.Reason))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Fatalf("planned %q, want %q; diagnostics: %+v", got, want, p.Diagnostics)
	}
}

// mustApply applies and wants every account to end done.
func (w *world) mustApply() *engine.Summary {
	w.t.Helper()
	s := w.apply()
	for _, o := range s.Outcomes {
		if o.Result != engine.Done {
			w.t.Fatalf("%s ended %s: %s %+v", o.Address, o.Result, o.Message, o.Diagnostics)
		}
	}
	return s
}

// delivered returns the access token at a path of the main sink.
func (w *world) delivered(path string) string {
	data, _ := w.sinks["main"].Get(path)
	return data["access_token"].Reveal()
}

type ignore struct{}

func (ignore) AccountStarted(*engine.AccountPlan) {}
func (ignore) AccountDone(engine.Outcome)         {}

// upstream is a fake one that knows which tokens are live.
type upstream struct {
	mu       sync.Mutex
	n        int
	live     map[string]bool
	lifetime time.Duration
	// The hooks return the error to answer with.
	onLogin, onRefresh, onVerify func() error
	logins, refreshes, verifies  int
	spends, revokes, static      bool
	// secondFactor makes logins want a code; codes counts those sent, and
	// onSend is asked before each.
	secondFactor bool
	codes        int
	onSend       func() error
	// tries counts the codes that were entered.
	tries int
	// loginDone is called when a login has taken effect, before its answer.
	loginDone func()
	// loginBegins is called before a login reaches the upstream.
	loginBegins func()
	// unverifiable is an upstream that can neither verify nor refresh.
	unverifiable bool
	// loginContext is called with the context of each login.
	loginContext func(context.Context)
	// onLoginAs is asked before onLogin; onRequest before everything, without the
	// upstream's lock.
	onLoginAs func(user, password string) error
	onRequest func(what string) error
	// userOf has whose each token is, endOf until when it lives.
	userOf map[string]string
	endOf  map[string]time.Time
	// clocks are what the provider says of things that end.
	clocks []providers.Clock
	// clocksOf are those that depend on what was seen of the account.
	clocksOf func(providers.Seen) []providers.Clock
	// clockAhead is how far the upstream's clock is ahead; warnings are those of each
	// token.
	clockAhead time.Duration
	warnings   []string
	// answers is kept of each login until the token is verified; verified has what each
	// check of a token was given of it.
	answers  string
	verified []string
	// rotates makes each refresh token work once, and again within grace of that; beyond, it
	// ends every token of the account. used has when each was presented; refreshDone is
	// asked when a refresh has taken effect, before its answer.
	rotates, refreshRevokes bool
	grace                   time.Duration
	used                    map[string]time.Time
	refreshDone             func() error
	// spec changes what is said of the provider; nil for nothing.
	spec func(*providers.Spec)
}

func newUpstream() *upstream {
	return &upstream{
		live:     map[string]bool{},
		userOf:   map[string]string{},
		used:     map[string]time.Time{},
		endOf:    map[string]time.Time{},
		lifetime: 30 * 24 * time.Hour,
	}
}

func (u *upstream) counts() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Sprintf("logins=%d refreshes=%d", u.logins, u.refreshes)
}

func (u *upstream) revokeAll() {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.live)
}

func (u *upstream) specs(now func() time.Time) []*providers.Spec {
	text := func(name string, effect schema.Effect, sensitive bool) schema.Attribute {
		return schema.Attribute{Name: name, Type: cty.String, Effect: effect, Sensitive: sensitive, Doc: "For tests."}
	}
	spec := &providers.Spec{
		Name: "fake", Doc: "For tests.", RotateBefore: "48h", Static: u.static, RefreshSpends: u.spends,
		LoginRevokes: func(schema.Values) bool { return u.revokes },
		Attributes: []schema.Attribute{
			text("user", schema.ShapesLogin, false),
			text("password", schema.ShapesLogin, true),
			text("branch", schema.ShapesToken, false),
		},
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
			{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token."},
			{Name: "expires_at", Type: cty.String, Doc: "Expiry."},
			{Name: "group_id", Type: cty.String, Doc: "From verification."},
		},
		New: func(v schema.Values, env providers.Env) (providers.Provider, error) {
			f := fake{u: u, user: v.String("user"), password: v.Secret("password"), now: now}
			switch {
			case u.static:
				return staticFake{f}, nil
			case u.secondFactor:
				return twoFactor{f}, nil
			case u.unverifiable:
				return struct{ providers.Provider }{f}, nil
			}
			return f, nil
		},
	}
	if u.spec != nil {
		u.spec(spec)
	}
	return []*providers.Spec{spec}
}

// issue makes a live token; the caller holds the lock.
func (u *upstream) issue(user string, now time.Time) credential.Token {
	u.n++
	access := fmt.Sprintf("token-%d", u.n)
	if u.revokes {
		clear(u.live)
	}
	u.live[access] = true
	u.userOf[access], u.endOf[access] = user, now.Add(u.lifetime)
	return credential.Token{
		Access: credential.NewSecret(access), Refresh: u.refreshToken(),
		IssuedAt: now, ExpiresAt: now.Add(u.clockAhead + u.lifetime),
		AnsweredAt: now.Add(u.clockAhead), Warnings: u.warnings, Answers: credential.NewSecret(u.answers),
	}
}

type fake struct {
	u        *upstream
	user     string
	password credential.Secret
	now      func() time.Time
}

// twoFactor is a fake whose login wants a code.
type twoFactor struct{ fake }

func (f twoFactor) Login(ctx context.Context) (credential.Token, error) {
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.logins++
	if f.password.Reveal() != "pw" {
		return credential.Token{}, refuse(failure.Credentials, "log in")
	}
	return credential.Token{}, wantsCode("the upstream wants a code")
}

func (f twoFactor) SendCode(context.Context) (credential.Challenge, error) {
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.codes++
	if f.u.onSend != nil {
		if err := f.u.onSend(); err != nil {
			return credential.Challenge{}, err
		}
	}
	return credential.Challenge{ID: credential.NewSecret(fmt.Sprintf("session-%d", f.u.codes)), SentAt: f.now()}, nil
}

func (f twoFactor) LoginWithCode(
	_ context.Context,
	c credential.Challenge,
	code credential.Secret,
) (credential.Token, error) {
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.tries++
	if c.ID.Reveal() != fmt.Sprintf("session-%d", f.u.codes) || code.Reveal() != "3021" {
		return credential.Token{}, wantsCode("the code is wrong")
	}
	t := f.u.issue(f.user, f.now())
	if f.u.loginDone != nil {
		f.u.loginDone()
	}
	return t, nil
}

func wantsCode(message string) error {
	return &failure.Error{Class: failure.Human, Reason: failure.NeedsCode, Op: "log in", Message: message}
}

// staticFake hides Refresh.
type staticFake struct{ f fake }

func (s staticFake) Login(context.Context) (credential.Token, error) {
	s.f.u.mu.Lock()
	defer s.f.u.mu.Unlock()
	return credential.Token{Access: s.f.password, IssuedAt: s.f.now()}, nil
}

func (s staticFake) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	return s.f.Verify(ctx, t)
}

func (f fake) Clocks(s providers.Seen) []providers.Clock {
	if f.u.clocksOf != nil {
		return f.u.clocksOf(s)
	}
	return f.u.clocks
}

func (f fake) Login(ctx context.Context) (credential.Token, error) {
	begun := f.now()
	if f.u.loginBegins != nil {
		f.u.loginBegins()
	}
	if err := f.u.request("login"); err != nil {
		return credential.Token{}, err
	}
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	if f.u.loginContext != nil {
		f.u.loginContext(ctx)
	}
	f.u.logins++
	if f.u.onLoginAs != nil {
		if err := f.u.onLoginAs(f.user, f.password.Reveal()); err != nil {
			return credential.Token{}, err
		}
	}
	if f.u.onLogin != nil {
		if err := f.u.onLogin(); err != nil {
			return credential.Token{}, err
		}
	}
	if f.password.Reveal() != "pw" {
		return credential.Token{}, refuse(failure.Credentials, "log in")
	}
	t := f.u.issue(f.user, begun)
	if f.u.loginDone != nil {
		f.u.loginDone()
	}
	return t, nil
}

func (f fake) Refresh(_ context.Context, old credential.Token) (credential.Token, error) {
	if err := f.u.request("refresh"); err != nil {
		return credential.Token{}, err
	}
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.refreshes++
	if f.u.onRefresh != nil {
		if err := f.u.onRefresh(); err != nil {
			return credential.Token{}, err
		}
	}
	if f.u.rotates {
		return f.u.rotate(f.user, f.now(), old)
	}
	if !f.u.live[old.Access.Reveal()] {
		return credential.Token{}, refuse(failure.Credentials, "refresh the token")
	}
	return f.u.issue(f.user, f.now()), nil
}

// refreshToken is that of the token that is being issued; none where tokens are refreshed by
// themselves.
func (u *upstream) refreshToken() credential.Secret {
	if !u.rotates {
		return credential.Secret{}
	}
	return credential.NewSecret(fmt.Sprintf("refresh-%d", u.n))
}

// rotate trades a refresh token; the caller holds the lock.
func (u *upstream) rotate(user string, now time.Time, old credential.Token) (credential.Token, error) {
	at, used := u.used[old.Refresh.Reveal()]
	if used && now.Sub(at) >= u.grace {
		// It may have been stolen.
		clear(u.live)
		return credential.Token{}, refuse(failure.Credentials, "refresh the token")
	}
	if !used {
		u.used[old.Refresh.Reveal()] = now
	}
	if u.refreshRevokes {
		delete(u.live, old.Access.Reveal())
	}
	t := u.issue(user, now)
	if u.refreshDone != nil {
		if err := u.refreshDone(); err != nil {
			return credential.Token{}, err
		}
	}
	return t, nil
}

func (f fake) Verify(_ context.Context, t credential.Token) (credential.Outputs, error) {
	if err := f.u.request("verify"); err != nil {
		return nil, err
	}
	f.u.mu.Lock()
	defer f.u.mu.Unlock()
	f.u.verifies++
	f.u.verified = append(f.u.verified, t.Answers.Reveal())
	if f.u.onVerify != nil {
		if err := f.u.onVerify(); err != nil {
			return nil, err
		}
	}
	if !f.u.live[t.Access.Reveal()] {
		return nil, refuse(failure.Credentials, "verify the token")
	}
	return credential.Outputs{"group_id": "12345678901234567890"}, nil
}

func (u *upstream) request(what string) error {
	if u.onRequest == nil {
		return nil
	}
	return u.onRequest(what)
}

func refuse(class failure.Class, op string) *failure.Error {
	return &failure.Error{Class: class, Op: op, URL: "https://upstream.test", Status: 401, Message: "no"}
}

// only answers the first n calls with err.
func only(n int, err error) func() error {
	return func() error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

// failing makes a memory sink's hook that fails an operation n times.
func failing(op string, n int, err error) func(string, sinks.Target) error {
	var mu sync.Mutex
	return func(got string, t sinks.Target) error {
		mu.Lock()
		defer mu.Unlock()
		if got == op {
			if n--; n >= 0 {
				return fmt.Errorf("%s %s: %w", op, t.Location, err)
			}
		}
		return nil
	}
}
