package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
)

func TestNextRunsAreReadInUTCWhateverTheMachinesZone(t *testing.T) {
	almaty := time.FixedZone("+05", 5*60*60)
	for _, tt := range []struct{ schedule, want string }{
		{"0 3 * * *", "03-02 03:00"},
		{"*/10 * * * *", "03-01 12:10"},
		{"CRON_TZ=Asia/Almaty 0 3 * * *", "03-01 22:00"},
	} {
		runs, err := plan.NextRuns(tt.schedule, now.In(almaty), 3)
		if err != nil || len(runs) != 3 || runs[0].Format("01-02 15:04") != tt.want {
			t.Errorf("NextRuns(%q) = %v, %v; want three from %s", tt.schedule, runs, err, tt.want)
		}
	}
	if runs, err := plan.NextRuns("0 0 30 2 *", now, 3); err == nil {
		t.Errorf("30 February: %v", runs)
	}
}

func TestAScheduleThatCannotServeATokenIsNamedWithOneThatCan(t *testing.T) {
	window := func(d time.Duration) schema.Window { return schema.Window{Duration: d} }
	for _, tt := range []struct {
		name string
		life plan.Life
		says []string
	}{
		{"no schedule", plan.Life{Lifetime: 15 * time.Minute, RotateBefore: window(5 * time.Minute)}, nil},
		{"fast enough", plan.Life{Lifetime: 15 * time.Minute, RotateBefore: window(5 * time.Minute),
			RunsEvery: 5 * time.Minute}, nil},
		{"static", plan.Life{RotateBefore: window(5 * time.Minute), RunsEvery: time.Hour}, nil},
		{
			"a bank's quarter of an hour, each hour", plan.Life{Lifetime: 899 * time.Second, Documented: true, RotateBefore: window(5 * time.Minute),
				RunsEvery: time.Hour},
			[]string{"upstream's documentation, a token lives 14m59s", "up to 1h pass", `Run at least every 5 minutes (schedule = "*/5 * * * *")`, "`credsync run`"},
		},
		{
			"seconds", plan.Life{Lifetime: 90 * time.Second, RotateBefore: window(30 * time.Second), RunsEvery: time.Minute},
			[]string{"The token lives 1m30s", "No cron schedule is fast enough", "`credsync run`"},
		},
		{
			"a longer window would do", plan.Life{Lifetime: 30 * day, RotateBefore: window(48 * time.Hour), RunsEvery: 72 * time.Hour},
			[]string{"rotate_before to more than 3d", "every day", "0 3 * * *"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := tt.life.Warnings()
			if len(list) != min(len(tt.says), 1) {
				t.Fatalf("warnings %v", list)
			}
			for _, s := range tt.says {
				if !strings.Contains(list[0].Detail, s) {
					t.Errorf("%q is not in: %s", s, list[0].Detail)
				}
			}
		})
	}
}

// TestEverySuggestedScheduleWouldDo keeps the advice true: what is suggested
// for a window has no longer gaps than the window.
func TestEverySuggestedScheduleWouldDo(t *testing.T) {
	for window := time.Minute; window < 10*day; window += window / 3 {
		life := plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: window}, RunsEvery: 20 * day}
		_, rest, _ := strings.Cut(life.Warnings()[0].Detail, `schedule = "`)
		schedule, _, ok := strings.Cut(rest, `"`)
		if !ok {
			t.Fatalf("no schedule for %s: %s", window, life.Warnings()[0].Detail)
		}
		gap, err := plan.LongestGap(schedule, now)
		if err != nil || gap > window {
			t.Errorf("%q is suggested for %s and runs every %s (%v)", schedule, window, gap, err)
		}
	}
}

func TestTheDocumentedLifetimeCountsUntilThereIsAToken(t *testing.T) {
	a := good()
	a.RunsEvery, a.Lifetime = time.Hour, 15*time.Minute
	a.RotateBefore = schema.Window{Percent: 30}
	if w := plan.Decide(a).Warnings; len(w) != 0 {
		t.Errorf("the token lives 30 days, and yet: %v", w)
	}
	a.Token = nil
	if w := plan.Decide(a).Warnings; len(w) != 1 || !strings.Contains(w[0].Detail, "According to the upstream's documentation") {
		t.Errorf("warnings %v", w)
	}
}
