package daemon

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/testkit/output"
	"github.com/hashicorp/go-hclog"
)

// rereading is a daemon whose files, readings and clock are the test's.
type rereading struct {
	*Daemon
	now time.Time
	// loads says of each reading whether it was of the inputs alone.
	loads  []bool
	result func(context.Context) (*Loaded, diag.List)
	check  diag.List
	lines  *output.Buffer
}

func newRereading() *rereading {
	r := &rereading{now: t0, lines: &output.Buffer{}}
	r.result = func(context.Context) (*Loaded, diag.List) { return r.loaded(config.Config{}), nil }
	r.Daemon = New(Options{
		Now: func() time.Time { return r.now }, CheckEvery: 10 * time.Minute, Metrics: metrics.NewCollector("1", "go1"),
		Log: hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: r.lines}),
		Load: func(ctx context.Context, inputs bool) (*Loaded, diag.List) {
			r.loads = append(r.loads, inputs)
			return r.result(ctx)
		},
		Check: func(context.Context) diag.List { return r.check },
		Files: func(*config.Config) []string { return nil },
	})
	return r
}

func (r *rereading) loaded(c config.Config) *Loaded {
	return &Loaded{Config: &c, Engine: listed{"account.x.a"}, Close: func() {}}
}

// uses has the daemon use a configuration that was read so long ago, with inputs or
// without.
func (r *rereading) uses(ago time.Duration, inputs bool) {
	c := config.Config{}
	if inputs {
		c.Data = []*config.Data{{}}
	}
	r.current = &generation{Loaded: r.loaded(c)}
	r.reading.attempt(r.now.Add(-ago), fingerprints{})
}

func TestWhenTheConfigurationIsReadAnew(t *testing.T) {
	same, other := fingerprints{}, fingerprints{"main.hcl": "other"}
	inputs, all := []bool{true}, []bool{false}
	for name, c := range map[string]struct {
		ago     time.Duration
		inputs  bool
		seen    fingerprints // a moment ago
		tried   fingerprints // when it was read
		again   time.Duration
		failing bool
		want    []bool
	}{
		"nothing has changed":                     {time.Hour, false, same, same, 0, false, nil},
		"the files have changed just now":         {time.Hour, false, other, same, 0, false, nil},
		"they have, and stay as they are":         {0, false, same, other, 0, false, all},
		"they change, and it failed before":       {0, true, same, other, time.Hour, true, all},
		"the inputs are old":                      {10 * time.Minute, true, same, same, 0, false, inputs},
		"they are not yet":                        {10*time.Minute - 1, true, same, same, 0, false, nil},
		"there are none":                          {time.Hour, false, same, same, 0, false, nil},
		"it failed, and is to be tried again":     {time.Minute, true, same, same, 0, true, all},
		"it failed, and is to be tried later":     {time.Minute, true, same, same, 1, true, nil},
		"it failed, though the inputs are old":    {time.Hour, true, same, same, 1, true, nil},
		"it was to be tried again a moment ago":   {time.Minute, false, same, same, -1, true, all},
		"the inputs are old and the files change": {time.Hour, true, same, other, 0, false, all},
	} {
		r := newRereading()
		r.uses(c.ago, c.inputs)
		r.reading.tried = c.tried
		if c.failing {
			r.reading.again = r.now.Add(c.again)
		}
		if got := r.compareFiles(t.Context(), c.seen); got == nil || len(got) != 0 {
			t.Errorf("%s: the files are %v", name, got)
		}
		if !slices.Equal(r.loads, c.want) {
			t.Errorf("%s: read %v, want %v (true for the inputs alone)", name, r.loads, c.want)
		}
	}
}

func TestInputsAreReadBeforeALoginUnlessTheyAreFresh(t *testing.T) {
	for name, c := range map[string]struct {
		ago    time.Duration
		inputs bool
		read   bool
	}{
		"fresh": {30*time.Second - 1, true, false}, "half a minute old": {30 * time.Second, true, true}, "none": {time.Hour, false, false},
	} {
		r := newRereading()
		r.uses(c.ago, c.inputs)
		before := r.current
		g, done := r.withInputs(t.Context())
		if (g != before) != c.read || (len(r.loads) == 1 && r.loads[0]) != c.read || g.users != 1 {
			t.Errorf("%s: read %v, another configuration: %t", name, r.loads, g != before)
		}
		if done(); g.users != 0 || before.users != 0 {
			t.Errorf("%s: %d use the new one, %d the old one", name, g.users, before.users)
		}
	}
	// What is at hand is used where they cannot be read.
	r := newRereading()
	r.uses(time.Hour, true)
	r.result = func(context.Context) (*Loaded, diag.List) { return nil, diag.List{diag.Errorf("No answer", "%s", "x")} }
	before := r.current
	g, done := r.withInputs(t.Context())
	if done(); g != before || len(r.loads) != 1 {
		t.Errorf("%d readings, another configuration: %t", len(r.loads), g != before)
	}
	if g, done := newRereading().withInputs(t.Context()); g != nil {
		t.Errorf("without a configuration: %+v", g)
	} else {
		done()
	}
}

// What is wrong in the files stays wrong until they change; inputs may be back in a moment.
func TestWhatFailedIsReadAgainUnlessItIsInTheFiles(t *testing.T) {
	wrong := diag.List{diag.Errorf("It is broken", "%s", "x")}
	for _, c := range []struct {
		inFiles, running bool
		says             string
	}{
		{true, true, "the new configuration cannot be used; keeping the previous one: cause=SIGHUP"},
		{false, true, "the new configuration cannot be used; keeping the previous one: cause=SIGHUP"},
		{false, false, "the configuration cannot be used; trying again: cause=SIGHUP"},
	} {
		r := newRereading()
		r.result = func(context.Context) (*Loaded, diag.List) { return nil, wrong }
		if c.inFiles {
			r.check = wrong
		}
		if c.running {
			r.uses(time.Hour, false)
		}
		before := r.current
		r.load(t.Context(), hangup, false)
		if want := map[bool]time.Time{false: t0.Add(time.Second)}[c.inFiles]; !r.reading.again.Equal(want) ||
			r.current != before {
			t.Errorf("%+v: tried again at %s", c, r.reading.again)
		}
		if s := r.lines.String(); !strings.Contains(s, c.says) || strings.Count(s, "[ERROR] It is broken: detail=x") != 1 {
			t.Errorf("%+v: %s", c, s)
		}
		if !r.wasBroken() {
			t.Errorf("%+v: no notification is sent", c)
		}
	}
}

// A configuration that was read when the daemon was told to stop is not put to work.
func TestAReadingThatIsStoppedChangesNothing(t *testing.T) {
	for name, there := range map[string]bool{"it was read": true, "it was not": false} {
		r := newRereading()
		r.uses(time.Hour, false)
		before := r.current
		ctx, stop := context.WithCancel(t.Context())
		closed := 0
		r.result = func(context.Context) (*Loaded, diag.List) {
			stop()
			if !there {
				return nil, diag.List{diag.Errorf("It was stopped", "%s", "x")}
			}
			l := r.loaded(config.Config{})
			l.Close = func() { closed++ }
			return l, nil
		}
		if r.load(ctx, hangup, false); r.current != before || r.wasBroken() || len(r.reloaded) != 0 ||
			r.lines.String() != "" {
			t.Errorf("%s: it was taken over, or told of", name)
		}
		if closed != map[bool]int{true: 1}[there] {
			t.Errorf("%s: closed %d times", name, closed)
		}
	}
}

// A sink that never answers does not hold up the reading for longer than a minute.
func TestAReadingIsBounded(t *testing.T) {
	r := newRereading()
	r.result = func(ctx context.Context) (*Loaded, diag.List) {
		if at, bounded := ctx.Deadline(); !bounded || time.Until(at) > time.Minute || time.Until(at) < 50*time.Second {
			t.Errorf("it may take until %s", at)
		}
		return r.loaded(config.Config{}), nil
	}
	r.load(t.Context(), hangup, false)
}

func TestWhatTheLoopIsToldOfAConfiguration(t *testing.T) {
	r := newRereading()
	r.load(t.Context(), "start", false)
	c := <-r.reloaded
	if !slices.Equal(c.Added, []string{"account.x.a"}) || !c.files || len(c.Changed)+len(c.Removed) != 0 {
		t.Errorf("the first: %+v", c)
	}
	if s := r.lines.String(); !strings.Contains(s, `configuration loaded: accounts=1 project=""`) {
		t.Error(s)
	}
	for _, step := range []struct {
		config config.Config
		files  bool
		says   string
	}{
		{config.Config{}, false, "configuration reloaded; nothing has changed: cause=SIGHUP"},
		{config.Config{Digest: "1"}, true, "configuration reloaded: cause=SIGHUP accounts=unchanged"},
		{config.Config{Digest: "1"}, false, "configuration reloaded; nothing has changed: cause=SIGHUP"},
	} {
		r.result = func(context.Context) (*Loaded, diag.List) {
			return r.loaded(
					step.config,
				), diag.List{
					diag.Warningf("It is odd", "%s", "x").
						About("account.x.a", &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: 3, Column: 5}}),
				}
		}
		before := len(r.lines.String())
		r.load(t.Context(), hangup, false)
		c := <-r.reloaded
		s := r.lines.String()[before:]
		if c.files != step.files || !c.Empty() || !strings.Contains(s, step.says) {
			t.Errorf("%+v: told %+v, %s", step.config, c, s)
		}
		if strings.Contains(s, "It is odd: detail=x address=account.x.a at=\"main.hcl:3,5\"") != step.files {
			t.Errorf("%+v: warnings belong to what has changed: %s", step.config, s)
		}
		if !r.status.configRead.Equal(t0) {
			t.Errorf("read at %s", r.status.configRead)
		}
	}
}

// That nothing has changed is worth a line where somebody asked, or where it was broken.
func TestAReloadOfTheSameIsToldWhereItIsNews(t *testing.T) {
	for _, c := range []struct {
		why    string
		broken bool
		told   bool
	}{{hangup, false, true}, {"inputs", false, false}, {"inputs", true, true}, {"files changed", false, false}} {
		r := newRereading()
		r.uses(time.Hour, false)
		if c.broken {
			r.configBroken(diag.List{diag.Errorf("It is broken", "%s", "x")})
		}
		r.load(t.Context(), c.why, false)
		if got := strings.Contains(r.lines.String(), "nothing has changed: cause="+c.why) ||
			strings.Contains(r.lines.String(), "nothing has changed: cause=\""+c.why); got != c.told {
			t.Errorf("%+v: %s", c, r.lines)
		}
		if r.wasBroken() {
			t.Errorf("%+v: it is still said to be broken", c)
		}
	}
}

func TestAChangeNamesItsAccounts(t *testing.T) {
	for says, c := range map[string]change{
		`configuration reloaded: cause=SIGHUP added=["a", "b"]`:            {Changes: engine.Changes{Added: []string{"a", "b"}}},
		`configuration reloaded: cause=SIGHUP changed=["a"] removed=["b"]`: {Changes: engine.Changes{Changed: []string{"a"}, Removed: []string{"b"}}, files: true},
	} {
		r := newRereading()
		if r.logChange(hangup, c, nil); !strings.Contains(r.lines.String(), says) ||
			strings.Contains(r.lines.String(), "unchanged") {
			t.Errorf("%+v: %s", c, r.lines)
		}
	}
}
