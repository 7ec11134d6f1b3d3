package engine_test

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

// scenario is one small case, explored whole: every order in which the effects
// of two runners can happen, with as many crashes, lease expiries and other
// events as its budget has.
type scenario struct {
	name string
	// prepare brings the world to where the scenario begins.
	prepare func(*model)
	// refreshes: tokens are refreshed, and a refresh works once. revokes: a
	// login kills the tokens before it. unverifiable: the upstream has no way
	// to verify a token.
	refreshes, revokes, unverifiable bool
	// intends: a refresh is recorded before it is asked for. The upstream takes a refresh
	// token again within grace of its use; beyond, that ends all tokens. seeds: nobody but
	// a person can log in again.
	intends bool
	grace   time.Duration
	seeds   bool
	// marks: the target's sink can mark owners.
	marks bool
	// removes are the runners whose configuration no longer has the account.
	removes map[string]bool
	// renames are the runners whose configuration calls the account b: "moved" with a
	// block that says so, "renamed" without.
	renames map[string]string
	// replaces is the runner that is asked for a new token.
	replaces string
	// quick ones are explored with a crash too; large ones by the soak tests only.
	quick, large bool
	budget       budget
}

// alternates reports whether one runner has the configuration before a move, and
// the other the one after it.
func (s *scenario) alternates() bool { return len(s.renames) > 0 && s.renames["A"] == "" }

// long is after which a lease has expired and a plan is stale.
const long = 3 * time.Minute

// seen is what a check compares an effect with.
type seen struct {
	target  int
	foreign bool
	newest  int
	// rejected says that the newest is known to be dead, or not known to live.
	rejected bool
	record   bool
}

func (m *model) sees() seen {
	data, _ := m.main.Get(modelTarget)
	s := seen{target: number(data["access_token"])}
	_, s.foreign = data[foreign]
	if r := m.stored().record; r != nil {
		s.record = true
		if g := r.Newest(); g != nil {
			s.newest, s.rejected = number(g.Token.Access), g.Rejected
		}
	}
	return s
}

// wrote checks what a write has done.
func (m *model) wrote(by modelSink, w sinks.Write, before seen, err error) {
	if err != nil {
		return
	}
	after := m.sees()
	if by.what == "state" {
		// Of two tokens that both live it matters little which is kept.
		if after.newest < before.newest && !after.rejected && !m.live(after.newest) {
			m.breaks("P1: the state had token %d, and %s wrote over it with token %d", before.newest, by.s.name, after.newest)
		}
		return
	}
	switch n := number(w.Data["access_token"]); {
	case n == 0 || !m.up.tokens[n-1].verified:
		m.breaks("P2: the target received token %d, which was not verified", n)
	case before.foreign:
		m.breaks("P5: %s wrote over what someone else had put there", by.s.name)
	case n < before.target && !(m.scenario.alternates() && m.live(n)):
		m.breaks("P5: the target held token %d, and %s wrote over it with token %d", before.target, by.s.name, n)
	}
}

// live reports whether a token of that number works.
func (m *model) live(n int) bool { return n > 0 && m.up.tokens[n-1].live }

// deleted checks what a deletion has done.
func (m *model) deleted(by modelSink, before seen, err error) {
	if err != nil {
		return
	}
	if by.what == "state" {
		// Removing the account gives its token up.
		for i := range before.newest {
			m.up.tokens[i].lost = true
		}
		return
	}
	if before.foreign {
		m.breaks("P5: %s deleted what someone else had put there", by.s.name)
	}
}

// step makes one choice happen.
func (m *model) step(choice string) {
	m.markLost(choice)
	if m.do(choice, m.clock.String()) {
		return
	}
	switch choice {
	case "jump":
		m.spare.jumps--
		m.clock = m.clock.Add(long)
	case "intrude":
		m.spare.intrusions--
		m.main.Put(modelTarget, map[string]credential.Secret{foreign: credential.NewSecret("x")})
	default:
		m.rig.t.Fatalf("a replay went another way: %q cannot be chosen after %q", choice, m.trail)
	}
}

// markLost notes the tokens that a kill takes along: those that the killed
// runner had, or was about to get, and that are not in the state.
func (m *model) markLost(choice string) {
	name, ok := strings.CutPrefix(choice, "kill ")
	if !ok {
		return
	}
	newest := m.sees().newest
	for i := range m.up.tokens {
		if t := &m.up.tokens[i]; t.to == name && i+1 > newest {
			t.lost = true
		}
	}
}

// waiting reports whether everyone who is left waits for time to pass.
func (m *model) waiting() bool {
	return len(m.pending) > 0 && !slices.ContainsFunc(m.pending, func(e *effect) bool {
		return e.arrived || e.enabled == nil || e.enabled()
	})
}

// options are the choices that there are now.
func (m *model) options() []string {
	if m.waiting() {
		// Time passes by itself, which is no event.
		m.clock = m.clock.Add(long)
	}
	// A place that was marked by a run which has not gone on is credsync's,
	// empty or not.
	info, err := m.main.Stat(context.Background(), sinks.Target{Path: modelTarget})
	undisturbed := m.scenario.budget.kills+m.scenario.budget.jumps == 0
	free := err == nil && !info.Exists && (info.Owner == "" || undisturbed)
	held := false
	if r := m.stored().record; r != nil && r.Lease != nil {
		held = m.clock.Before(r.Lease.ExpiresAt)
	}
	return m.choices(m.spare.jumps > 0 && held, m.spare.intrusions > 0 && free)
}

// maxPositions bounds an exploration.
const maxPositions = 5_000_000

// figures of an exploration.
type figures struct {
	positions, endings, replays, longest int
}

// explore goes every way through the scenario. Two ways that lead to the same
// position have the same future, so it is gone on from one of them only.
func explore(t *testing.T, s *scenario) figures {
	t.Helper()
	var f figures
	g := newRig(t, s)
	g.begin(s)
	visited := map[[sha256.Size]byte]bool{}
	ended := map[string]bool{}
	ways := [][]string{nil}
	for len(ways) > 0 {
		way := ways[len(ways)-1]
		ways = ways[:len(ways)-1]
		f.replays++
		m := g.model(s)
		for _, name := range []string{"A", "B"} {
			m.start(name)
		}
		for at := 0; ; at++ {
			m.settle()
			var options []string
			if !m.over() || len(m.pending) > 0 {
				options = m.options()
			}
			if at >= len(way) {
				position := sha256.Sum256([]byte(m.digest() + m.position()))
				if visited[position] {
					break
				}
				visited[position] = true
				if len(options) == 0 {
					f.endings++
					f.longest = max(f.longest, len(m.trail))
					if d := m.digest(); !ended[d] {
						ended[d] = true
						m.ending()
					}
					break
				}
				for _, other := range options[1:] {
					ways = append(ways, append(slices.Clone(m.trail), other))
				}
				way = append(way, options[0])
			}
			m.step(way[at])
			if len(m.broken) > 0 {
				break
			}
		}
		m.end()
		if len(m.broken) > 0 {
			t.Fatalf("%s\nafter:\n  %s", strings.Join(m.broken, "\n"), strings.Join(m.trail, "\n  "))
		}
		if len(visited) > maxPositions {
			t.Fatalf("there are more than %d positions", maxPositions)
		}
	}
	f.positions = len(visited)
	return f
}

// begin makes the world in which the replays begin.
func (g *rig) begin(s *scenario) {
	if s.prepare == nil {
		return
	}
	m := g.model(&scenario{refreshes: s.refreshes, revokes: s.revokes, unverifiable: s.unverifiable, marks: s.marks})
	s.prepare(m)
	m.end()
	if len(m.broken) > 0 {
		g.t.Fatalf("preparing: %s", m.broken)
	}
	g.start.clock, g.start.main, g.start.state, g.start.up = m.clock, m.main, m.state, m.up
}

// alone has one runner go from its beginning to its end, with nobody else.
func (m *model) alone(name string) {
	s := m.start(name)
	for range 1000 {
		m.settle()
		if s.done {
			return
		}
		m.step(m.options()[0])
	}
	m.breaks("%s comes to no end", name)
}

// ending checks how a way ended, and that one more apply, alone, brings the
// account to where it should be.
func (m *model) ending() {
	kept := 0
	for i, t := range m.up.tokens {
		if !t.lost {
			kept = i + 1
		}
	}
	before := m.sees()
	if before.record && before.newest < kept && !before.rejected && !m.live(before.newest) {
		m.breaks("P1: the upstream issued token %d, and the state has token %d", kept, before.newest)
	}
	m.countLogins()
	m.spare = budget{}
	m.clock = m.clock.Add(long)
	m.trail = append(m.trail, "(the end; one more apply)")
	logins := m.up.logins + m.up.refreshes
	m.alone(recovery)
	m.converged(before, logins)
}

// used is how much of a budget was spent.
func (m *model) used() (kills, jumps int) {
	return m.scenario.budget.kills - m.spare.kills, m.scenario.budget.jumps - m.spare.jumps
}

// countLogins checks P8: one new token for both runners. Each crash and each
// lease that expires under its holder may cost one more.
func (m *model) countLogins() {
	kills, jumps := m.used()
	started := len(m.rig.start.up.tokens)
	alternate := 0
	if m.scenario.alternates() {
		// A run with the old configuration that begins after the move knows of no
		// token; plan warns of that.
		alternate = 1
	}
	if got := len(m.up.tokens) - started; got > 1+kills+jumps+alternate {
		m.breaks("P8: %d tokens were issued, with %d crashes and %d expiries", got, kills, jumps)
	}
}

// converged checks what the last apply has left.
func (m *model) converged(before seen, tokens int) {
	after, r := m.sees(), m.stored().record
	data, exists := m.main.Get(modelTarget)
	if _, theirs := data[foreign]; theirs {
		return
	}
	if m.scenario.removes[recovery] {
		if exists || r != nil {
			m.breaks("P7: the account was removed, and something of it is left")
		}
		return
	}
	if m.scenario.seeds && m.up.logins != m.rig.start.up.logins {
		m.breaks("P1: a login that works once was sent %d times", m.up.logins)
	}
	switch {
	case m.scenario.grace > 0 && (r == nil || r.Block != nil || after.newest == 0 || m.up.tokens[after.newest-1].spent):
		m.breaks("P1: the account is lost, though the upstream takes a refresh token again")
	case r == nil || r.Pending != nil || r.Current == nil || r.Lease != nil && m.clock.Before(r.Lease.ExpiresAt):
		m.breaks("P7: after one more apply the record is not in order")
	case after.target != after.newest:
		m.breaks("P7: after one more apply the target holds token %d, and the state %d", after.target, after.newest)
	case !m.live(after.newest) && !m.killedUnseen():
		m.breaks("P1: after one more apply everyone holds token %d, which is dead", after.newest)
	case !m.scenario.alternates() && m.live(before.newest) && !before.rejected &&
		m.up.logins+m.up.refreshes > tokens && before.newest > len(m.rig.start.up.tokens):
		m.breaks("P7: the journal had a live token, and one more apply got another")
	}
}

// killedUnseen reports whether the newest token was killed by the login of a run
// that outlived its lease and was killed before it could tell: nobody else can
// know of it.
func (m *model) killedUnseen() bool {
	kills, jumps := m.used()
	last := m.up.tokens[len(m.up.tokens)-1]
	return m.scenario.revokes && kills > 0 && jumps > 0 && last.live && last.lost
}

// scenarios are the small cases. The quick ones are explored with a crash in
// every test run, and the smallest with an expiry; all of them in the long one.
var scenarios = []scenario{
	{name: "issue", marks: true},
	{name: "issue to a sink that cannot mark", unverifiable: true, quick: true},
	{name: "issue while someone else takes the place", marks: true, budget: budget{intrusions: 1}},
	{name: "issue while someone else takes the place of a file", budget: budget{intrusions: 1}},
	{name: "refresh", marks: true, refreshes: true, prepare: expiring},
	{
		name:         "reissue where a login revokes",
		marks:        true,
		revokes:      true,
		unverifiable: true,
		prepare:      expiring,
		quick:        true,
	},
	{
		name:         "replace where a login revokes",
		marks:        true,
		revokes:      true,
		unverifiable: true,
		replaces:     "A",
		prepare:      func(m *model) { m.alone("setup") },
		quick:        true,
	},
	{
		name:      "refresh with a grace",
		marks:     true,
		refreshes: true,
		intends:   true,
		grace:     time.Hour,
		seeds:     true,
		prepare:   expiring,
		quick:     true,
	},
	{
		name:      "refresh without a grace",
		marks:     true,
		refreshes: true,
		intends:   true,
		seeds:     true,
		prepare:   expiring,
		quick:     true,
	},
	{name: "deliver from the journal", marks: true, prepare: journaled},
	{
		name:         "move while another looks",
		marks:        true,
		unverifiable: true,
		prepare:      func(m *model) { m.alone("setup") },
		renames:      map[string]string{"B": "moved", recovery: "moved"},
	},
	{
		name:         "move while another applies",
		marks:        true,
		unverifiable: true,
		prepare:      expiring,
		renames:      map[string]string{"B": "moved", recovery: "moved"},
		large:        true,
	},
	{
		name:    "two runs move",
		marks:   true,
		prepare: func(m *model) { m.alone("setup") },
		renames: map[string]string{"A": "moved", "B": "moved", recovery: "moved"},
		large:   true,
	},
	{
		name:         "two runs move to a sink that cannot mark",
		unverifiable: true,
		prepare:      func(m *model) { m.alone("setup") },
		renames:      map[string]string{"A": "moved", "B": "moved", recovery: "moved"},
		large:        true,
	},
	{
		name:         "take over in two runs",
		marks:        true,
		revokes:      true,
		unverifiable: true,
		prepare:      func(m *model) { m.alone("setup") },
		renames:      map[string]string{"A": "renamed", "B": "renamed", recovery: "renamed"},
		large:        true,
	},
	{
		name:    "remove while another applies",
		marks:   true,
		removes: map[string]bool{"B": true},
		prepare: expiring,
		quick:   true,
	},
}

// expiring has the account in order, with a token that is due.
func expiring(m *model) {
	m.alone("setup")
	m.clock = m.clock.Add(29 * 24 * time.Hour)
}

// journaled has a token that is in the journal only.
func journaled(m *model) {
	s := m.start("setup")
	for range 1000 {
		m.settle()
		if r := m.stored().record; r != nil && r.Pending != nil {
			m.kill(s)
			m.clock = m.clock.Add(long)
			return
		}
		m.step(m.options()[0])
	}
	m.breaks("nothing was journaled")
}

// TestAllInterleavings explores two runs of one account, on machines that know
// nothing of each other. See docs/protocol.md.
func TestAllInterleavings(t *testing.T) {
	if raceDetector {
		t.Skip("one thing runs at a time here, which the race detector cannot know; it is run without it")
	}
	all := func(s scenario) bool { return !s.large }
	quick := func(s scenario) bool { return s.quick }
	smallest := func(s scenario) bool { return s.replaces != "" }
	t.Run("undisturbed", func(t *testing.T) { exploreAll(t, all, budget{}) })
	t.Run("with a crash", func(t *testing.T) { exploreAll(t, quick, budget{kills: 1}) })
	t.Run("with an expiry", func(t *testing.T) { exploreAll(t, smallest, budget{jumps: 1}) })
}

// exploreAll explores the chosen scenarios with more events than they have.
func exploreAll(t *testing.T, choose func(scenario) bool, more budget) {
	for _, s := range scenarios {
		if !choose(s) {
			continue
		}
		more.intrusions = s.budget.intrusions
		s.budget = more
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := explore(t, &s)
				t.Logf("%d positions, %d endings, %d replays, at most %d events", f.positions, f.endings, f.replays, f.longest)
			})
		})
	}
}
