//go:build soak

package answers

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/testkit/canary"
	"github.com/credsync/credsync/testkit/output"
)

var (
	soakTime = flag.Duration("soak", 10*time.Minute, "how long random answers are tried")
	soakSeed = flag.Uint64("seed", 0, "seed of the random answers; 0 for a new one")
)

// TestSoakEveryAnswer is the matrix with all its cells.
func TestSoakEveryAnswer(t *testing.T) {
	for i := range upstreams {
		t.Run(upstreams[i].name, func(t *testing.T) {
			t.Parallel()
			tryAll(t, &upstreams[i], cells(&upstreams[i]))
		})
	}
}

// TestSoakRandomAnswers tries answers at random, with headers, delays and connections
// that break, the same one in all runs or another for each request, and searches all that
// is said for secrets.
func TestSoakRandomAnswers(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	reports := make([]report, len(upstreams))
	for n, end := uint64(0), time.Now().Add(*soakTime); time.Now().Before(end) && !t.Failed(); n++ {
		t.Run(fmt.Sprintf("round %d", n), func(t *testing.T) {
			for i := range upstreams {
				t.Run(upstreams[i].name, func(t *testing.T) {
					t.Parallel()
					d := &dice{Rand: rand.New(rand.NewPCG(seed, n)), up: &upstreams[i]}
					d.round(t, &reports[i])
				})
			}
		})
	}
	for i := range reports {
		reports[i].fail(t)
	}
}

// dice draws answers for one upstream.
type dice struct {
	*rand.Rand
	up *upstreamKind
}

// round is some trials with one password, whose tokens no two trials share.
func (d *dice) round(t *testing.T, report *report) {
	const trials = 20
	secrets, said := canary.New(), &output.Buffer{}
	p := newPlace(t, d.up, secrets.Hex("secret", 32), said)
	p.server.tokenOf = func(n int) string { return secrets.Word(fmt.Sprintf("token %d", n)) }
	for range trials {
		c := d.cell()
		if c.situation.op == opLogin && d.IntN(2) == 0 {
			d.mixed(p, c.situation, report)
		} else {
			report.add(c, p.try(c))
		}
		fmt.Fprintf(said, "%+v\n%#v\n", p.w.said, p.w.said)
	}
	for _, name := range secrets.Find(said.Bytes()) {
		t.Errorf("a secret was said: %s", name)
	}
}

func pick[T any](d *dice, from []T) T { return from[d.IntN(len(from))] }

// cell draws one.
func (d *dice) cell() cell {
	s := pick(d, situations)
	for !s.of(d.up) {
		s = pick(d, situations)
	}
	status := pick(d, statuses)
	switch d.IntN(3) {
	case 0:
		status = pick(d, named)
	case 1:
		status = 100 + d.IntN(500)
	}
	if status == 100 {
		// What follows it is another answer.
		status = 101
	}
	b := pick(d, bodiesOf(status))
	if hasBody(status) && d.IntN(10) == 0 {
		b = body{echoed, pick(d, []form{plain, marked, asHTML, asText, half, broken})}
	}
	return cell{d.up, s, status, b, d.noise()}
}

var oddHeaders = []struct{ name, value string }{
	{"Retry-After", "1"}, {"Retry-After", "86400"}, {"Retry-After", "99999999999999999999"}, {"Retry-After", "1.5"},
	{"Retry-After", "5s"}, {"Retry-After", "-1"}, {"Retry-After", "Mon, 02 Mar 2026 11:00:00 UTC"},
	{"Set-Cookie", "session=1"}, {"WWW-Authenticate", "Basic realm=x"}, {"Connection", "close"}, {"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "max-age=60"}, {"Transfer-Encoding", "identity"}, {"Content-Language", "ru"}, {"X-Powered-By", strings.Repeat("x", 5000)},
}

func (d *dice) noise() noise {
	n := noise{headers: map[string]string{}, lost: d.IntN(20) == 0, delay: time.Duration(d.IntN(3)) * time.Millisecond}
	for range d.IntN(3) {
		h := pick(d, oddHeaders)
		n.headers[h.name] = h.value
	}
	return n
}

// mixed has each request for a token answered by an answer of its own.
func (d *dice) mixed(p *place, s situation, report *report) {
	var wrong []string
	const runs = 6
	w := p.world(cell{up: d.up, situation: s, status: 200, body: body{token, plain}})
	s.begin(w)
	p.server.arm()
	var told refusals
	var sequence []string
	p.server.draw = func(op operation) (cell, bool) {
		if op != opLogin && op != opRefresh {
			return cell{}, false
		}
		c := d.cell()
		c.situation = s
		c.situation.op = op
		sequence = append(sequence, fmt.Sprintf("%s (%s)", c, c.kind()))
		if op == opLogin {
			told.login(c)
		}
		return c, true
	}
	defer func() { p.server.draw = nil }()
	for n := range runs {
		var req engine.Request
		if n == 0 && s.name == secondLogin {
			req.Replace = []string{d.up.name + ".a"}
		}
		before := len(p.server.issued())
		w.apply(req)
		wrong = append(wrong, w.brokenPromises(before)...)
		if told.dead && callsGood(w.planned().Decision) {
			wrong = append(wrong, "a token counts as good that a login may have ended")
		}
		w.advance(tenMinutes)
	}
	if told.again > 0 {
		wrong = append(wrong, "a login was sent again after it had been refused")
	}
	slices.Sort(wrong)
	report.addTrial("one after another", strings.Join(sequence, "\n    then "), slices.Compact(wrong))
}

// refusals is what the answers to logins have told so far.
type refusals struct {
	unclassified int
	stop, dead   bool
	// again counts the logins after one that was refused for good.
	again int
}

func (r *refusals) login(c cell) {
	if r.stop {
		r.again++
	}
	k := c.kind()
	if k == unclassified {
		r.unclassified++
	} else {
		r.unclassified = 0
	}
	r.stop = r.stop || k == refused || r.unclassified == 2
	r.dead = c.mayBeDead() || r.dead && k != brought
}
