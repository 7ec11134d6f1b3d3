package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
)

func TestRotationKeepsToItsWindow(t *testing.T) {
	issued := now
	for _, tt := range []struct {
		name      string
		lifetime  time.Duration
		before    schema.Window
		window    time.Duration
		shortened bool
	}{
		{"duration", 30 * 24 * time.Hour, schema.Window{Duration: 48 * time.Hour}, 48 * time.Hour, false},
		{"percent", 100 * time.Hour, schema.Window{Percent: 25}, 25 * time.Hour, false},
		{"not below the lifetime", 3 * time.Hour, schema.Window{Duration: 48 * time.Hour}, time.Hour, true},
		{"equal to the lifetime", 3 * time.Hour, schema.Window{Duration: 3 * time.Hour}, time.Hour, true},
		{"nearly the lifetime", 100 * time.Hour, schema.Window{Percent: 99}, 99 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expires := issued.Add(tt.lifetime)
			for i := range 500 {
				r := plan.RotationOf(fmt.Sprintf("account.x.a%d", i), issued, expires, tt.before)
				if r.Window != tt.window || r.Shortened != tt.shortened {
					t.Fatalf("got %+v", r)
				}
				latest := expires.Add(-tt.window)
				if r.At.After(latest) {
					t.Fatalf("the jitter postponed the rotation to %s, after %s", r.At, latest)
				}
				if r.At.Before(latest.Add(-tt.window / 10)) {
					t.Fatalf("the jitter is more than a tenth of the window: %s", latest.Sub(r.At))
				}
				if !r.At.After(issued) {
					t.Fatalf("a new token is due at once: %s", r.At)
				}
			}
		})
	}
}

func TestRotationJitterSpreadsAccountsAndStaysPut(t *testing.T) {
	expires := now.Add(1000 * time.Hour)
	before := schema.Window{Duration: 100 * time.Hour}
	buckets := make([]int, 10)
	for i := range 1000 {
		address := fmt.Sprintf("account.sagi.shop[%q]", fmt.Sprint(i))
		r := plan.RotationOf(address, now, expires, before)
		if again := plan.RotationOf(address, now, expires, before); again != r {
			t.Fatal("the jitter is drawn again at each evaluation")
		}
		early := expires.Add(-r.Window).Sub(r.At)
		buckets[min(int(early/time.Hour), 9)]++
	}
	for hour, n := range buckets {
		if n < 50 || n > 200 {
			t.Errorf("%d of 1000 accounts are due in hour %d of 10: not spread", n, hour)
		}
	}
}

func TestRotationOfAStaticTokenIsNever(t *testing.T) {
	if r := plan.RotationOf("a", now, time.Time{}, schema.Window{Duration: time.Hour}); !r.At.IsZero() || r.Shortened {
		t.Errorf("got %+v", r)
	}
}

func TestLongestGap(t *testing.T) {
	for _, tt := range []struct {
		schedule string
		want     time.Duration
		bad      bool
	}{
		{"", 0, false},
		{"*/10 * * * *", 10 * time.Minute, false},
		{"0 9-17 * * *", 16 * time.Hour, false},
		{"0 3 * * 1-5", 72 * time.Hour, false},
		{"61 * * * *", 0, true},
	} {
		got, err := plan.LongestGap(tt.schedule, now)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("LongestGap(%q) = %s, %v; want %s", tt.schedule, got, err, tt.want)
		}
	}
}

func TestDurationUsesTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 250 * time.Millisecond: "250ms", 42 * time.Second: "42s",
		90 * time.Second: "1m30s", time.Hour: "1h", 65 * time.Minute: "1h5m", 49 * time.Hour: "2d1h", 48 * time.Hour: "2d",
	} {
		if got := plan.Duration(d); got != want {
			t.Errorf("Duration(%s) = %q, want %q", d, got, want)
		}
	}
}
