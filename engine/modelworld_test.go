package engine_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// model is the world that a replay's runners share: one account with one
// target, kept in the real state over the real engine, and an upstream.
type model struct {
	*replay
	scenario *scenario
	rig      *rig

	clock       time.Time
	main, state *memorysink.Sink
	up          modelUpstream
	// names stand for random values, which differ from replay to replay.
	names map[string]string
	// named counts the names that each runner gave.
	named map[string]int
	// read is what the state was found to hold, until it changes.
	read *reading
}

// modelUpstream is what the upstream remembers.
type modelUpstream struct {
	// tokens in the order in which they were issued; the first is number 1.
	tokens    []modelToken
	logins    int
	refreshes int
}

type modelToken struct {
	// to is who got it; lost says that it was killed before it could journal it.
	to       string
	lost     bool
	live     bool
	spent    bool
	spentAt  time.Time
	ends     time.Time
	verified bool
}

func (u modelUpstream) clone() modelUpstream {
	u.tokens = slices.Clone(u.tokens)
	return u
}

// rig is what the replays of one scenario share: what is costly to make.
type rig struct {
	t       *testing.T
	configs map[string]*config.Config
	dir     string
	// now is the model of the present replay.
	now *model
	// start is the world in which every replay begins.
	start struct {
		clock       time.Time
		main, state *memorysink.Sink
		up          modelUpstream
	}
}

const (
	modelTarget = "a"
	foreign     = "foreign"
	recovery    = "recovery"
)

func newRig(t *testing.T, s *scenario) *rig {
	g := &rig{t: t, configs: map[string]*config.Config{}, dir: t.TempDir()}
	hcl := fmt.Sprintf(`
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  user     = "u"
  on_remove = "delete"
  deliver "memory" "main" { path = %q }
}
`, modelTarget)
	for _, name := range []string{"A", "B", "setup", recovery} {
		text := hcl
		if s.removes[name] {
			text, _, _ = strings.Cut(hcl, "account")
		}
		if how := s.renames[name]; how != "" {
			text = strings.Replace(text, `account "fake" "a"`, `account "fake" "b"`, 1)
			if how == "moved" {
				text += movedBlock("a", "b")
			}
		}
		g.configs[name] = g.load(name, text, s)
	}
	g.start.clock = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g.start.main, g.start.state = memorysink.New(), memorysink.New()
	return g
}

func (g *rig) load(name, hcl string, s *scenario) *config.Config {
	dir := filepath.Join(g.dir, name)
	err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(hcl), 0o600))
	if err != nil {
		g.t.Fatal(err)
	}
	cfg, diags := config.Load(context.Background(), config.Options{
		Path: dir, Getenv: func(string) string { return "" }, Version: "1.0.0",
		Providers: providers.NewRegistry(g.spec(name, s)),
		Sinks:     sinks.NewRegistry(memorysink.Spec(func(string) *memorysink.Sink { return nil })),
	})
	if diags.HasErrors() {
		g.t.Fatalf("the model's configuration is wrong: %+v", diags)
	}
	return cfg
}

func (g *rig) spec(name string, s *scenario) *providers.Spec {
	spec := &providers.Spec{
		Name: "fake", Doc: "For tests.", RotateBefore: "48h", RefreshSpends: s.refreshes,
		LoginRevokes: func(schema.Values) bool { return s.revokes },
		Attributes:   []schema.Attribute{{Name: "user", Type: cty.String, Effect: schema.ShapesLogin, Doc: "For tests."}},
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
			{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token."},
		},
		New: func(schema.Values, providers.Env) (providers.Provider, error) {
			p := modelProvider{g.now, g.now.seat(name)}
			switch {
			case s.refreshes:
				return struct {
					providers.Provider
					providers.Refresher
					providers.Verifier
				}{p, p, p}, nil
			case s.unverifiable:
				return struct{ providers.Provider }{p}, nil
			}
			return struct {
				providers.Provider
				providers.Verifier
			}{p, p}, nil
		},
	}
	if s.intends {
		spec.ReuseGrace = func(schema.Values) time.Duration { return s.grace }
	}
	if s.seeds {
		spec.LoginSpends = func(schema.Values) bool { return true }
	}
	return spec
}

// model makes a fresh world, in which the scenario begins.
func (g *rig) model(s *scenario) *model {
	m := &model{
		replay: &replay{spare: s.budget}, scenario: s, rig: g, clock: g.start.clock,
		main: g.start.main.Clone(), state: g.start.state.Clone(), up: g.start.up.clone(),
		names: map[string]string{}, named: map[string]int{},
	}
	g.now = m
	m.stored()
	return m
}

func (m *model) seat(name string) *seat {
	for _, s := range m.seats {
		if s.name == name {
			return s
		}
	}
	panic("no such runner: " + name)
}

// start seats a runner that plans and applies.
func (m *model) start(name string) *seat {
	s := &seat{name: name}
	m.seats = append(m.seats, s)
	cfg := m.rig.configs[name]
	open := func(c *config.Sink) (sinks.Sink, error) {
		if c.Name == "memory.state" {
			return modelSink{m, s, m.state, "state"}, nil
		}
		main := modelSink{m, s, m.main, "target"}
		if m.scenario.marks {
			return modelClaimer{main}, nil
		}
		return main, nil
	}
	store, _ := open(cfg.State.Sink)
	e := engine.New(engine.Options{
		Config: cfg, Sink: open, Now: func() time.Time { return m.clock }, Holder: name, Log: hclog.NewNullLogger(),
		Version: "1.0.0",
		Store:   state.NewStore(store, cfg.Project, cfg.State.Record),
		Client:  func(*config.Account) (*http.Client, error) { return http.DefaultClient, nil },
		Sleep:   func(ctx context.Context, _ time.Duration) error { return m.sleep(ctx, s) },
		// Nothing fails in the model, so that nothing may depend on it.
		EmergencyDir: filepath.Join(os.DevNull, "emergency"),
	})
	var req engine.Request
	if name == m.scenario.replaces {
		req.Replace = []string{"fake.a"}
	}
	go func() {
		defer func() { s.done = true }()
		e.Apply(context.Background(), e.Plan(context.Background(), req), ignore{})
	}()
	return s
}

// sleep is a poll's pause. To look again makes sense once the record or the
// clock has changed; in between, nothing can be different.
func (m *model) sleep(ctx context.Context, s *seat) error {
	was := m.sight()
	if err := m.wait(s, "sleep", func() string { return "" }, func() bool { return m.sight() != was }); err != nil {
		return err
	}
	return ctx.Err()
}

func (m *model) sight() string { return m.clock.String() + m.stored().named }

// digest says all of the world that the future depends on.
func (m *model) digest() string {
	data, exists := m.main.Get(modelTarget)
	info, err := m.main.Stat(context.Background(), sinks.Target{Path: modelTarget})
	at, atErr := m.state.Stat(context.Background(), sinks.Target{Path: recordPath("a")})
	moved, movedErr := m.state.Stat(context.Background(), sinks.Target{Path: recordPath("b")})
	text := fmt.Sprintf(
		"%s|%t %s %+v %v|%s %+v %v %+v %v|%+v",
		m.clock,
		exists,
		data["access_token"].Reveal(),
		info,
		err,
		m.stored().named,
		at,
		atErr,
		moved,
		movedErr,
		m.up,
	)
	sum := sha256.Sum256([]byte(text))
	return string(sum[:])
}

func recordPath(name string) string {
	return "state/" + state.RecordName("default", "account.fake."+name)
}

func newestNumber(r *state.Record) int {
	if g := r.Newest(); g != nil {
		return number(g.Token.Access)
	}
	return 0
}

// reading is the stored record, of two the one with the newer token, and both with
// names in place of random values; nil and "" where there is none.
type reading struct {
	record *state.Record
	named  string
}

// stored reads the state.
func (m *model) stored() *reading {
	if m.read != nil {
		return m.read
	}
	m.read = &reading{}
	for _, name := range []string{"a", "b"} {
		data, ok := m.state.Get(recordPath(name))
		if !ok {
			continue
		}
		r, err := state.Decode(data["record"])
		if err != nil {
			m.breaks("the state cannot be read: %v", err)
			continue
		}
		if was := m.read.record; was == nil || newestNumber(r) >= newestNumber(was) {
			m.read.record = r
		}
		m.read.named += m.nameIn("setup", data["record"].Reveal())
	}
	return m.read
}

// random are the fields of a record that are, or depend on, random values.
var random = []string{"key", "id", "grant_id", "digest", "login_fingerprint", "shape_fingerprint", "replaced"}

func (m *model) nameIn(by, text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		m.breaks("the state is not JSON: %v", err)
		return text
	}
	m.nameAll(by, v)
	named, _ := json.Marshal(v)
	return string(named)
}

func (m *model) nameAll(by string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			m.nameAll(by, e)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if slices.Contains(random, k) {
				v[k] = m.nameOf(by, v[k])
				continue
			}
			m.nameAll(by, v[k])
		}
	}
}

// nameOf is the name of a random value, or those of a list of them.
func (m *model) nameOf(by string, v any) any {
	switch v := v.(type) {
	case string:
		return m.name(by, v)
	case []any:
		for i := range v {
			v[i] = m.nameOf(by, v[i])
		}
	}
	return v
}

func (m *model) name(by, text string) string {
	if n, ok := m.names[text]; ok {
		return n
	}
	m.named[by]++
	m.names[text] = fmt.Sprintf("%s#%d", by, m.named[by])
	return m.names[text]
}

// modelSink lets a runner's requests wait for their turn.
type modelSink struct {
	m    *model
	s    *seat
	sink *memorysink.Sink
	what string
}

func (s modelSink) Stat(ctx context.Context, t sinks.Target) (info sinks.Info, err error) {
	killed := s.m.wait(s.s, "looks at the "+s.what, func() string {
		info, err = s.sink.Stat(ctx, t)
		info.Marks = info.Marks && s.m.scenario.marks
		return fmt.Sprintf("%+v %v", info, err)
	}, nil)
	return info, cmp.Or(killed, err)
}

func (s modelSink) Read(ctx context.Context, t sinks.Target) (o sinks.Object, err error) {
	killed := s.m.wait(s.s, "reads the "+s.what, func() string {
		o, err = s.sink.Read(ctx, t)
		return fmt.Sprintf("%s %s %s %v", s.m.stored().named, o.Data["access_token"].Reveal(), o.Version, err)
	}, nil)
	return o, cmp.Or(killed, err)
}

func (s modelSink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (version string, err error) {
	killed := s.m.wait(s.s, "writes the "+s.what, func() string {
		before := s.m.sees()
		version, err = s.sink.Write(ctx, t, w)
		if s.what == "state" {
			s.m.nameIn(s.s.name, w.Data["record"].Reveal())
			s.m.read = nil
		}
		s.m.wrote(s, w, before, err)
		return fmt.Sprintf("%s %v", version, err)
	}, nil)
	return version, cmp.Or(killed, err)
}

func (s modelSink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) (err error) {
	killed := s.m.wait(s.s, "deletes the "+s.what, func() string {
		before := s.m.sees()
		err = s.sink.Delete(ctx, t, r)
		s.m.read = nil
		s.m.deleted(s, before, err)
		return fmt.Sprint(err)
	}, nil)
	return cmp.Or(killed, err)
}

func (s modelSink) List(ctx context.Context, prefix sinks.Target) (list []sinks.Target, err error) {
	killed := s.m.wait(s.s, "lists the "+s.what, func() string {
		list, err = s.sink.List(ctx, prefix)
		return fmt.Sprint(len(list), err)
	}, nil)
	return list, cmp.Or(killed, err)
}

// Place is known without a request, as of all but the first target of a run.
func (s modelSink) Place(ctx context.Context, t sinks.Target) (sinks.Place, error) {
	return s.sink.Place(ctx, t)
}

func (s modelSink) At(ctx context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	return s.sink.At(ctx, p, options)
}

func (s modelSink) Address() string { return s.sink.Address() }

// modelClaimer is one that can mark owners.
type modelClaimer struct{ modelSink }

func (s modelClaimer) Claim(
	ctx context.Context,
	t sinks.Target,
	w sinks.Write,
	seen sinks.Info,
) (version string, err error) {
	killed := s.m.wait(s.s, "claims the "+s.what, func() string {
		err = s.sink.Mark(ctx, t, w.Owner, seen)
		return fmt.Sprint(err)
	}, nil)
	if err := cmp.Or(killed, err); err != nil {
		return "", err
	}
	version, err = s.Write(ctx, t, w)
	if errors.Is(err, sinks.ErrConflict) {
		s.sink.Unmark(t, w.Owner, seen)
	}
	return version, err
}

// modelProvider is a runner's way to the upstream.
type modelProvider struct {
	m *model
	s *seat
}

func (p modelProvider) Login(context.Context) (t credential.Token, err error) {
	started := p.m.clock
	killed := p.m.wait(p.s, "logs in", func() string {
		p.m.up.logins++
		if p.m.scenario.revokes {
			for i := range p.m.up.tokens {
				p.m.up.tokens[i].live = false
			}
		}
		t = p.m.issue(p.s, started)
		return t.Access.Reveal()
	}, nil)
	return t, killed
}

func (p modelProvider) Refresh(_ context.Context, old credential.Token) (t credential.Token, err error) {
	started := p.m.clock
	killed := p.m.wait(p.s, "refreshes", func() string {
		p.m.up.refreshes++
		o := &p.m.up.tokens[number(old.Access)-1]
		if p.m.scenario.intends {
			if o.spent && p.m.clock.Sub(o.spentAt) >= p.m.scenario.grace {
				p.m.reused(number(old.Access))
				err = refuse(failure.Credentials, "refresh the token")
				return "refused"
			}
			if !o.spent {
				o.spent, o.spentAt = true, p.m.clock
			}
			t = p.m.issue(p.s, started)
			return t.Access.Reveal()
		}
		if o.spent || !o.live {
			err = refuse(failure.Credentials, "refresh the token")
			return "refused"
		}
		o.spent = true
		t = p.m.issue(p.s, started)
		return t.Access.Reveal()
	}, nil)
	return t, cmp.Or(killed, err)
}

func (p modelProvider) Verify(_ context.Context, t credential.Token) (_ credential.Outputs, err error) {
	killed := p.m.wait(p.s, "verifies "+t.Access.Reveal(), func() string {
		if token := &p.m.up.tokens[number(t.Access)-1]; !token.live {
			err = refuse(failure.Credentials, "verify the token")
		} else {
			token.verified = true
		}
		return fmt.Sprint(err)
	}, nil)
	return nil, cmp.Or(killed, err)
}

// reused ends every token, as an upstream does where a refresh token comes a second time.
// While the token is one that targets may use, no run may have that happen.
func (m *model) reused(n int) {
	if end := m.up.tokens[n-1].ends; m.clock.Before(end) {
		m.breaks("P1: a spent refresh token was presented while its access token lives until %s", end)
	}
	for i := range m.up.tokens {
		m.up.tokens[i].live = false
	}
}

func (m *model) issue(s *seat, started time.Time) credential.Token {
	m.up.tokens = append(
		m.up.tokens,
		modelToken{
			to: s.name, live: true, lost: s.dead, verified: m.scenario.unverifiable,
			ends: started.Add(30 * 24 * time.Hour),
		},
	)
	access := "token-" + strconv.Itoa(len(m.up.tokens))
	return credential.Token{
		Access: credential.NewSecret(access), Refresh: credential.NewSecret("refresh-" + access),
		IssuedAt: started, ExpiresAt: started.Add(30 * 24 * time.Hour),
	}
}

// number is which token of the upstream it is; 0 for none.
func number(access credential.Secret) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(access.Reveal(), "token-"))
	return n
}
