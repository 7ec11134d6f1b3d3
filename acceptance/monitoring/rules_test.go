// Package monitoring tries the alert rules and the dashboard with Prometheus'
// own parser and engine, on what the metrics package really shows. It is a
// module of its own: Prometheus is no dependency of the product.
package monitoring

import (
	"context"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/plan"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"
)

const (
	rulesFile = "../../deploy/monitoring/rules.yaml"
	address   = `account.sagi.coffee["almaty"]`
	minute    = time.Minute
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation)
	for _, err := range errs {
		t.Error(err)
	}
	var list []rulefmt.Rule
	for _, g := range groups.Groups {
		list = append(list, g.Rules...)
	}
	if len(list) == 0 {
		t.Fatal("there are no rules")
	}
	return list
}

// healthy is an account that is up to date, whose token was issued a day ago, lives 30
// days, and is due two days before its end.
func healthy() *engine.AccountPlan {
	issued := now.Add(-24 * time.Hour)
	return &engine.AccountPlan{
		Decision: plan.Decision{
			Address: address, Provider: "sagi", Action: plan.None, Reason: plan.Current,
			RotateAt: issued.Add(28 * 24 * time.Hour),
			Targets: []plan.TargetDecision{
				{Action: plan.None, Reason: plan.Current},
				{Action: plan.None, Reason: plan.Current},
			},
		},
		IssuedAt: issued, ExpiresAt: issued.Add(30 * 24 * time.Hour),
	}
}

// situation is what the collector is given at each scrape.
type situation struct {
	account *engine.AccountPlan
	daemon  *metrics.Daemon
	// settled is when the account was last up to date, ran when a command ended;
	// zero for no command.
	settled func(at time.Time) time.Time
	ran     func(at time.Time) time.Time
	// silent scrapes find nothing.
	silent bool
}

func calm() *situation {
	return &situation{
		account: healthy(), daemon: &metrics.Daemon{Ready: true, StateReachable: true, ConfigGood: true},
		settled: func(at time.Time) time.Time { return at.Add(-5 * minute) },
	}
}

// history scrapes it for two hours.
func (s *situation) history(t *testing.T) history {
	h := history{}
	for at := now.Add(-2 * time.Hour); !at.After(now) && !s.silent; at = at.Add(minute) {
		c := metrics.NewCollector("1.2.3", "go1")
		c.Planned(s.account)
		c.Settled(s.account.Address, s.account.Provider, s.settled(at))
		if s.daemon != nil {
			c.Daemon(*s.daemon)
		}
		if s.ran != nil {
			c.Command("apply", s.ran(at))
		}
		h.scrape(t, c, at)
	}
	return h
}

func due(ends, rotates time.Duration) func(*situation) {
	return func(s *situation) {
		s.account.ExpiresAt, s.account.RotateAt = now.Add(ends), now.Add(rotates)
		s.account.Action, s.account.Reason = plan.Refresh, plan.Expiring
	}
}

func TestAlerts(t *testing.T) {
	blocked := func(s *situation) {
		s.account.Action, s.account.Reason = plan.BlockedAction, "credentials_rejected"
		s.account.Blocker = &plan.Block{Reason: "credentials_rejected"}
		s.account.HumanNeededBy = now.Add(-time.Hour)
	}
	cases := []struct {
		name   string
		change func(*situation)
		fires  []string
	}{
		{"all is well", func(*situation) {}, nil},
		{"all is well with a CronJob", func(s *situation) {
			s.daemon, s.ran = nil, func(at time.Time) time.Time { return at.Truncate(10 * minute) }
		}, nil},
		{"a token of a quarter of an hour is just due", due(5*minute, -minute), nil},
		{"a rotation is late", due(20*time.Hour, -28*time.Hour), []string{"CredsyncRotationOverdue"}},
		{"a token is about to end", due(10*time.Hour, -38*time.Hour), []string{"CredsyncRotationOverdue", "CredsyncTokenExpiresSoon"}},
		{"a token has ended", due(-time.Hour, -49*time.Hour), []string{"CredsyncRotationOverdue", "CredsyncTokenExpired"}},
		{"a token ended a moment ago", due(-30*time.Second, -48*time.Hour), []string{"CredsyncRotationOverdue"}},
		{"a password was rejected, the token is good", blocked, []string{"CredsyncAccountBlocked"}},
		{"a password was rejected, the token has ended", func(s *situation) {
			due(-time.Hour, -49*time.Hour)(s)
			blocked(s)
		}, []string{"CredsyncAccountBlocked", "CredsyncTokenExpired"}},
		{"a certificate ends in ten days", func(s *situation) { s.account.HumanNeededBy = now.Add(10 * 24 * time.Hour) }, []string{"CredsyncHumanNeededSoon"}},
		{"a certificate ends in a month", func(s *situation) { s.account.HumanNeededBy = now.Add(31 * 24 * time.Hour) }, nil},
		{"a target was changed", func(s *situation) {
			s.account.Action, s.account.Reason = plan.Deliver, plan.TargetDrifted
			s.account.Targets[1] = plan.TargetDecision{Action: plan.Deliver, Reason: plan.TargetDrifted}
		}, []string{"CredsyncTargetLacksToken"}},
		{"nothing has been up to date for hours", func(s *situation) {
			s.settled = func(time.Time) time.Time { return now.Add(-4 * time.Hour) }
		}, []string{"CredsyncNoSuccess"}},
		{"the state is out of reach", func(s *situation) { s.daemon.Ready, s.daemon.StateReachable = false, false }, []string{"CredsyncNotReady"}},
		{"a new configuration is broken", func(s *situation) { s.daemon.ConfigGood = false }, []string{"CredsyncReloadFailed"}},
		{"a CronJob stopped", func(s *situation) {
			s.daemon, s.ran = nil, func(time.Time) time.Time { return now.Add(-2 * time.Hour) }
		}, []string{"CredsyncRunMissing"}},
		{"nothing is scraped", func(s *situation) { s.silent = true }, []string{"CredsyncAbsent"}},
	}
	list, seen := rules(t), map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := calm()
			c.change(s)
			h := s.history(t)
			var got []string
			for _, r := range list {
				if fires(t, h, r) {
					got, seen[r.Alert] = append(got, r.Alert), true
				}
			}
			if slices.Sort(got); !slices.Equal(got, c.fires) {
				t.Errorf("there fire %v, want %v", got, c.fires)
			}
		})
	}
	for _, r := range list {
		if !seen[r.Alert] {
			t.Errorf("no case has %s fire", r.Alert)
		}
	}
}

// fires evaluates a rule each minute and reports whether it has held for as
// long as it asks for, for one series.
func fires(t *testing.T, h history, r rulefmt.Rule) bool {
	t.Helper()
	held := map[string]int{}
	steps := 0
	for at := now.Add(-time.Duration(r.For)); !at.After(now); at = at.Add(minute) {
		steps++
		for _, s := range evaluate(t, h, r.Expr, at) {
			held[s.Metric.String()]++
			explain(t, r, s, at)
		}
	}
	return slices.Contains(slices.Collect(maps.Values(held)), steps)
}

var queries = promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: 10 * time.Second, LookbackDelta: 5 * minute})

func evaluate(t *testing.T, h history, expr string, at time.Time) promql.Vector {
	t.Helper()
	q, err := queries.NewInstantQuery(t.Context(), h, nil, expr, at)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	t.Cleanup(q.Close)
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return slices.Clone(v)
}

// explain expands the texts as Prometheus would, and sees that they say
// something.
func explain(t *testing.T, r rulefmt.Rule, s promql.Sample, at time.Time) {
	t.Helper()
	none := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	data := template.AlertTemplateData(s.Metric.Map(), nil, "", s)
	for _, name := range []string{"summary", "description", "command", "runbook_url"} {
		text := "{{ $labels := .Labels }}{{ $value := .Value }}" + r.Annotations[name]
		got, err := template.NewTemplateExpander(t.Context(), text, name, data,
			model.TimeFromUnixNano(at.UnixNano()), none, &url.URL{}, []string{"missingkey=error"}).
			Expand()
		if err != nil || got == "" || strings.Contains(got, "<no value>") {
			t.Errorf("%s: %s is %q: %v", r.Alert, name, got, err)
		}
	}
}

func TestEachAlertIsExplained(t *testing.T) {
	b, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := os.ReadFile("../../docs/reference/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if !strings.Contains(string(b), "\n## "+r.Alert+"\n") {
			t.Errorf("docs/alerts.md has no section for %s", r.Alert)
		}
		_, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "docs/alerts.md#")
		if anchor != strings.ToLower(r.Alert) {
			t.Errorf("%s links to %q", r.Alert, anchor)
		}
		words := strings.Fields(r.Annotations["command"])
		if len(words) < 2 || words[0] != "credsync" || !strings.Contains(string(commands), "credsync "+words[1]) {
			t.Errorf("%s names no command of credsync: %q", r.Alert, r.Annotations["command"])
		}
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s has severity %q", r.Alert, s)
		}
	}
}

// names are the metrics that an expression asks for.
func names(t *testing.T, expr string) (list []string) {
	t.Helper()
	parsed, err := parser.ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return nil
	}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			list = append(list, v.Name)
		}
		return nil
	})
	return list
}

// exists fails for metrics that credsync does not have.
func exists(t *testing.T, where, expr string) {
	t.Helper()
	found := names(t, expr)
	if len(found) == 0 {
		t.Errorf("%s asks for nothing: %s", where, expr)
	}
	for _, name := range found {
		if !slices.Contains(metrics.Names(), strings.TrimSuffix(name, "_bucket")) {
			t.Errorf("%s asks for %s, which there is not", where, name)
		}
	}
}

func TestRulesAskForMetricsThatExist(t *testing.T) {
	for _, r := range rules(t) {
		exists(t, r.Alert, r.Expr)
	}
}
