package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // images without a shell have no zones either

	"github.com/robfig/cron/v3"
)

// Schedule is when runs come, as cron has it.
type Schedule struct{ cron cron.Schedule }

var cronFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseSchedule reads five cron fields, or a word such as @hourly. They are read in
// UTC, as Kubernetes and CI services do, unless CRON_TZ= begins them: the same
// schedule must not mean something else on an operator's laptop.
func ParseSchedule(text string) (Schedule, error) {
	zone, fields, err := scheduleZone(text)
	if err != nil {
		return Schedule{}, err
	}
	parsed, err := parseFields(fields)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a cron schedule: write five fields (minute, hour, day of month, month, day of week), such as \"*/10 * * * *\", "+
			"or one of @hourly, @daily, @weekly, @monthly, @yearly and \"@every 1h30m\"", text)
	}
	if spec, ok := parsed.(*cron.SpecSchedule); ok {
		spec.Location = zone
	}
	s := Schedule{cron: parsed}
	if s.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("%q never occurs: none of the named months has such a day", text)
	}
	return s, nil
}

// scheduleZone takes the zone off a schedule.
func scheduleZone(text string) (zone *time.Location, fields string, err error) {
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		rest, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
		if !ok {
			continue
		}
		name, fields, _ := strings.Cut(rest, " ")
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" || zone == time.Local {
			return nil, "", fmt.Errorf("the time zone %q is not known: write a name from the IANA database, such as %sAsia/Almaty or %sUTC", name, prefix, prefix)
		}
		return zone, fields, nil
	}
	return time.UTC, text, nil
}

func parseFields(text string) (parsed cron.Schedule, err error) {
	if strings.HasPrefix(strings.TrimSpace(text), "TZ=") || strings.HasPrefix(strings.TrimSpace(text), "CRON_TZ=") {
		return nil, errors.New("two zones") // which the library would take, or panic on
	}
	fields := strings.Fields(text)
	if len(fields) == 5 {
		fields[4] = sundayIsZero(fields[4])
	}
	return cronFields.Parse(strings.Join(fields, " "))
}

var weekdays = map[string]int{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

// sundayIsZero writes the days of the week without a 7, which most crons take for
// Sunday, alone or at the end of a range.
func sundayIsZero(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, _ := strings.Cut(part, "/")
		low, high, isRange := strings.Cut(days, "-")
		first, every := weekday(low), 1
		last := first
		if isRange {
			if last = weekday(high); last == 0 && first > 0 {
				last = 7 // "sat-sun"
			}
		}
		if step != "" {
			every, _ = strconv.Atoi(step)
		}
		if last != 7 || first < 0 || first > 7 || every < 1 || every > 7 {
			continue // as the library reads it, or refuses it
		}
		var list []string
		for day := first; day <= last; day += every {
			list = append(list, strconv.Itoa(day%7))
		}
		slices.Sort(list)
		parts[i] = strings.Join(list, ",")
	}
	return strings.Join(parts, ",")
}

// weekday is -1 for what is none.
func weekday(s string) int {
	if day, ok := weekdays[strings.ToLower(s)]; ok {
		return day
	}
	if day, err := strconv.Atoi(s); err == nil && day >= 0 && day <= 7 {
		return day
	}
	return -1
}

// Next returns the first run after a time.
func (s Schedule) Next(after time.Time) time.Time {
	at := s.cron.Next(after.UTC())
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// gapSpan is how far ahead LongestGap looks: every day and month of a year comes in it.
const gapSpan = 400 * 24 * time.Hour

// LongestGap returns the longest time between two runs in about the next year, or
// between two that are further apart. It goes from day to day, since the runs of one
// day come at the same times as those of another.
func (s Schedule) LongestGap(now time.Time) time.Duration {
	spec, ok := s.cron.(*cron.SpecSchedule)
	if !ok {
		first := s.Next(now)
		return s.Next(first).Sub(first)
	}
	longest := longestInDay(spec)
	hour, minute := highest(spec.Hour, 23), highest(spec.Minute, 59)
	var before time.Time
	for at := s.Next(now); !at.IsZero(); at = s.Next(before) {
		if !before.IsZero() {
			longest = max(longest, at.Sub(before))
		}
		if !before.IsZero() && before.After(now.Add(gapSpan)) {
			break
		}
		day := at.In(spec.Location)
		before = time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, spec.Location)
		if before.Before(at) {
			before = at
		}
	}
	return longest
}

// longestInDay is the longest time between two runs of one day; 0 where it has one.
func longestInDay(spec *cron.SpecSchedule) time.Duration {
	longest, before := 0, -1
	for at := range 24 * 60 {
		if spec.Hour&(1<<(at/60)) == 0 || spec.Minute&(1<<(at%60)) == 0 {
			continue
		}
		if before >= 0 {
			longest = max(longest, at-before)
		}
		before = at
	}
	return time.Duration(longest) * time.Minute
}

// highest is the highest of the bits up to one that is set.
func highest(bits uint64, from int) int {
	for bits&(1<<from) == 0 && from > 0 {
		from--
	}
	return from
}
