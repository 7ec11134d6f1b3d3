package plan

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/schema"
)

// LongestGap returns the longest time between two runs of a schedule; 0 for an empty
// one.
func LongestGap(schedule string, now time.Time) (time.Duration, error) {
	if schedule == "" {
		return 0, nil
	}
	s, err := schema.ParseSchedule(schedule)
	if err != nil {
		return 0, err
	}
	return s.LongestGap(now), nil
}

// NextRuns returns the next n runs of a schedule after now; none for an empty one.
func NextRuns(schedule string, now time.Time, n int) ([]time.Time, error) {
	if schedule == "" {
		return nil, nil
	}
	s, err := schema.ParseSchedule(schedule)
	if err != nil {
		return nil, err
	}
	var runs []time.Time
	for at := s.Next(now); len(runs) < n && !at.IsZero(); at = s.Next(at) {
		runs = append(runs, at)
	}
	return runs, nil
}

// Life is what the rotation of an account's tokens depends on, be there a token
// already or not.
type Life struct {
	// Lifetime of a token; 0 where it does not expire or nobody knows.
	Lifetime time.Duration
	// Documented says that Lifetime is the upstream's word, not a token's.
	Documented   bool
	RotateBefore schema.Window
	// RunsEvery is the longest time between two runs; 0 if not known.
	RunsEvery time.Duration
}

// Warnings are of a window and a schedule that cannot work.
func (l Life) Warnings() []Warning {
	if l.Lifetime <= 0 {
		return nil
	}
	var list []Warning
	epoch := time.Unix(0, 0)
	r := RotationOf("", epoch, epoch.Add(l.Lifetime), l.RotateBefore)
	if r.Shortened {
		list = append(list, Warning{
			"rotate_before is not shorter than the token's lifetime",
			fmt.Sprintf("%s, so rotate_before would replace it at each run. A third of its lifetime, %s, is used instead; set rotate_before to less than %s.",
				l.subject(), Duration(r.Window), Duration(l.Lifetime)),
		})
	}
	if l.RunsEvery > r.Window {
		list = append(list, Warning{
			"The schedule is too slow for this token",
			fmt.Sprintf("%s and is replaced in its last %s, but up to %s pass between two runs, so it can expire before a run replaces it. %s",
				l.subject(), Duration(r.Window), Duration(l.RunsEvery), l.remedy(r)),
		})
	}
	return list
}

func (l Life) subject() string {
	if l.Documented {
		return fmt.Sprintf("According to the upstream's documentation, a token lives %s", Duration(l.Lifetime))
	}
	return "The token lives " + Duration(l.Lifetime)
}

// remedy says which schedule would do, or which window, or that none does.
func (l Life) remedy(r Rotation) string {
	const stayUp = "`credsync run`, which stays up and replaces each token when it is due"
	every, ok := slowestCron(r.Window)
	if !ok {
		return "No cron schedule is fast enough for it: use " + stayUp + "."
	}
	text := fmt.Sprintf("Run at least every %s (schedule = %q), or use %s", words(every.gap), every.schedule, stayUp)
	if l.RunsEvery < l.Lifetime-r.Window && !r.Shortened {
		text = fmt.Sprintf("Set rotate_before to more than %s, or run at least every %s (schedule = %q), or use %s", Duration(l.RunsEvery), words(every.gap), every.schedule, stayUp)
	}
	return text + "."
}

// everyCron is a schedule with equal gaps.
type everyCron struct {
	gap      time.Duration
	schedule string
}

// crons are from slow to fast.
var crons = []everyCron{
	{7 * day, "0 3 * * 1"}, {day, "0 3 * * *"}, {12 * time.Hour, "0 */12 * * *"}, {6 * time.Hour, "0 */6 * * *"},
	{4 * time.Hour, "0 */4 * * *"}, {2 * time.Hour, "0 */2 * * *"}, {time.Hour, "0 * * * *"},
	{30 * time.Minute, "*/30 * * * *"}, {20 * time.Minute, "*/20 * * * *"}, {15 * time.Minute, "*/15 * * * *"},
	{10 * time.Minute, "*/10 * * * *"}, {5 * time.Minute, "*/5 * * * *"}, {2 * time.Minute, "*/2 * * * *"}, {time.Minute, "* * * * *"},
}

// slowestCron is the one that puts least load on the upstream.
func slowestCron(window time.Duration) (everyCron, bool) {
	for _, c := range crons {
		if c.gap <= window {
			return c, true
		}
	}
	return everyCron{}, false
}

// words writes a gap out, in its only unit.
func words(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / u.unit; n > 1 {
			return fmt.Sprintf("%d %ss", n, u.name)
		} else if n == 1 {
			return u.name
		}
	}
	return Duration(d)
}
