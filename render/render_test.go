package render

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/testkit/golden"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *time.Time { return plan.Time(noon.Add(d)) }

// captured is an Output whose two streams are kept apart.
type captured struct {
	*Output
	out, err bytes.Buffer
}

func capture(color bool) *captured {
	c := &captured{}
	c.Output = &Output{
		Out: Stream{Writer: &c.out, Color: color}, Err: Stream{Writer: &c.err, Color: color},
		Now: func() time.Time { return noon },
	}
	return c
}

func (c *captured) both() string {
	return "== stdout\n" + c.out.String() + "== stderr\n" + c.err.String()
}

// checkGolden compares with the golden file of the test.
func checkGolden(t *testing.T, got string) {
	t.Helper()
	golden.Check(t, filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", "-")+".golden"), got)
}

func target(sink, location string, a plan.Action, r plan.Reason) plan.DocumentTarget {
	return plan.DocumentTarget{Sink: sink, Location: location, Action: a, Reason: r}
}

// busyDocument has an account of each kind.
func busyDocument() plan.Document {
	blocker := &plan.DocumentBlocker{
		Reason: "credentials_rejected", Since: at(-26 * time.Hour),
		Message: "log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 401: invalid credentials. Correct password in the configuration",
	}
	foreign := "vault.main secret/shop/beans was not created by credsync; set adopt = true in the deliver block to take it over, or deliver elsewhere"
	d := NoPlan(diag.List{diag.Warningf("The schedule is too slow for this token", "The token lives 15m and is replaced in its last 5m, but up to 10m pass between two runs, so it can expire before a run replaces it. Run more often.").
		About("account.sagi.tea", &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: 12, Column: 1}})})
	d.Project = "payments"
	d.State = &plan.DocumentState{Sink: "vault.main", Location: "secret/credsync", Address: "https://vault.internal:8200"}
	d.Sinks = []plan.DocumentSink{{Name: "file.out", Address: "/srv/shop/out"}, {Name: "k8ssecret.shop", Address: "https://10.0.0.1:6443"}, {Name: "vault.main", Address: "https://vault.internal:8200"}}
	d.Accounts = []plan.DocumentAccount{
		{
			Address: "account.invoicebox.main", Provider: "invoicebox", Action: plan.None, Reason: plan.Current, Message: "the token is good and does not expire",
			SecretHosts: []string{"api.invoicebox.ru"},
			IssuedAt:    at(-time.Hour), Targets: []plan.DocumentTarget{target("vault.main", "secret/billing", plan.None, plan.Current)},
		},
		{
			Address: "account.invoicebox.old", Provider: "invoicebox", Action: plan.Forget, Reason: plan.Removed, Message: "no longer in the configuration; its targets stay as they are",
			Targets: []plan.DocumentTarget{target("file.out", "out/old.json", plan.Forget, plan.Removed)},
		},
		{
			Address: `account.sagi.beans["almaty"]`, Provider: "sagi", Action: plan.None, Reason: plan.Current, Message: "the token is good until 2026-02-12 12:00 UTC, next rotation in 26d",
			Blocker:  &plan.DocumentBlocker{Reason: plan.TargetNotOwned, Message: foreign},
			IssuedAt: at(-48 * time.Hour), ExpiresAt: at(28 * 24 * time.Hour), RotateAt: at(26 * 24 * time.Hour),
			Targets: []plan.DocumentTarget{
				target("file.out", "out/beans.json", plan.None, plan.Current),
				{Sink: "vault.main", Location: "secret/shop/beans", Action: plan.BlockedAction, Reason: plan.TargetNotOwned, Message: foreign},
			},
		},
		{
			Address: "account.sagi.coffee", Provider: "sagi", Action: plan.Issue, Reason: plan.NoToken, Message: "no token yet",
			SecretHosts: []string{"*.sagi.kz", "gateway.sagi.kz"},
			Targets: []plan.DocumentTarget{
				target("vault.main", "secret/shop/sagi", plan.Deliver, plan.NoToken),
				target("k8ssecret.shop", "shop/sagi-token", plan.Deliver, plan.NoToken),
			},
		},
		{
			Address: "account.sagi.juice", Provider: "sagi", Action: plan.Deliver, Reason: plan.TargetDrifted, Message: "a target was changed by someone else",
			Blocker:  blocker,
			IssuedAt: at(-48 * time.Hour), ExpiresAt: at(28 * 24 * time.Hour), RotateAt: at(-time.Minute),
			Targets: []plan.DocumentTarget{
				target("file.out", "out/juice.json", plan.Deliver, plan.TargetDrifted),
				target("vault.main", "secret/juice", plan.None, plan.Current),
			},
		},
		{
			Address: "account.sagi.milk", Provider: "sagi", Action: plan.BlockedAction, Reason: "credentials_rejected", Message: blocker.Message, Blocker: blocker,
			Targets: []plan.DocumentTarget{target("vault.main", "secret/milk", plan.BlockedAction, "credentials_rejected")},
		},
		{
			Address: "account.sagi.tea", Provider: "sagi", Action: plan.Refresh, Reason: plan.Expiring, Message: "the token expires in 1h5m",
			IssuedAt: at(
				-29 * 24 * time.Hour,
			), ExpiresAt: at(65 * time.Minute), RotateAt: at(-46 * time.Hour), VerifiedAt: at(0),
			Targets: []plan.DocumentTarget{target("vault.main", "secret/tea", plan.Deliver, plan.Expiring)},
		},
		{Address: "account.sagi.water", Provider: "sagi", Action: plan.None, Reason: plan.Disabled, Message: "enabled = false", Targets: []plan.DocumentTarget{}},
	}
	day := 24 * time.Hour
	for i := range d.Accounts {
		a := &d.Accounts[i]
		d.Summary[a.Action]++
		a.Clocks = []plan.DocumentClock{}
		if a.ExpiresAt != nil {
			a.Clocks = append(a.Clocks, plan.DocumentClock{Name: plan.AccessToken, Since: a.IssuedAt, At: a.ExpiresAt})
		}
		switch a.Address {
		case "account.invoicebox.main":
			judge(
				a,
				plan.Warn,
				"needs a human in 10d",
				at(10*day),
				plan.DocumentClock{Name: "static_token", Since: at(-80 * day), At: at(10 * day), Human: true},
			)
		case `account.sagi.beans["almaty"]`:
			judge(a, plan.Critical, "needs a human (target_not_owned)", at(0))
		case "account.sagi.coffee":
			judge(a, plan.Warn, "no token yet", nil)
		case "account.sagi.juice":
			judge(
				a,
				plan.Warn,
				"needs a human (credentials_rejected) in 300d",
				at(300*day),
				plan.DocumentClock{Name: plan.RefreshMaterial, Since: a.IssuedAt, At: at(300 * day), Human: true},
			)
		case "account.sagi.milk":
			judge(a, plan.Critical, "blocked (credentials_rejected)", at(-26*time.Hour))
		case "account.sagi.tea":
			judge(a, plan.Warn, "the rotation is overdue by 1d22h", nil)
		default:
			a.Health = plan.OK
		}
	}
	d.Health = d.Worst()
	return d
}

func judge(a *plan.DocumentAccount, h plan.Health, message string, human *time.Time, clocks ...plan.DocumentClock) {
	a.Health, a.HealthMessage, a.HumanNeededBy, a.Clocks = h, &message, human, append(a.Clocks, clocks...)
}

func quietDocument(n int) plan.Document {
	d := NoPlan(nil)
	d.Project = "payments"
	for i := range n {
		d.Accounts = append(d.Accounts, plan.DocumentAccount{
			Address: "account.sagi.shop" + strings.Repeat("x", i), Provider: "sagi", Action: plan.None, Reason: plan.Current,
			IssuedAt: at(0), ExpiresAt: at(30 * 24 * time.Hour), RotateAt: at(28 * 24 * time.Hour),
			Health: plan.OK, Clocks: []plan.DocumentClock{{Name: plan.AccessToken, Since: at(0),
				At: at(30 * 24 * time.Hour)}},
		})
	}
	d.Summary[plan.None] = n
	return d
}

func TestPlan(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		c := capture(false)
		NewPlan(c.Output, false).Show(busyDocument())
		checkGolden(t, c.both())
		fits(t, c.both())
	})
	t.Run("colour", func(t *testing.T) {
		c := capture(true)
		NewPlan(c.Output, false).Show(busyDocument())
		checkGolden(t, c.both())
	})
	t.Run("json", func(t *testing.T) {
		c := capture(false)
		NewPlan(c.Output, true).Show(busyDocument())
		checkGolden(t, c.both())
	})
	t.Run("nothing to do", func(t *testing.T) {
		c := capture(false)
		NewPlan(c.Output, false).Show(quietDocument(3))
		checkGolden(t, c.both())
	})
	t.Run("nothing to do for many", func(t *testing.T) {
		c := capture(false)
		NewPlan(c.Output, false).Show(quietDocument(11))
		checkGolden(t, c.both())
	})
	t.Run("no accounts", func(t *testing.T) {
		c := capture(false)
		NewPlan(c.Output, false).Show(quietDocument(0))
		checkGolden(t, c.both())
	})
}

// logLine is a line of a log, which is as long as it has to be.
var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[`)

// fits checks that only what has no space to break at goes beyond 80 columns.
func fits(t *testing.T, s string) {
	t.Helper()
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		if columns(line) > DefaultWidth && !logLine.MatchString(line) && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("%d columns: %s", columns(line), line)
		}
	}
}

func TestColourOnlyAdds(t *testing.T) {
	plain, coloured := capture(false), capture(true)
	for _, c := range []*captured{plain, coloured} {
		NewPlan(c.Output, false).Show(busyDocument())
		NewStatus(c.Output, StatusOptions{Details: true, Monitor: true}).Show(busyDocument())
		finishApply(c)
	}
	if diff := cmp.Diff(plain.both(), stripColour(coloured.both())); diff != "" {
		t.Errorf("without its escape sequences the coloured text differs:\n%s", diff)
	}
}

func stripColour(s string) string {
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	return s
}

func TestStatus(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		c := capture(false)
		NewStatus(c.Output, StatusOptions{}).Show(busyDocument())
		checkGolden(t, c.both())
		fits(t, c.both())
	})
	t.Run("colour", func(t *testing.T) {
		c := capture(true)
		NewStatus(c.Output, StatusOptions{}).Show(busyDocument())
		checkGolden(t, c.out.String())
	})
	t.Run("many that need attention", func(t *testing.T) {
		c := capture(false)
		d := quietDocument(30)
		for i := range d.Accounts {
			judge(&d.Accounts[i], plan.Warn, "no token yet", nil)
		}
		NewStatus(c.Output, StatusOptions{}).Show(d)
		if n := strings.Count(c.out.String(), "No token yet."); n != listedAttention || !strings.Contains(c.out.String(), "10 more need attention") {
			t.Errorf("%d are told of at length:\n%s", n, c.out.String())
		}
	})
	t.Run("the last run failed", func(t *testing.T) {
		c := capture(false)
		d := quietDocument(3)
		for i, a := range []plan.Action{plan.Refresh, plan.BlockedAction, plan.Deliver} {
			d.Accounts[i].Action, d.Accounts[i].Reason = a, plan.Expiring
			d.Accounts[i].LastFailure = &plan.DocumentFailure{At: *at(-10 * time.Minute), Message: fmt.Sprintf("The login failed. HTTP 50%d: no \x1b[31mservice", i)}
		}
		d.Accounts[1].Blocker = &plan.DocumentBlocker{Reason: plan.TargetNotOwned, Message: "it is another's"}
		judge(&d.Accounts[2], plan.Warn, "no token yet", nil)
		NewStatus(c.Output, StatusOptions{}).Show(d)
		fits(t, c.both())
		said := strings.Join(strings.Fields(c.out.String()), " ")
		for _, want := range []string{"The last run failed, 2026-01-15 11:50 UTC, 10m ago: The login failed. HTTP 500: no", "HTTP 502"} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, c.out.String())
			}
		}
		if strings.Contains(said, "HTTP 501") || strings.Contains(said, "\x1b") {
			t.Errorf("a human is needed, so how the last run ended is of no use; or a text is not clean:\n%s", c.out.String())
		}
	})
	t.Run("long addresses", func(t *testing.T) {
		c := capture(false)
		d := quietDocument(3)
		for i := range d.Accounts {
			d.Accounts[i].Address = fmt.Sprintf("account.bifit_kassa.shop[\"karaganda-%d\"]", i)
		}
		d.Accounts[0].Action, d.Accounts[0].Reason = plan.Reissue, plan.RefreshUnavailable
		NewStatus(c.Output, StatusOptions{}).Show(d)
		for line := range strings.Lines(c.out.String()) {
			if strings.Contains(line, "karaganda") && len(strings.Fields(line)) < 6 {
				t.Errorf("an account has two lines in the table:\n%s", c.out.String())
			}
		}
		fits(t, c.both())
	})
	t.Run("details", func(t *testing.T) {
		c := capture(false)
		d := busyDocument()
		schedule := "*/10 * * * *"
		d.Schedule, d.NextRuns = &schedule, []time.Time{
			*at(10 * time.Minute),
			*at(20 * time.Minute),
			*at(13 * time.Hour),
		}
		NewStatus(c.Output, StatusOptions{Details: true, Monitor: true}).Show(d)
		checkGolden(t, c.both())
		_, report, _ := strings.Cut(c.out.String(), "\n") // the first line is for machines
		fits(t, report)
	})
	t.Run("long address has its own line", func(t *testing.T) {
		c := capture(false)
		d := quietDocument(2)
		d.Accounts[1].Address = `account.bifit_kassa.till["kazakhstan-almaty-abay-avenue-150-shop-17-second-floor"]`
		NewStatus(c.Output, StatusOptions{}).Show(d)
		checkGolden(t, c.both())
	})
	t.Run("no accounts", func(t *testing.T) {
		c := capture(false)
		NewStatus(c.Output, StatusOptions{}).Show(quietDocument(0))
		checkGolden(t, c.both())
	})
}

// summary has an outcome of each kind.
func summary() *engine.Summary {
	rejected := &plan.Block{Reason: "credentials_rejected", Message: "log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 401: invalid credentials"}
	return &engine.Summary{Outcomes: []engine.Outcome{
		{
			Address: "account.sagi.coffee",
			Action:  plan.Issue,
			Reason:  plan.NoToken,
			Result:  engine.Done,
			Message: "no token yet",
			At:      noon,
		},
		{
			Address: "account.sagi.juice",
			Action:  plan.Deliver,
			Reason:  plan.TargetDrifted,
			Result:  engine.Blocked,
			Blocker: rejected,
			Message: rejected.Message,
			At:      noon,
		},
		{
			Address: `account.sagi.milk["a b"]`,
			Action:  plan.BlockedAction,
			Reason:  "credentials_rejected",
			Result:  engine.Blocked,
			Blocker: rejected,
			Message: rejected.Message,
			At:      noon,
		},
		{
			Address: "account.sagi.soda", Action: plan.Reissue, Reason: plan.Expired, Result: engine.Failed, Message: "The login failed. HTTP 502", At: noon,
			Diagnostics: diag.List{diag.Errorf("The login failed", "log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 502. Run apply again later.").About("account.sagi.soda", nil)},
		},
		{Address: "account.sagi.tea", Action: plan.Refresh, Reason: plan.Expiring, Result: engine.Done, At: noon},
		{Address: "account.sagi.wine", Action: plan.None, Reason: plan.Current, Result: engine.Done, At: noon},
	}}
}

func finishApply(c *captured) {
	v := NewApply(c.Output, false)
	runApply(v)
}

func runApply(v ApplyView) {
	s := summary()
	v.Begin(len(s.Outcomes))
	for _, o := range s.Outcomes {
		v.AccountStarted(
			&engine.AccountPlan{
				Decision: plan.Decision{Address: o.Address, Action: o.Action, Reason: o.Reason, Message: "why"},
			},
		)
		v.AccountDone(o)
	}
	v.Finish(s)
}

func TestApply(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		c := capture(false)
		finishApply(c)
		checkGolden(t, c.both())
		fits(t, c.out.String())
	})
	t.Run("json", func(t *testing.T) {
		c := capture(false)
		runApply(NewApply(c.Output, true))
		checkGolden(t, c.both())
	})
	t.Run("json failed before it began", func(t *testing.T) {
		c := capture(false)
		NewApply(c.Output, true).Failed(diag.List{diag.Errorf("No configuration files", "The directory has none.")})
		checkGolden(t, c.both())
	})
	t.Run("live line", func(t *testing.T) {
		c := capture(false)
		c.Err.Terminal = true
		finishApply(c)
		checkGolden(t, strings.NewReplacer(eraseLine, "\n<erase>").Replace(c.err.String()))
	})
}

func TestAccountsThatWereNotBegunAreToldInOne(t *testing.T) {
	s := &engine.Summary{}
	for i := range 1000 {
		address := fmt.Sprintf("account.sagi.shop%03d", i)
		s.Outcomes = append(s.Outcomes, engine.Outcome{
			Address: address, Action: plan.Issue, Reason: plan.NoToken, Result: engine.Failed, NotBegun: true,
			Message:     "not started",
			Diagnostics: diag.List{diag.Errorf("The account was not started", "Run apply again.").About(address, nil)},
		})
	}
	text := capture(false)
	NewApply(text.Output, false).Finish(s)
	if n := strings.Count(text.both(), "\n"); n > 20 {
		t.Errorf("%d lines for accounts that were not started", n)
	}
	for _, want := range []string{"1000 accounts not started", "shop000", "997 more", "1000 not started"} {
		if !strings.Contains(strings.Join(strings.Fields(text.both()), " "), want) {
			t.Errorf("%q is not in:\n%s", want, text.both())
		}
	}
	asJSON := capture(false)
	NewApply(asJSON.Output, true).Finish(s)
	if n := strings.Count(asJSON.out.String(), `"account_done"`); n != 1000 {
		t.Errorf("JSON has %d lines of accounts, want all", n)
	}
}

func TestErrorOfThePlanMakesTheApplyIncomplete(t *testing.T) {
	broken := diag.Errorf("The state cannot be read", "It is damaged.").About("account.sagi.tea", nil)
	for name, asJSON := range map[string]bool{"text": false, "json": true} {
		t.Run(name, func(t *testing.T) {
			c := capture(false)
			v := NewApply(c.Output, asJSON)
			d := quietDocument(1)
			d.Diagnostics = diag.List{broken}
			v.Planned(d)
			v.Begin(0)
			v.Finish(
				&engine.Summary{
					Outcomes: []engine.Outcome{
						{Address: "account.sagi.tea", Result: engine.Failed, Diagnostics: diag.List{broken}},
					},
				},
			)
			if !strings.Contains(c.out.String(), "Apply incomplete:") {
				t.Errorf("no word of the error:\n%s", c.out.String())
			}
			if n := strings.Count(c.both(), "It is damaged."); n != 1 {
				t.Errorf("the error is told %d times, want once:\n%s", n, c.both())
			}
		})
	}
}

func TestValidation(t *testing.T) {
	warning := diag.Warningf("Old syntax", "Use the new one.")
	context := `account "sagi" "coffee"`
	broken := diag.Diagnostic{
		Severity: diag.Error, Summary: "Unknown attribute", Detail: `An account of sagi has no attribute "phon". Did you mean "phone"?`,
		Range: &diag.Range{
			Filename: "main.hcl",
			Start:    diag.Pos{Line: 3, Column: 3, Byte: 30},
			End:      diag.Pos{Line: 3, Column: 7, Byte: 34},
		},
		Snippet: &diag.Snippet{
			Context:              &context,
			Code:                 "  phon = 1",
			StartLine:            3,
			HighlightStartOffset: 2,
			HighlightEndOffset:   6,
		},
	}
	for name, list := range map[string]diag.List{"valid": nil, "warned": {warning}, "broken": {broken, warning}} {
		t.Run(name, func(t *testing.T) {
			text, json := capture(false), capture(false)
			text.Validation(list, false)
			json.Validation(list, true)
			checkGolden(t, text.both()+json.both())
		})
	}
}

func TestVersion(t *testing.T) {
	v := Version{Version: "1.2.3", Commit: "abc", Go: "go1.26.0", Platform: "linux/amd64"}
	c := capture(false)
	c.Version(v, false)
	c.Version(v, true)
	checkGolden(t, c.both())
}
