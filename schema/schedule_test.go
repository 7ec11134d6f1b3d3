package schema_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
)

// wednesday is in the middle of a week, a month and a year.
var wednesday = time.Date(2026, time.July, 15, 12, 0, 0, 0, time.UTC)

func TestSchedulesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"0 3 * * *":                     "2026-07-16 03:00",
		"CRON_TZ=Asia/Almaty 0 3 * * *": "2026-07-15 22:00",
		"TZ=Asia/Almaty 0 3 * * *":      "2026-07-15 22:00",
		"CRON_TZ=Asia/Almaty @daily":    "2026-07-15 19:00",
		"CRON_TZ=UTC  0 3 * * *":        "2026-07-16 03:00",
		"@hourly":                       "2026-07-15 13:00",
		"@every 90m":                    "2026-07-15 13:30",
		"@weekly":                       "2026-07-19 00:00",
		"0 3 * * 7":                     "2026-07-19 03:00",
		"0 3 * * 0":                     "2026-07-19 03:00",
		"0 3 * * sun":                   "2026-07-19 03:00",
		"0 3 * * 6-7":                   "2026-07-18 03:00",
		"0 3 * * sat-sun":               "2026-07-18 03:00",
		"0 3 * * 5-7/2":                 "2026-07-17 03:00",
		"0 3 * * 1,7":                   "2026-07-19 03:00",
		"0 0 29 2 *":                    "2028-02-29 00:00",
		"  */10   *  *   * * ":          "2026-07-15 12:10",
		"CRON_TZ=America/Argentina/Ushuaia 0 0 * * *": "2026-07-16 03:00",
	} {
		s, err := schema.ParseSchedule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := s.Next(wednesday).Format("2006-01-02 15:04"); got != want {
			t.Errorf("%q comes at %s, want %s", text, got, want)
		}
	}
}

func TestSchedulesThatCannotBeAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"CRON_TZ=Asia/Almati 0 3 * * *":     `time zone "Asia/Almati" is not known`,
		"CRON_TZ=Asia/Almaty":               "five fields",
		"CRON_TZ= 0 3 * * *":                `time zone "" is not known`,
		"CRON_TZ=Local 0 3 * * *":           `time zone "Local" is not known`,
		"CRON_TZ=../x 0 3 * * *":            "is not known",
		"CRON_TZ=UTC CRON_TZ=UTC 0 3 * * *": "five fields",
		"CRON_TZ=UTC TZ=UTC":                "five fields",
		"0 0 30 2 *":                        "never occurs",
		"0 0 31 4,6,9,11 *":                 "never occurs",
		"0 3 * *":                           "five fields",
		"0 0 3 * * *":                       "five fields",
		"0 3 * * 8":                         "five fields",
		"0 3 * * 3-1":                       "five fields",
		"@reboot":                           "@hourly",
		"":                                  "five fields",
		"hourly":                            "@hourly",
	} {
		if _, err := schema.ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Days of the week are written by number or by name, with Sunday as 0 or as 7.
func TestTheDaysOfAWeek(t *testing.T) {
	for field, want := range map[string]string{
		"0": "Sun", "7": "Sun", "SUN": "Sun", "mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
		"mon-sun": "Mon Tue Wed Thu Fri Sat Sun", "tue-sun": "Tue Wed Thu Fri Sat Sun", "wed-7": "Wed Thu Fri Sat Sun", "thu-sun": "Thu Fri Sat Sun", "fri-sun": "Fri Sat Sun",
		"0-7": "Mon Tue Wed Thu Fri Sat Sun", "sun-7": "Mon Tue Wed Thu Fri Sat Sun", "0-7/7": "Sun", "7-7": "Sun", "1-7/3": "Mon Thu Sun", "1-7/6": "Mon Sun", "4-sun/2": "Thu Sat",
		"1,7": "Mon Sun", "sat-sun,2": "Tue Sat Sun", "sun-tue": "Mon Tue Sun", "1-5/2": "Mon Wed Fri", "*": "Mon Tue Wed Thu Fri Sat Sun",
		"8": "", "1-8": "", "-7": "", "x-7": "", "5-7/0": "", "5-7/8": "", "5-7/x": "", "7/2": "Sun",
	} {
		s, err := schema.ParseSchedule("0 3 * * " + field)
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", field, err)
			}
			continue
		}
		var days []string
		for at := s.Next(time.Date(2026, 7, 13, 0, 0, 0, 0, time.UTC)); at.Before(time.Date(2026, 7, 20, 0, 0, 0, 0,
			time.UTC)); at = s.Next(at) {
			days = append(days, at.Format("Mon"))
		}
		if got := strings.Join(days, " "); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

func TestTheLongestGapIsFoundWhenever(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"* * * * *":         time.Minute,
		"*/10 * * * *":      10 * time.Minute,
		"0 3 * * *":         day,
		"*/5 8-20 * * 1-5":  2*day + 11*time.Hour + 5*time.Minute,
		"*/10 8-20 * * 1-5": 2*day + 11*time.Hour + 10*time.Minute,
		"* * 1 * *":         30*day + time.Minute,
		"*/5 9-17 * 1-6 *":  184*day + 15*time.Hour + 5*time.Minute,
		"0 3 1 1 *":         366 * day,
		"@every 36h":        36 * time.Hour,
		"0 0,12,18 * * *":   12 * time.Hour,
		"0 3 * * 7":         7 * day,
		"30 23 * * *":       day,
		"0 0 29 2 *":        1461 * day,
	} {
		s, err := schema.ParseSchedule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, now := range []time.Time{wednesday, wednesday.AddDate(0, 0, 3),
			time.Date(2026, 6, 30, 23, 59, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} {
			if got := s.LongestGap(now); got != want {
				t.Errorf("%q at %s: %s, want %s", text, now, got, want)
			}
		}
	}
}

// FuzzSchedule: whatever is written is refused, or comes.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"* * * * *", "CRON_TZ=UTC", "TZ=", "CRON_TZ=Asia/Almaty @daily", "0 0 30 2 *", "@every 1ns", "0 3 * * 5-7/2", "*/0 * * * *", "1-7 7 7 7 7-7", "@every -1h", "TZ=UTC TZ=UTC 1 1 1 1 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.ParseSchedule(text)
		if err != nil {
			return
		}
		if next := s.Next(wednesday); !next.After(wednesday) || s.LongestGap(wednesday) <= 0 {
			t.Errorf("%q: next %s, gap %s", text, next, s.LongestGap(wednesday))
		}
	})
}
