package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema/diag"
)

// gauge is the value of a metric without labels.
func gauge(t *testing.T, d *Daemon, name string) float64 {
	t.Helper()
	return gathered(t, d, name).GetGauge().GetValue()
}

func TestTheMetricsSayHowTheDaemonStands(t *testing.T) {
	broken := diag.List{diag.Errorf("It is broken", "%s", "detail")}
	for name, c := range map[string]struct {
		status                     publishedStatus
		ready, state, config, busy float64
	}{
		"before anything was read":       {publishedStatus{}, 0, 0, 0, 0},
		"the configuration is there":     {publishedStatus{configRead: t0}, 0, 0, 1, 0},
		"at work":                        {publishedStatus{configRead: t0, stateTried: true, working: 3}, 1, 1, 1, 3},
		"a broken one has come":          {publishedStatus{configRead: t0, configErr: broken, stateTried: true}, 1, 1, 0, 0},
		"the state cannot be read":       {publishedStatus{configRead: t0, stateTried: true, stateErr: errors.New("down")}, 0, 0, 1, 0},
		"stopping, and still working":    {publishedStatus{configRead: t0, stateTried: true, stopping: true, working: 1}, 0, 1, 1, 1},
		"broken from the beginning on":   {publishedStatus{configErr: broken, stateTried: true}, 1, 1, 0, 0},
		"broken, and nothing was tried":  {publishedStatus{configErr: broken}, 0, 0, 0, 0},
		"the state could be read before": {publishedStatus{configRead: t0, stateRead: t0, stateTried: true, stateErr: errors.New("down")}, 0, 0, 1, 0},
	} {
		d, _ := still(4)
		d.uses()
		d.publish(func(v *publishedStatus) { *v = c.status })
		got := [4]float64{gauge(t, d, "credsync_ready"), gauge(t, d, "credsync_state_reachable"), gauge(t, d, "credsync_config_last_reload_successful"), gauge(t, d, "credsync_working")}
		if want := [4]float64{c.ready, c.state, c.config, c.busy}; got != want {
			t.Errorf("%s: ready, state reachable, config good, working are %v, want %v", name, got, want)
		}
	}
}

func TestTheViewHasWhatIsWrong(t *testing.T) {
	d, _ := still(4)
	if p := d.Plan(); p.Project != "" || len(p.Accounts) != 0 || len(p.Diagnostics) != 0 || !p.CreatedAt.Equal(t0) {
		t.Errorf("before anything was read: %+v", p)
	}
	d.uses()
	d.current.Config.Project = "shop"
	d.configBroken(diag.List{diag.Errorf("It is broken", "%s", "detail")})
	d.stateKnown(errors.New("it is sealed"), t0)
	p := d.Plan()
	if p.Project != "shop" {
		t.Errorf("%+v", p)
	}
	if len(p.Diagnostics) != 2 || p.Diagnostics[0].Summary != "It is broken" ||
		p.Diagnostics[1].Summary != "The state cannot be read" ||
		!strings.Contains(p.Diagnostics[1].Detail, "sealed") {
		t.Errorf("%+v", p.Diagnostics)
	}
	d.configGood(t0)
	d.stateKnown(nil, t0)
	if p := d.Plan(); len(p.Diagnostics) != 0 {
		t.Errorf("when it is good again: %+v", p.Diagnostics)
	}
}

// Who asks whether the daemon is ready is told the first error, with its place.
func TestAnUnreadyDaemonNamesTheFirstError(t *testing.T) {
	warning, wrong := diag.Warningf("It is odd", "%s", "x"), diag.Errorf("It is broken", "%s", "Mend it.")
	placed := wrong.About("", &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: 3, Column: 5}})
	for _, c := range []struct {
		diags diag.List
		want  string
	}{
		{diag.List{warning, placed, wrong}, "the configuration cannot be used: main.hcl:3,5: It is broken: Mend it."},
		{diag.List{wrong}, "the configuration cannot be used: It is broken: Mend it."},
		{diag.List{warning}, "the configuration cannot be used: unknown"},
	} {
		d, _ := still(4)
		d.configBroken(c.diags)
		if err := d.Ready(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// When the state was last read is kept while it cannot be.
func TestWhenTheStateWasReadIsKept(t *testing.T) {
	d, lines := still(4)
	for i, c := range []struct {
		err  error
		at   time.Time
		news bool
		read time.Time
	}{
		{nil, at(1), true, at(1)}, {nil, at(2), false, at(2)}, {errors.New("down"), at(3), true, at(2)},
		{errors.New("down"), at(4), false, at(2)}, {nil, at(5), true, at(5)},
	} {
		if news := d.stateKnown(c.err, c.at); news != c.news || !d.status.stateRead.Equal(c.read) {
			t.Errorf("%d: news %t, read %s", i, news, d.status.stateRead)
		}
		if got := gauge(t, d, "credsync_state_last_read_timestamp_seconds"); got != float64(c.read.Unix()) {
			t.Errorf("%d: the metric is %v", i, got)
		}
	}
	if s := lines.String(); strings.Count(s, "the state cannot be read; trying again: error=down") != 1 || strings.Count(s, "the state can be read") != 2 {
		t.Error(s)
	}
}
