package plan

import (
	"hash/fnv"
	"time"

	"github.com/credsync/credsync/schema"
)

// ClockTolerance is by how much the clocks of two machines may differ before one of them
// corrects what the other has written, or waits for the end of its lease with nothing else
// to do.
const ClockTolerance = 5 * time.Minute

// Rotation says when a token is due to be replaced.
type Rotation struct {
	// At is when; zero for a token that does not expire.
	At time.Time
	// Window is how long before expiry that is, without the jitter.
	Window time.Duration
	// Shortened means that the configured window was not below the token's
	// lifetime, which would have rotated it at each run, and that a third of
	// the lifetime is used instead.
	Shortened bool
}

// RotationOf returns when the token of that account is due. The jitter is a
// hash of the address: it spreads accounts that were issued together, and
// since it is the same at each evaluation it cannot postpone a rotation for
// ever. It only brings the time forward, by at most a tenth of the window and
// never by more than half of what the window leaves of the lifetime.
func RotationOf(address string, issued, expires time.Time, before schema.Window) Rotation {
	if expires.IsZero() {
		return Rotation{}
	}
	lifetime := expires.Sub(issued)
	r := Rotation{Window: before.Of(lifetime)}
	if r.Window >= lifetime {
		r.Window, r.Shortened = lifetime/3, true
	}
	most := min(r.Window/10, (lifetime-r.Window)/2)
	r.At = expires.Add(-r.Window).Add(-time.Duration(float64(most) * Fraction(address)))
	return r
}

// IssuedAhead reports whether a token that expires says that it was issued later than
// now, by more than a quarter of the time before its expiry at which it is replaced. Its
// expiry is then by a wrong clock too, so that it may be over before it is replaced. One
// that is over before it is issued has its expiry from the upstream, which stands.
func IssuedAhead(issued, expires, now time.Time, before schema.Window) bool {
	return expires.After(issued) && issued.Sub(now) > RotationOf("", issued, expires, before).Window/4
}

// Fraction maps a text, such as an address, to a number from 0 to below 1. Texts
// that are alike are spread as evenly as others.
func Fraction(text string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	// FNV's high bits hardly differ for texts that differ at their end.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
