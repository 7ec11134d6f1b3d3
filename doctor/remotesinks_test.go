package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// remote is a sink behind a server, which may lose records.
type remote struct {
	*memorysink.Sink
	server  sinks.Server
	down    error
	warning string
	lasts   error
}

func (r remote) Ping(context.Context) (sinks.Server, error) { return r.server, r.down }
func (r remote) Lasts(context.Context, sinks.Target) (string, error) {
	return r.warning, r.lasts
}

func TestServersOfSinksAreAskedFirst(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		state   remote
		offline bool
		want    []string
	}{
		"it serves":  {remote{}, false, []string{"ok sinks memory.state", "ok state memory/state", "ok state memory/state"}},
		"it is down": {remote{down: errors.New("it is sealed; unseal it")}, false, []string{"failed sinks memory.state", "skipped state memory.state"}},
		"its certificate ends soon": {remote{server: sinks.Server{CertificateEnds: now.Add(6 * 24 * time.Hour)}}, false, []string{
			"warning sinks memory.state", "ok sinks memory.state", "ok state memory/state", "ok state memory/state",
		}},
		"its certificate ends later": {remote{server: sinks.Server{CertificateEnds: now.Add(8 * 24 * time.Hour)}}, false, []string{"ok sinks memory.state", "ok state memory/state", "ok state memory/state"}},
		"it may lose records": {remote{warning: "Versions are deleted. Turn that off"}, false, []string{
			"ok sinks memory.state", "ok state memory/state", "warning state memory/state", "ok state memory/state",
		}},
		"it would lose records": {remote{lasts: fmt.Errorf("%w: versions are deleted; turn that off", sinks.ErrUnsupported)}, false, []string{
			"ok sinks memory.state", "ok state memory/state", "failed state memory/state", "ok state memory/state",
		}},
		"nobody knows whether it loses records": {remote{warning: "x", lasts: errors.New("odd")}, false, []string{"ok sinks memory.state", "ok state memory/state", "ok state memory/state"}},
		"offline":                               {remote{}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now = func() time.Time { return now }
			w.adjust = func(o *doctor.Options) {
				open := o.Gate.Open
				o.Offline = tt.offline
				o.Gate.Open = func(s *config.Sink) (sinks.Sink, error) {
					if s.Name == "memory.state" {
						tt.state.Sink = w.sinks["state"]
						return tt.state, nil
					}
					return open(s)
				}
			}
			r := w.examine(sagi("a", closedURL(t), ""))
			wantShort(t, r, []doctor.Group{doctor.Sinks, doctor.State}, tt.want...)
			if name == "it is down" {
				if got := lines(r, doctor.Sinks)[0]; !strings.Contains(got, "it is sealed -> Unseal it") {
					t.Error(got)
				}
			}
		})
	}
}

// Nothing is broken where only a person has to decide, and no person is needed where
// something is broken.
func TestAPersonsDecisionIsNoBreakage(t *testing.T) {
	for name, tt := range map[string]struct {
		checks        []doctor.Check
		broken, human bool
	}{
		"good":    {[]doctor.Check{{Outcome: doctor.OK}, {Outcome: doctor.Warning}, {Outcome: doctor.Skipped}}, false, false},
		"broken":  {[]doctor.Check{{Outcome: doctor.OK}, {Outcome: doctor.Failed}}, true, false},
		"human":   {[]doctor.Check{{Outcome: doctor.OK}, {Outcome: doctor.Failed, Human: true}}, false, true},
		"both":    {[]doctor.Check{{Outcome: doctor.Failed}, {Outcome: doctor.Failed, Human: true}}, true, true},
		"unasked": {[]doctor.Check{{Outcome: doctor.Warning, Human: true}}, false, false},
	} {
		r := doctor.Report{Checks: tt.checks}
		if r.Broken() != tt.broken || r.Human() != tt.human {
			t.Errorf("%s: broken %t, human %t", name, r.Broken(), r.Human())
		}
	}
	w := newWorld(t)
	w.with(planner{accounts: []*engine.AccountPlan{planned("a", func(ap *engine.AccountPlan) {
		ap.Blocker = &plan.Block{Reason: plan.NeedsCode}
	})}})
	if r := w.examine(sagi("a", serve(t, 0), "")); r.Broken() || !r.Human() {
		t.Errorf("blocked: broken %t, human %t", r.Broken(), r.Human())
	}
}
