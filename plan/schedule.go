package plan

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// scheduleRuns is how many runs ahead LongestGap looks: enough for each day
// and hour of an ordinary schedule, few enough to be cheap.
const scheduleRuns = 400

// LongestGap returns the longest time between two runs of a cron schedule of
// five fields, among the next runs after now; 0 for an empty schedule.
func LongestGap(schedule string, now time.Time) (time.Duration, error) {
	if schedule == "" {
		return 0, nil
	}
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return 0, fmt.Errorf("read the schedule %q: %w", schedule, err)
	}
	var longest time.Duration
	at := s.Next(now)
	for range scheduleRuns {
		next := s.Next(at)
		if next.IsZero() {
			break
		}
		longest = max(longest, next.Sub(at))
		at = next
	}
	return longest, nil
}
