package lockout

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/shortpause"
	"github.com/hashicorp/go-hclog"
)

// world is one account, its upstream, and the sinks that runners share.
type world struct {
	t           *testing.T
	r           refusalRow
	box         *sandbox.Sandbox
	gate        *connectionCounter
	state, main *memorysink.Sink
	// certificates are PEM pairs, by secret.
	certificates map[string][2]string
	configs      map[string]*config.Config
	ahead        atomic.Int64
	holders      atomic.Int64
	emergencies  string
}

// newWorld makes the upstream as the row has it, be it from the beginning or
// after a first token that is due by then.
func newWorld(t *testing.T, r refusalRow) *world {
	w := &world{
		t: t, r: r, state: memorysink.New(), main: memorysink.New(), emergencies: t.TempDir(),
		certificates: map[string][2]string{}, configs: map[string]*config.Config{},
	}
	w.box = sandbox.New(sandbox.Options{Now: w.now, Accounts: sandbox.DemoAccounts()})
	if err := w.box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if err := w.box.StartTLS("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.gate = newConnectionCounter(t, strings.TrimPrefix(w.box.TLSURL(""), "https://"))
	t.Cleanup(func() {
		if v := w.box.Violations(); len(v) > 0 {
			t.Errorf("the upstream saw what its document does not allow: %s", strings.Join(v, "; "))
		}
		_ = w.box.Close()
	})
	if r.started {
		if s := w.apply(right[r.upstream], engine.Request{}); s.Count(engine.Done) != 1 {
			t.Fatalf("the first token did not come: %+v", s.Outcomes)
		}
		w.ahead.Add(int64(r.due))
	}
	if r.change != nil && !w.box.Update(r.upstream, accounts[r.upstream], r.change) {
		t.Fatalf("there is no account %q", accounts[r.upstream])
	}
	if r.prepare != nil {
		r.prepare(w.box)
	}
	for _, f := range r.faults {
		f.Upstream = r.upstream
		if err := w.box.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// config is the configuration with that secret.
func (w *world) config(secret string) *config.Config {
	w.t.Helper()
	if cfg := w.configs[secret]; cfg != nil {
		return cfg
	}
	base := w.box.URL(w.r.upstream)
	if w.r.certificate != nil {
		base = "https://" + w.gate.address + "/" + w.r.upstream
	}
	pair := w.certificate(secret)
	text := `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
` + w.r.account(base, secret, pair, w.box.CAPEM(), `deliver "memory" "main" { path = "target" }`)
	dir := w.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, diags := config.Load(w.t.Context(), config.Options{
		Path: dir, Getenv: func(string) string { return "" }, Version: "1.0.0", Providers: all.Registry(),
		Sinks: sinks.NewRegistry(memorysink.Spec(func(string) *memorysink.Sink { return w.main })),
	})
	if diags.HasErrors() {
		w.t.Fatalf("the configuration is wrong: %+v", diags)
	}
	w.configs[secret] = cfg
	return cfg
}

// certificate is the one of that secret, with its key.
func (w *world) certificate(secret string) [2]string {
	w.t.Helper()
	pair, known := w.certificates[secret]
	if w.r.certificate == nil || known {
		return pair
	}
	cert, key, err := w.box.IssueCertificate(w.r.certificate(w.now()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.certificates[secret] = [2]string{cert, key}
	return w.certificates[secret]
}

// engine is a new process: all that it knows is the configuration and what is in
// the sinks.
func (w *world) engine(cfg *config.Config) (e *engine.Engine, end func()) {
	pool := upstream.NewPool(
		upstream.PoolOptions{Now: w.now, Pause: func(time.Duration) time.Duration { return time.Millisecond }},
	)
	return engine.New(engine.Options{
		Config: cfg, Now: w.now, Holder: fmt.Sprintf("run-%d", w.holders.Add(1)), Log: hclog.NewNullLogger(), Version: "1.0.0",
		Sink:  func(*config.Sink) (sinks.Sink, error) { return w.main, nil },
		Store: state.NewStore(w.state, cfg.Project, cfg.State.Record),
		Client: func(a *config.Account) (*http.Client, error) {
			o := upstream.Options{
				BaseURL:           a.Values.String("base_url"),
				LimitKey:          a.Address,
				RequestsPerSecond: 1e6,
				CAPEM:             a.HTTP.String("ca_pem"),
			}
			var err error
			if f := a.Spec.ClientCertificate; f != nil {
				if o.ClientCertificate, err = f(a.Values); err != nil {
					return nil, err
				}
			}
			return pool.Client(o)
		},
		Sleep:        shortpause.Growing(),
		EmergencyDir: w.emergencies,
	}), pool.Close
}

// apply does what a newly started process would do.
func (w *world) apply(secret string, req engine.Request) *engine.Summary {
	return w.applyConfig(w.config(secret), req)
}

func (w *world) applyConfig(cfg *config.Config, req engine.Request) *engine.Summary {
	e, end := w.engine(cfg)
	defer end()
	return e.Apply(context.Background(), e.Plan(context.Background(), req), ignore{})
}

type ignore struct{}

func (ignore) AccountStarted(*engine.AccountPlan) {}
func (ignore) AccountDone(engine.Outcome)         {}

// asked is how often the upstream was asked to let somebody in: by logins and
// refreshes, and, where the token is in the configuration, by checks of it.
func (w *world) asked() int {
	if w.r.handshakes {
		return int(w.gate.connections.Load())
	}
	n := 0
	for _, c := range w.box.AllCounters()[w.r.upstream] {
		n += attempts(w.r.upstream, c)
	}
	return n
}

func attempts(upstream string, c sandbox.Counters) int {
	if upstream == "invoicebox" {
		return c.Verifications.Received
	}
	return c.Logins.Received + c.Refreshes.Received
}

// codes is how many codes were sent to the account's owner.
func (w *world) codes() int {
	return w.box.Counters(w.r.upstream, accounts[w.r.upstream]).Codes.Received
}
