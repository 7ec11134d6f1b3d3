package upstream

import (
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/golang-jwt/jwt/v5"
)

// Expiry is when a token that was asked for at issuedAt ends: the earlier of
// what its answer says (zero if nothing) and of what the token itself claims,
// or where neither speaks, after the lifetime that the document names.
//
// issuedAt is from before the request: counted from the answer, a lifetime
// would be too long.
func Expiry(issuedAt, said time.Time, token credential.Secret, documented time.Duration) time.Time {
	if at := Earlier(said, JWTExpiry(token)); !at.IsZero() {
		return at
	}
	return issuedAt.Add(documented)
}

// RFC3339 reads a time (RFC 3339), also in small letters and in a leap second; ok is
// false for anything else.
func RFC3339(s string) (at time.Time, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	at, err := time.Parse(time.RFC3339, s)
	if err != nil && len(s) > 19 && s[16:19] == ":60" {
		// A leap second, of which Go knows nothing.
		at, err = time.Parse(time.RFC3339, s[:16]+":59"+s[19:])
	}
	return at.UTC(), err == nil
}

// ExpiresIn reads an expires_in (RFC 6749, section 5.1) in seconds, in whatever
// form it came: the time that long after issuedAt. It is zero for what makes no
// sense: no number, less than a second, or more than the longest life that is
// believed.
func ExpiresIn(issuedAt time.Time, seconds string, longest time.Duration) time.Time {
	n, err := strconv.ParseFloat(seconds, 64)
	// So written, it is false for what is not a number at all.
	if err != nil || !(n >= 1 && n <= longest.Seconds()) {
		return time.Time{}
	}
	return issuedAt.Add(time.Duration(n) * time.Second)
}

// JWTExpiry returns the exp claim of a token that is a JWT; zero for one that
// is not, or that has none. The signature is not checked: the token's reader
// does that, and a lie can only make us renew it at another time.
func JWTExpiry(token credential.Secret) time.Time {
	claims := jwt.MapClaims{}
	// The error is of no use: it can quote the token, and claims that were
	// read before it (an algorithm that is not known here) are good.
	_, _, _ = jwt.NewParser().ParseUnverified(token.Reveal(), claims)
	exp, err := claims.GetExpirationTime()
	if err != nil || exp == nil {
		return time.Time{}
	}
	// A claim beyond what time can carry says nothing.
	if year := exp.Year(); year < 1970 || year > 9999 {
		return time.Time{}
	}
	return exp.UTC()
}

// Earlier returns the earlier of the times that are not zero; zero if none is.
func Earlier(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
