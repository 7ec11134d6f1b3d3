package plan

import (
	"slices"
	"time"
)

// Clock is how long one thing that an account depends on lasts.
type Clock struct {
	Name ClockName
	// Since is when it began, zero where nobody knows; At is when it ends, zero
	// where it has no end that is known.
	Since, At time.Time
	// Human says that somebody must have acted by At.
	Human bool
}

// ClockName says what lasts. Providers add their own: see package providers.
type ClockName string

// The clocks of the token itself.
const (
	// AccessToken is what consumers use.
	AccessToken ClockName = "access_token"
	// RefreshMaterial is what new tokens are got with, without a login.
	RefreshMaterial ClockName = "refresh_material"
)

// clocks are those of the token, then the provider's.
func clocks(a *Account) []Clock {
	var list []Clock
	if t := a.Token; t != nil && !t.ExpiresAt.IsZero() {
		list = append(list, Clock{Name: AccessToken, Since: t.IssuedAt, At: t.ExpiresAt})
		if t.Refreshable && !t.RefreshableUntil.IsZero() {
			// It began with a login, which may be several refreshes ago.
			list = append(list, Clock{Name: RefreshMaterial, At: t.RefreshableUntil, Human: loginBlocked(a)})
		}
	}
	return append(list, a.Clocks...)
}

// humanNeededBy is the earliest moment at which the account stops working
// unless somebody has acted; zero where none is in sight. It is in the past
// where somebody should have acted already.
func humanNeededBy(a *Account, d *Decision) time.Time {
	if a.Removed || !a.Enabled || a.Unreadable != "" {
		return time.Time{}
	}
	var moments []time.Time
	if d.Blocker != nil {
		moments = append(moments, blockedSince(a, d.Blocker))
	}
	for _, c := range d.Clocks {
		if c.Human && !c.At.IsZero() {
			moments = append(moments, c.At)
		}
	}
	if len(moments) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(moments, time.Time.Compare)
}

// blockedSince is when a block begins to hurt. One that only stands in the way
// of the next login leaves time while the token is good; how long a refresh
// would go on working is believed only where its end is known.
func blockedSince(a *Account, b *Block) time.Time {
	t := a.Token
	if t != nil && loginBlocked(a) && b.Reason == a.Block.Reason && goodMeanwhile(a) && !t.ExpiresAt.IsZero() {
		// What was got with other attributes is not refreshed.
		if !t.ConfigChanged && t.canRefresh(a.Now) && !t.RefreshableUntil.IsZero() {
			return t.RefreshableUntil
		}
		return t.ExpiresAt
	}
	if t != nil && b == a.LoginSpent && goodMeanwhile(a) && !t.ExpiresAt.IsZero() {
		return t.ExpiresAt
	}
	if t != nil && !t.ExpiresAt.IsZero() && !a.Now.Before(t.ExpiresAt) {
		return t.ExpiresAt
	}
	if !b.Since.IsZero() && b.Since.Before(a.Now) {
		return b.Since
	}
	return a.Now
}

// goodMeanwhile reports whether the token goes on working while a login is blocked, be
// it one that was got with attributes that have changed since.
func goodMeanwhile(a *Account) bool {
	return a.Token != nil && !a.Token.Dead(a.Now) && a.Verification.Outcome != Refused
}

// loginBlocked reports whether a block stands in the way of a login, rather
// than of the use of a good token.
func loginBlocked(a *Account) bool { return a.Block != nil && a.Block.Reason != NoAccess }
