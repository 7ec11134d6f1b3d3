package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// short is a check without its text: "failed accounts account.sagi.a, human".
func short(c doctor.Check) string {
	s := fmt.Sprintf("%s %s %s", c.Outcome, c.Group, c.Subject)
	if c.Human {
		s += ", human"
	}
	return s
}

// wantShort compares the checks of some groups, in their order.
func wantShort(t *testing.T, r doctor.Report, groups []doctor.Group, want ...string) {
	t.Helper()
	var got []string
	for _, c := range r.Checks {
		if slices.Contains(groups, c.Group) {
			got = append(got, short(c))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// planner is an engine that has made its plan.
type planner struct {
	accounts    []*engine.AccountPlan
	diagnostics diag.List
	inspect     func(*config.Account) ([]providers.Clock, []providers.Finding, error)
	asked       func(context.Context, engine.Request)
}

func (p planner) Plan(ctx context.Context, r engine.Request) *engine.Plan {
	if p.asked != nil {
		p.asked(ctx, r)
	}
	return &engine.Plan{Accounts: p.accounts, Diagnostics: p.diagnostics}
}

func (p planner) Inspect(a *config.Account) ([]providers.Clock, []providers.Finding, error) {
	if p.inspect == nil {
		return nil, nil, nil
	}
	return p.inspect(a)
}

func (w *world) with(p planner) {
	w.adjust = func(o *doctor.Options) { o.Whole, o.Engine = true, p }
}

func planned(name string, change func(*engine.AccountPlan)) *engine.AccountPlan {
	ap := &engine.AccountPlan{Decision: plan.Decision{Address: "account.sagi." + name, Action: plan.None, Reason: plan.Current}}
	if change != nil {
		change(ap)
	}
	return ap
}

func TestASinkThatCannotBeOpenedIsToldAndNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	opened := map[string]int{}
	w.adjust = func(o *doctor.Options) {
		open := o.Gate.Open
		o.Gate.Open = func(s *config.Sink) (sinks.Sink, error) {
			opened[s.Name]++
			if s.Name == "memory.main" {
				return nil, fmt.Errorf("no certificate; set one")
			}
			return open(s)
		}
	}
	r := w.examine(sagi("a", serve(t, 0), "") + sagi("b", serve(t, 0), ""))
	wantShort(t, r, []doctor.Group{doctor.Sinks, doctor.Targets}, "failed sinks memory.main", "skipped targets memory.main")
	for _, c := range r.Checks {
		if c.Group == doctor.Sinks && (c.Message != "no certificate" || c.Remedy == "") {
			t.Errorf("%+v", c)
		}
		if c.Group == doctor.Targets && !strings.Contains(c.Message, "2") {
			t.Errorf("%+v", c)
		}
	}
	if !r.Broken() || r.Human() || opened["memory.main"] != 1 {
		t.Errorf("broken %t, human %t, opened %v", r.Broken(), r.Human(), opened)
	}
}

func TestAStateWhoseSinkCannotBeOpenedIsNotLookedAt(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(o *doctor.Options) {
		open := o.Gate.Open
		o.Gate.Open = func(s *config.Sink) (sinks.Sink, error) {
			if s.Name == "memory.state" {
				return nil, errors.New("down")
			}
			return open(s)
		}
	}
	r := w.examine(sagi("a", serve(t, 0), ""))
	wantShort(t, r, []doctor.Group{doctor.Sinks, doctor.State}, "failed sinks memory.state", "skipped state memory.state")
}

// Accounts are looked at by the plan where there is one, and by their credentials else.
func TestWhatIsSaidOfAccounts(t *testing.T) {
	human := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	both := []doctor.Group{doctor.Targets, doctor.Accounts}
	for name, tt := range map[string]struct {
		engine planner
		want   []string
	}{
		"good": {planner{accounts: []*engine.AccountPlan{planned("a", nil), planned("b", nil)}}, []string{
			"ok targets memory.main memory/a", "ok targets memory.main memory/b", "ok accounts account.sagi.a", "ok accounts account.sagi.b",
		}},
		"blocked": {planner{accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) {
			ap.Blocker = &plan.Block{Reason: plan.CredentialsRejected, Message: "no"}
		}), planned("b", nil)}}, []string{
			"ok targets memory.main memory/a", "ok targets memory.main memory/b", "failed accounts account.sagi.a, human", "ok accounts account.sagi.b",
		}},
		"a place that is out of reach is no credential": {planner{accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) {
			ap.Blocker = &plan.Block{Reason: plan.UnreachableHere}
		})}}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "ok accounts account.sagi.a"}},
		"one target is someone else's": {planner{accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) {
			ap.Blocker = &plan.Block{Reason: plan.TargetNotOwned}
			ap.Targets = []plan.TargetDecision{
				{Sink: "memory.main", Location: "memory/a", Action: plan.BlockedAction, Reason: plan.TargetNotOwned, Message: "memory.main memory/a belongs to x; adopt it"},
				{Sink: "memory.main", Location: "memory/b", Action: plan.BlockedAction, Reason: plan.CredentialsRejected},
				{Sink: "memory.main", Location: "memory/c", Action: plan.None, Reason: plan.TargetNotOwned},
			}
		})}}, []string{"failed targets memory.main memory/a, human", "ok targets memory.main memory/b", "ok accounts account.sagi.a"}},
		"warned of": {planner{
			accounts: []*engine.AccountPlan{planned("a", nil)},
			diagnostics: diag.List{{Severity: diag.Warning, Address: "account.sagi.a", Summary: "odd"},
				{Severity: diag.Error, Address: "account.sagi.b", Summary: "bad"}},
		}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "warning accounts account.sagi.a", "failed accounts account.sagi.b"}},
		"what others tell of": {planner{
			accounts: []*engine.AccountPlan{planned("a", nil)},
			diagnostics: diag.List{
				{Severity: diag.Error, Summary: "of no account"}, {Severity: diag.Error, Address: "account.sagi.gone", Summary: "of another account"},
				{Severity: diag.Warning, Address: "account.sagi.a", Summary: engine.TokenInEmergencyFile},
				{Severity: diag.Error, Address: "account.sagi.a", Summary: engine.StateUnreadable},
			},
		}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "ok accounts account.sagi.a"}},
		"gone": {planner{accounts: []*engine.AccountPlan{planned("gone", func(ap *engine.AccountPlan) {
			ap.Blocker = &plan.Block{Reason: plan.CredentialsRejected}
		})}}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b"}},
		"unreadable": {planner{
			accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) {
				ap.Reason, ap.Blocker = plan.Unreadable, &plan.Block{Reason: plan.CredentialsRejected}
			})},
			inspect: func(*config.Account) ([]providers.Clock, []providers.Finding, error) {
				return nil, []providers.Finding{{Summary: "it ends soon", Detail: "renew it"},
					{Summary: "it has ended", Blocked: failure.CertificateExpired}}, nil
			},
		}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "warning accounts account.sagi.a", "failed accounts account.sagi.a, human"}},
		"unreadable, and told of": {planner{
			accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) { ap.Reason = plan.Unreadable })},
			diagnostics: diag.List{
				{Severity: diag.Error, Address: "account.sagi.a", Summary: "bad"},
			},
			inspect: func(*config.Account) ([]providers.Clock, []providers.Finding, error) {
				return nil, nil, errors.New("no")
			},
		}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "failed accounts account.sagi.a"}},
		"unreadable, and its credentials are of no use": {planner{
			accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) { ap.Reason = plan.Unreadable })},
			inspect: func(*config.Account) ([]providers.Clock, []providers.Finding, error) {
				return nil, nil, &failure.Error{Message: "no key", Advice: "write one"}
			},
		}, []string{"ok targets memory.main memory/a", "ok targets memory.main memory/b", "failed accounts account.sagi.a"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.with(tt.engine)
			r := w.examine(sagi("a", serve(t, 0), "") + sagi("b", serve(t, 0), "") + sagi("off", serve(t, 0), "enabled = false"))
			wantShort(t, r, both, tt.want...)
			for _, c := range r.Checks {
				if c.Blocker != nil && !strings.Contains(c.Message, string(c.Blocker.Reason)) {
					t.Errorf("%+v", c)
				}
				if name == "one target is someone else's" && c.Human && (strings.HasPrefix(c.Message, "memory.main") || !strings.Contains(c.Remedy, "account.sagi.a")) {
					t.Errorf("%+v", c)
				}
				if strings.Contains(name, "of no use") && c.Outcome == doctor.Failed && !strings.Contains(c.Remedy, "write one") {
					t.Errorf("%+v", c)
				}
			}
		})
	}
	clocks := []plan.Clock{
		{Name: "client_certificate", At: human, Human: true},
		{Name: "access_token", At: human.AddDate(1, 0, 0)},
		{Name: "other", Human: true},
	}
	for name, p := range map[string]planner{
		"planned": {accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) { ap.Clocks = clocks })}},
		"inspected": {
			accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) { ap.Reason = plan.Unreadable })},
			inspect: func(*config.Account) (list []providers.Clock, _ []providers.Finding, _ error) {
				for _, c := range clocks {
					list = append(list, providers.Clock{Name: providers.ClockName(c.Name), At: c.At, Human: c.Human})
				}
				return list, nil, nil
			},
		},
	} {
		w := newWorld(t)
		w.with(p)
		expect(t, w.examine(sagi("a", serve(t, 0), "")), doctor.Accounts, "ok accounts account.sagi.a … client certificate until 2027-03-01")
		for _, l := range lines(w.examine(sagi("a", serve(t, 0), "")), doctor.Accounts) {
			if strings.Contains(l, "2028") || strings.Contains(l, "0001") {
				t.Errorf("%s: %s", name, l)
			}
		}
	}
}

// A plan asks no upstream, and one that is given up is told as such.
func TestThePlanOfADoctorIsOfflineAndBounded(t *testing.T) {
	w := newWorld(t)
	w.timeout = 100 * time.Millisecond
	var request engine.Request
	w.with(planner{asked: func(ctx context.Context, r engine.Request) {
		request = r
		<-ctx.Done()
	}})
	r := w.examine(sagi("a", closedURL(t), ""))
	if !request.Offline {
		t.Errorf("asked for %+v", request)
	}
	if got := lines(r, doctor.Accounts); len(got) != 1 || !strings.HasPrefix(got[0], "failed accounts") || !strings.Contains(got[0], "--timeout") {
		t.Errorf("got %v", got)
	}
}

// Without a whole configuration, without a state, or without servers there is less to
// look at, and it is said what was left out.
func TestWhatCannotBeLookedAtIsSkipped(t *testing.T) {
	most := []doctor.Group{doctor.Upstreams, doctor.Sinks, doctor.State, doctor.Targets, doctor.Accounts}
	url := serve(t, 0)
	host := strings.TrimPrefix(url, "http://")
	for name, tt := range map[string]struct {
		adjust func(*doctor.Options)
		want   []string
	}{
		"not whole": {func(o *doctor.Options) { o.Whole, o.Engine = false, planner{} }, []string{
			"ok upstreams " + host, "ok state memory/state", "ok state memory/state", "ok targets memory.main memory/a", "skipped accounts credentials",
		}},
		"no engine": {func(o *doctor.Options) { o.Whole = true }, []string{
			"ok upstreams " + host, "ok state memory/state", "ok state memory/state", "ok targets memory.main memory/a", "skipped accounts credentials",
		}},
		"no store": {func(o *doctor.Options) { o.Whole, o.Engine, o.Store = true, planner{}, nil }, []string{
			"ok upstreams " + host, "ok targets memory.main memory/a", "skipped targets owners", "ok accounts account.sagi.a",
		}},
		"offline, no store": {func(o *doctor.Options) { o.Whole, o.Engine, o.Store, o.Offline = true, planner{}, nil, true }, []string{
			"ok targets memory.main memory/a", "ok accounts account.sagi.a",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.adjust = tt.adjust
			r := w.examine(sagi("a", url, "") + sagi("off", url, "enabled = false"))
			wantShort(t, r, most, tt.want...)
			if r.Project != "default" || r.Offline != strings.HasPrefix(name, "offline") {
				t.Errorf("project %q, offline %t", r.Project, r.Offline)
			}
		})
	}
}

// A lease is that of a run that is at work, that may be, or that has ended.
func TestLeasesAreToldByTheirHolders(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		where   processid.Whereabouts
		ends    time.Duration
		outcome string
		command bool
	}{
		"at work":              {processid.Running, time.Minute, "ok", false},
		"of another machine":   {processid.Elsewhere, time.Minute, "warning", true},
		"of a run that ended":  {processid.Gone, time.Minute, "warning", false},
		"that is long over":    {processid.Elsewhere, -time.Hour, "warning", false},
		"over, though running": {processid.Running, -time.Hour, "warning", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now = func() time.Time { return now }
			w.adjust = func(o *doctor.Options) {
				o.Where = func(string) processid.Whereabouts { return tt.where }
				for _, a := range []string{"account.sagi.a", "account.sagi.free"} {
					rec := state.New("default", a, "sagi")
					if a == "account.sagi.a" {
						rec.Lease = &state.Lease{Holder: "host/1", ExpiresAt: now.Add(tt.ends)}
					}
					if _, err := o.Store.Save(t.Context(), rec, ""); err != nil {
						t.Fatal(err)
					}
				}
			}
			r := w.examine(sagi("a", closedURL(t), "") + sagi("free", closedURL(t), ""))
			for _, c := range r.Checks {
				if c.Group != doctor.State || !strings.HasPrefix(c.Subject, "account.") {
					continue
				}
				if string(c.Outcome) != tt.outcome || c.Subject != "account.sagi.a" || (c.Command != nil) != tt.command {
					t.Errorf("%+v", c)
				}
				return
			}
			t.Errorf("nothing is said of it: %v", lines(r, doctor.State))
		})
	}
}

func TestRecordsThatCannotBeUsedAreTold(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(o *doctor.Options) {
		if _, err := o.Store.Save(t.Context(), state.New("default", "account.sagi.b", "sagi"), ""); err != nil {
			t.Fatal(err)
		}
		w.sinks["state"].Put("state/"+state.RecordName("default", "account.sagi.a"), nil)
	}
	r := w.examine(sagi("a", closedURL(t), "") + sagi("b", closedURL(t), ""))
	wantShort(t, r, []doctor.Group{doctor.State}, "ok state memory/state", "failed state memory/state")
	for _, c := range r.Checks {
		if c.Group == doctor.State && c.Outcome == doctor.Failed &&
			(!slices.Equal(c.Command, []string{"state", "list"}) || !strings.Contains(c.Remedy, "state rm") ||
				!strings.Contains(c.Message, "corrupt")) {
			t.Errorf("%+v", c)
		}
	}
}

func TestEmergencyFilesAndWarningsOfSinksAreTold(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(o *doctor.Options) {
		o.Logged = func() []string { return []string{"the token ends soon; renew it", "odd"} }
		if err := os.MkdirAll(o.EmergencyDir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"emergency-a.age", "notes.txt"} {
			if err := os.WriteFile(filepath.Join(o.EmergencyDir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := w.examine(sagi("a", closedURL(t), ""))
	var told []string
	for _, c := range r.Checks {
		if c.Group == doctor.Sinks || len(c.Command) > 1 && c.Command[1] == "recover" {
			told = append(told, fmt.Sprintf("%s %q %t", short(c), c.Message, c.Remedy != ""))
		}
	}
	if len(told) != 3 || !strings.Contains(strings.Join(told, "\n"), `warning sinks warning "the token ends soon" true`) ||
		!strings.Contains(strings.Join(told, "\n"), "emergency-a.age") {
		t.Errorf("told:\n%s", strings.Join(told, "\n"))
	}
}

// As many targets of a sink as are asked about in one go, and more.
func TestAllTargetsOfASinkAreAskedAbout(t *testing.T) {
	w := newWorld(t)
	url := closedURL(t)
	hcl := fmt.Sprintf("account \"sagi\" \"a\" {\n  for_each = toset([for i in range(205) : \"n${i}\"])\n  base_url = %q\n  phone = \"p\"\n  password = \"canary-password\"\n  deliver \"memory\" \"main\" { path = each.key }\n}\n", url)
	r := w.examine(hcl)
	if n := len(lines(r, doctor.Targets)); n != 205 {
		t.Errorf("%d targets are told of", n)
	}
	if r.Count(doctor.OK) < 205 || r.Count(doctor.Skipped) != 1 {
		t.Errorf("%d ok, %d skipped", r.Count(doctor.OK), r.Count(doctor.Skipped))
	}
}

// A gateway's statuses say that what is behind it is away; others are answers.
func TestAnUpstreamIsAwayByAGatewaysStatusesAlone(t *testing.T) {
	for status, outcome := range map[int]string{200: "ok", 401: "ok", 404: "ok", 500: "ok", 501: "ok", 502: "warning", 503: "warning", 504: "warning", 505: "ok"} {
		server := httptest.NewServer(
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }),
		)
		r := newWorld(t).examine(sagi("a", server.URL, ""))
		server.Close()
		if got := lines(r, doctor.Upstreams); len(got) != 1 || !strings.HasPrefix(got[0], outcome+" ") {
			t.Errorf("%d: %v", status, got)
		}
	}
}

// What is said of a target whose sink is down is said of the sink already. What is said
// of another place is not.
func TestATargetOfASinkThatIsDownIsNotToldOfTwice(t *testing.T) {
	for where, told := range map[string]bool{"of the deliver block": false, "of another place": true, "of no place": true} {
		w := newWorld(t)
		w.adjust = func(o *doctor.Options) {
			open := o.Gate.Open
			o.Gate.Open = func(s *config.Sink) (sinks.Sink, error) {
				if s.Name == "memory.main" {
					return nil, errors.New("down")
				}
				return open(s)
			}
			one := diag.Diagnostic{
				Severity: diag.Error,
				Address:  "account.sagi.a",
				Summary:  "cannot be looked at",
				Range:    o.Config.Accounts[0].Deliveries[0].Range,
			}
			switch where {
			case "of another place":
				one.Range = o.Config.Accounts[0].Range
			case "of no place":
				one.Range = nil
			}
			o.Whole, o.Engine = true, planner{
				accounts:    []*engine.AccountPlan{planned("a", nil)},
				diagnostics: diag.List{one},
			}
		}
		r := w.examine(sagi("a", closedURL(t), ""))
		want := map[bool]string{true: "failed accounts account.sagi.a", false: "ok accounts account.sagi.a"}[told]
		wantShort(t, r, []doctor.Group{doctor.Accounts}, want)
	}
}
