package upstream

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/golang-jwt/jwt/v5"
)

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
