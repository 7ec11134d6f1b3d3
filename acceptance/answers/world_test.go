package answers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/hashicorp/go-hclog"
)

// maxAttempts is how often a request is sent in a run, where it may be sent again.
const maxAttempts = 2

// patience is how long an answer is waited for.
const patience = 5 * time.Second

// place is what the cells of one upstream share, one after another: the server, the
// configuration that names it, and the connections to it.
type place struct {
	t      testing.TB
	up     *upstreamKind
	server *server
	cfg    *config.Config
	pool   *upstream.Pool
	secret string
	log    hclog.Logger
	w      *world
	dir    string
}

// anySecret is what each upstream takes for a password, or for a token.
const anySecret = "b37c4c689295904ed21eee5d9a48d42e"

func newPlace(t testing.TB, up *upstreamKind, secret string, logged io.Writer) *place {
	p := &place{t: t, up: up, server: newServer(), secret: secret, log: hclog.NewNullLogger(), dir: t.TempDir()}
	if logged != nil {
		p.log = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: logged})
	}
	p.pool = upstream.NewPool(upstream.PoolOptions{
		Now:   func() time.Time { return p.w.Now() },
		Pause: func(time.Duration) time.Duration { return 0 },
	})
	p.cfg = p.load()
	t.Cleanup(func() {
		p.pool.Close()
		p.server.Close()
	})
	return p
}

func (p *place) load() *config.Config {
	text := fmt.Sprintf(`
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account %q "a" {
  base_url = %q
  %s
  deliver "memory" "main" { path = "target" }
}
`, p.up.name, p.server.URL, strings.ReplaceAll(p.up.account, "$SECRET", p.secret))
	if err := os.WriteFile(filepath.Join(p.dir, "main.hcl"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	cfg, diags := config.Load(context.Background(), config.Options{
		Path: p.dir, Getenv: func(string) string { return "" }, Version: "1.0.0", Providers: all.Registry(),
		Sinks: sinks.NewRegistry(memorysink.Spec(func(string) *memorysink.Sink { return p.w.main })),
	})
	if diags.HasErrors() {
		p.t.Fatalf("the configuration is wrong: %+v", diags)
	}
	return cfg
}

// world is one account with nothing before it.
type world struct {
	*place
	cell        cell
	state, main *memorysink.Sink
	mu          sync.Mutex
	now         time.Time
	runs        int
	// said is what the runs said.
	said []any
}

// world is a fresh one for a cell.
func (p *place) world(c cell) *world {
	w := &world{
		place: p,
		cell:  c,
		state: memorysink.New(),
		main:  memorysink.New(),
		now:   time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
	}
	p.w = w
	p.server.begin(w)
	return w
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
}

// engine is a new process: all that it knows is the configuration and what is in the sinks.
func (w *world) engine() *engine.Engine {
	w.runs++
	return engine.New(engine.Options{
		Config: w.cfg, Now: w.Now, Holder: fmt.Sprintf("run-%d", w.runs), Log: w.log, Version: "1.0.0",
		Sink:  func(*config.Sink) (sinks.Sink, error) { return w.main, nil },
		Store: state.NewStore(w.state, w.cfg.Project, w.cfg.State.Record),
		Client: func(a *config.Account) (*http.Client, error) {
			return w.pool.Client(upstream.Options{
				BaseURL: w.server.URL, LimitKey: a.Address, RequestsPerSecond: 1e6, MaxAttempts: maxAttempts,
				Log:     w.log,
				Timeout: patience,
			})
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.advance(d)
			return ctx.Err()
		},
		EmergencyDir: w.dir,
	})
}

// apply plans and applies, as the command does.
func (w *world) apply(req engine.Request) *engine.Summary {
	e := w.engine()
	ctx := context.Background()
	s := e.Apply(ctx, e.Plan(ctx, req), ignore{})
	w.said = append(w.said, s)
	return s
}

// planned is what the account's plan would be now.
func (w *world) planned() *engine.AccountPlan {
	return w.engine().Plan(context.Background(), engine.Request{}).Accounts[0]
}

// record is the account's record, and what is delivered.
func (w *world) record() (record, delivered string) {
	kept, _ := w.state.Get("state/" + state.RecordName(w.cfg.Project, w.cfg.Accounts[0].Address))
	target, _ := w.main.Get("target")
	return kept["record"].Reveal(), target["access_token"].Reveal()
}

func (w *world) code() credential.Secret { return credential.NewSecret("302190") }

type ignore struct{}

func (ignore) AccountStarted(*engine.AccountPlan) {}
func (ignore) AccountDone(engine.Outcome)         {}
