package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

const day = 24 * time.Hour

// ParseDuration reads a duration as time.ParseDuration does, and also whole
// days: "90d", "1d12h". It accepts no negative one.
func ParseDuration(s string) (time.Duration, error) {
	wrong := func() (time.Duration, error) {
		return 0, fmt.Errorf("%q is not a duration: write a number and a unit, such as \"90s\", \"15m\", \"48h\" or \"7d\"", s)
	}
	var total time.Duration
	rest := s
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return wrong()
		}
		total, rest = time.Duration(n)*day, after
	}
	if rest != "" || s == "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || strings.ContainsAny(rest, "+-") {
			return wrong()
		}
		total += d
	}
	if total < 0 {
		return wrong()
	}
	return total, nil
}

// CheckDuration is the Check of an attribute that holds a duration.
func CheckDuration(v cty.Value) error {
	_, err := ParseDuration(v.AsString())
	return err
}

// Window is how long before its expiry a token is rotated: a duration, or a
// share of the token's lifetime.
type Window struct {
	Duration time.Duration
	// Percent of the lifetime, above 0 and below 100; used where it is not 0.
	Percent float64
}

// ParseWindow reads "48h" or "25%".
func ParseWindow(s string) (Window, error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p > 0 && p < 100) {
			return Window{}, fmt.Errorf("%q is not a share of the lifetime: write a number above 0 and below 100 before the %%, such as \"25%%\"", s)
		}
		return Window{Percent: p}, nil
	}
	d, err := ParseDuration(s)
	if err != nil {
		return Window{}, fmt.Errorf("%w, or a share of the lifetime such as \"25%%\"", err)
	}
	return Window{Duration: d}, nil
}

// CheckWindow is the Check of an attribute that holds a Window.
func CheckWindow(v cty.Value) error {
	_, err := ParseWindow(v.AsString())
	return err
}

// Of returns the window for a token of that lifetime.
func (w Window) Of(lifetime time.Duration) time.Duration {
	if w.Percent > 0 {
		return time.Duration(float64(lifetime) * w.Percent / 100)
	}
	return w.Duration
}
