package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/google/go-cmp/cmp"
)

func TestPlanExitCode(t *testing.T) {
	tests := map[string]struct {
		plan        *engine.Plan
		plain       int
		detailed    int
		afterLogins int
	}{
		"current":             {planned(current), 0, 0, 0},
		"changes":             {planned(current, missing), 0, 2, 0},
		"blocked":             {planned(rejected), 0, 3, 1},
		"changes and blocked": {planned(rejected, missing), 0, 2, 1},
		"error and changes":   {withError(planned(unread, missing), unread.Address), 1, 1, 1},
		"no account at all":   {withError(planned(), ""), 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{plans: []*engine.Plan{tt.plan}}
			got := []int{
				command(t, f, []string{"plan"}).code,
				command(t, f, []string{"plan", "--detailed-exitcode"}).code,
				command(t, f, []string{"plan", "--authenticate"}).code,
			}
			if diff := cmp.Diff([]int{tt.plain, tt.detailed, tt.afterLogins}, got); diff != "" {
				t.Errorf("exit codes of plain, detailed and --authenticate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanPassesItsRequestOn(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{planned(current)}}
	command(t, f, []string{"plan", "--target", "sagi.a", "--target", "sagi.b", "--replace", "sagi.b", "--offline"})
	want := []engine.Request{
		{
			Targets:   []string{"sagi.a", "sagi.b"},
			Replace:   []string{"sagi.b"},
			Offline:   true,
			Preflight: true,
			LookOnly:  true,
		},
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAuthenticatePlansAgainWithoutReplacingAgain(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{planned(missing), planned(current)}}
	got := command(t, f, []string{"plan", "--authenticate", "--replace", "sagi.b"})
	if got.code != 0 || f.proved != 1 || f.applied != 0 {
		t.Errorf("exit %d after %d authentications and %d applies\n%s", got.code, f.proved, f.applied, got.stderr)
	}
	if len(f.requests) != 2 || len(f.requests[1].Replace) != 0 {
		t.Errorf("requests %+v, want a second one that replaces nothing", f.requests)
	}
	if !strings.Contains(got.stdout, "No changes.") {
		t.Errorf("the plan shown is not the second one:\n%s", got.stdout)
	}
}

func TestFailureToAuthenticateIsInTheDocument(t *testing.T) {
	failed := outcome(missing, engine.Failed)
	failed.Diagnostics = diag.List{diag.Errorf("The login failed", "HTTP 502.").About(missing.Address, nil)}
	f := &fakeEngine{
		plans:   []*engine.Plan{planned(missing)},
		summary: engine.Summary{Outcomes: []engine.Outcome{failed}},
	}
	got := command(t, f, []string{"plan", "--authenticate", "--json", "--detailed-exitcode"})
	var d plan.Document
	if err := json.Unmarshal([]byte(got.stdout), &d); err != nil {
		t.Fatal(err)
	}
	if got.code != 1 || len(d.Diagnostics) != 1 || d.Diagnostics[0].Address != missing.Address {
		t.Errorf("exit %d with %+v", got.code, d.Diagnostics)
	}
}

func TestAuthenticateDoesNotGoWithOffline(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
	if got := command(t, f, []string{"plan", "--authenticate", "--offline"}); got.code != 1 || f.proved != 0 {
		t.Errorf("exit %d after %d authentications", got.code, f.proved)
	}
}

func TestPlanWarnsWhereTheStateWillNotLast(t *testing.T) {
	tests := map[string]struct{ env, want string }{
		"kubernetes": {"KUBERNETES_SERVICE_HOST=10.0.0.1", "a Kubernetes pod"},
		"github":     {"GITHUB_ACTIONS=true", "a CI runner"},
		"gitlab":     {"GITLAB_CI=true", "a CI runner"},
		"any ci":     {"CI=true", "a CI runner"},
		"a laptop":   {"CI=false", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{plans: []*engine.Plan{planned(current)}}
			got := command(t, f, []string{"plan"}, tt.env)
			warned := strings.Contains(got.stderr, "The state will be lost after this run")
			if warned != (tt.want != "") || !strings.Contains(got.stderr, tt.want) || got.code != 0 {
				t.Errorf("exit %d, standard error:\n%s", got.code, got.stderr)
			}
		})
	}
}

func TestJSONIsValidWhereNoPlanCanBeMade(t *testing.T) {
	for _, name := range []string{"plan", "status"} {
		t.Run(name, func(t *testing.T) {
			got := command(t, nil, []string{name, "--json"})
			var d plan.Document
			if err := json.Unmarshal([]byte(got.stdout), &d); err != nil {
				t.Fatal(err)
			}
			if got.code != 1 || !d.Diagnostics.HasErrors() || d.Accounts == nil || len(d.Summary) != len(plan.Actions) {
				t.Errorf("exit %d with\n%s", got.code, got.stdout)
			}
			if got.stderr != "" {
				t.Errorf("standard error: %s", got.stderr)
			}
		})
	}
}

func TestPlanIsSavedForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
	if got := command(t, f, []string{"-C", dir, "plan", "--out", "p"}); got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	info, err := os.Stat(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode().Perm())
	}
}

func TestSavedPlanTellsThatItNeedsItsVariables(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
	got := command(t, f, []string{"-C", t.TempDir(), "plan", "--out", "p", "--var", "a=b"})
	if want := "with the same --var"; got.code != 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("code %d, stderr without %q:\n%s", got.code, want, got.stderr)
	}
}

func TestPlanWithErrorsIsNotSaved(t *testing.T) {
	dir := t.TempDir()
	f := &fakeEngine{plans: []*engine.Plan{withError(planned(unread, missing), unread.Address)}}
	got := command(t, f, []string{"-C", dir, "plan", "--out", "p"})
	if _, err := os.Stat(filepath.Join(dir, "p")); err == nil || got.code != 1 {
		t.Errorf("exit %d; the file's error is %v", got.code, err)
	}
}
