package described

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

const (
	// longestLife is the longest expires_in that is believed.
	longestLife = 10 * 365 * 24 * time.Hour
	// milliseconds is the number from which on a Unix time is in milliseconds: in
	// seconds it would be beyond the year 5000.
	milliseconds = 1e11
	// unknownLife is how long a token is taken to live where nothing says so, be it the
	// description: too short a time costs a login, too long a one an outage.
	unknownLife = time.Hour
)

// clock reads how long things last. What it cannot read it warns of: no such thing is
// worth a token.
type clock struct {
	scope *scope
	// from is when what is counted began.
	from     time.Time
	warnings []string
}

// expiry is when a token ends; zero for one that does not. The earlier of what the answer
// and of what the token itself says counts, and the lifetime where neither speaks.
func (c *clock) expiry(t *TokenOperation, access credential.Secret) time.Time {
	said := c.said("", t.ExpiresIn, t.ExpiresAt)
	if at := upstream.Earlier(said, upstream.JWTExpiry(access)); !at.IsZero() {
		return at
	}
	if t.NeverExpires {
		return time.Time{}
	}
	if t.Lifetime != nil {
		d, err := c.scope.duration(t.Lifetime)
		if err == nil {
			return c.from.Add(d)
		}
		c.warn("lifetime", t.Lifetime, err)
	}
	c.warnings = append(c.warnings, fmt.Sprintf(
		"Nothing says how long the token lives, so credsync takes it to live for %s. Set lifetime in %s (%s).",
		"1h", c.scope.c.title(), c.scope.c.Place))
	return c.from.Add(unknownLife)
}

// said is when something ends by an answer's word; zero where it has none.
func (c *clock) said(prefix string, in, at schema.Expr) time.Time {
	var ends time.Time
	if in != nil {
		ends = c.read(prefix+"expires_in", in, func(v cty.Value) (time.Time, error) { return expiresIn(c.from, v) })
	}
	if at != nil {
		ends = upstream.Earlier(ends, c.read(prefix+"expires_at", at, expiresAt))
	}
	return ends
}

// read evaluates a time. null means that nothing is said.
func (c *clock) read(part string, e schema.Expr, parse func(cty.Value) (time.Time, error)) time.Time {
	v, err := c.scope.eval(e)
	if err == nil {
		v, err = undamaged(v)
	}
	if err == nil && v.IsNull() {
		return time.Time{}
	}
	var at time.Time
	if err == nil {
		at, err = parse(v)
	}
	if err != nil {
		c.warn(part, e, err)
		return time.Time{}
	}
	return at
}

// refreshableUntil is when a refresh stops working: counted from the login, unless the
// answer to a refresh says more.
func (c *clock) refreshableUntil(t *TokenOperation, old credential.Token, isRefresh bool) time.Time {
	if said := c.said("refresh_", t.RefreshExpiresIn, nil); !said.IsZero() {
		return said
	}
	if isRefresh || t.RefreshableFor == nil {
		return old.RefreshableUntil
	}
	d, err := c.scope.duration(t.RefreshableFor)
	if err != nil {
		c.warn("refreshable_for", t.RefreshableFor, err)
		return time.Time{}
	}
	return c.from.Add(d)
}

// duration evaluates a duration above zero.
func (s *scope) duration(e schema.Expr) (time.Duration, error) {
	v, err := s.eval(e)
	if err != nil {
		return 0, err
	}
	d, err := durationOf(plain(v))
	if err == nil && d <= 0 {
		err = errNoDuration
	}
	return d, err
}

var (
	errNoSeconds = errors.New("it is not a number of seconds between 1 and ten years")
	errNoTime    = errors.New("it is neither a time of RFC 3339 nor a Unix time")
)

// expiresIn reads a life in seconds, a number or a string with one.
func expiresIn(from time.Time, v cty.Value) (time.Time, error) {
	if kind := kindOf(v); kind != "a string" && kind != "a number" {
		return time.Time{}, errNoSeconds
	}
	text, err := textOf(v)
	if err != nil {
		return time.Time{}, errNoSeconds
	}
	at := upstream.ExpiresIn(from, strings.TrimSpace(text), longestLife)
	if at.IsZero() {
		return time.Time{}, errNoSeconds
	}
	return at, nil
}

// expiresAt reads a time of RFC 3339, or one in seconds or milliseconds since 1970.
func expiresAt(v cty.Value) (time.Time, error) {
	switch v.Type() {
	case cty.Number:
		return unixTime(v.AsBigFloat())
	case cty.String:
		text := strings.TrimSpace(v.AsString())
		if at, ok := upstream.RFC3339(text); ok {
			return at, nil
		}
		if whole, _, _ := strings.Cut(text, "."); upstream.Digits(whole) && len(text) <= maxDigits {
			if n, err := cty.ParseNumberVal(text); err == nil {
				return unixTime(n.AsBigFloat())
			}
		}
	}
	return time.Time{}, errNoTime
}

func unixTime(n *big.Float) (time.Time, error) {
	seconds, _ := n.Float64()
	if seconds > milliseconds {
		seconds /= 1000
	}
	whole, part := math.Modf(seconds)
	at := time.Unix(int64(whole), int64(part*float64(time.Second))).UTC()
	// Written so, it is false for what is no time at all.
	if !(seconds > 0 && seconds < milliseconds*1000) || at.Year() > 9999 {
		return time.Time{}, errNoTime
	}
	return at, nil
}
