package state

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/credsync/credsync/failure"
)

// MaxRejections bounds what is remembered; the oldest go first.
const MaxRejections = 50

// Rejection is a login that the upstream rejected, and why.
type Rejection struct {
	// LoginPrint is the fingerprint of the login; where access is missing, which
	// may be there for another branch, that of what the token is for.
	LoginPrint string
	Reason     failure.Reason
	At         time.Time
	// Key is what keys the fingerprint where that is not the record's own: it was
	// inherited from another account's record.
	Key []byte
	// Count is how often in a row it happened, where once proves nothing; 0 where it
	// does.
	Count int
	// Enough is how often in a row it has to happen until it stands, where that is not
	// DefaultEnough; else 0.
	Enough int
	// AtRefresh is as in Block.
	AtRefresh bool
}

// DefaultEnough is how often in a row a login has to fail for a reason that proves
// nothing, until it stands, where nobody says otherwise.
const DefaultEnough = 2

// Stands reports whether the login is not to be tried again.
func (j Rejection) Stands() bool {
	return j.Count == 0 || j.Count >= cmp.Or(j.Enough, DefaultEnough)
}

// CountRefusal remembers a login that failed for a reason that proves nothing the first
// time; before is how often it had happened in a row.
func (r *Record) CountRefusal(j Rejection, before int) Rejection {
	j.Count = before + 1
	r.Reject(j)
	return j
}

// Refusals is how often in a row a login has failed for such a reason.
func (r *Record) Refusals(loginPrint string, reason failure.Reason) int {
	for _, j := range r.Rejections {
		if len(j.Key) == 0 && j.LoginPrint == loginPrint && j.Reason == reason {
			if j.Count == 0 {
				return cmp.Or(j.Enough, DefaultEnough)
			}
			return j.Count
		}
	}
	return 0
}

// Inherit takes over what another record, which is about to go, knows of rejected
// logins. Its fingerprints stay under its own key.
func (r *Record) Inherit(from *Record) {
	r.InheritThose(from, func(Rejection) bool { return true })
	r.InheritSent(from, func(SecretRefusals) bool { return true }, func(SpentLogin) bool { return true })
}

// InheritThose takes over some of it: each rejection comes with the key of its
// fingerprint.
func (r *Record) InheritThose(from *Record, wanted func(Rejection) bool) {
	add := func(j Rejection) {
		j.Key = from.KeyOf(j.Key)
		if !wanted(j) {
			return
		}
		if bytes.Equal(j.Key, r.Key) {
			j.Key = nil
		}
		known := slices.ContainsFunc(
			r.Rejections,
			func(k Rejection) bool { return k.LoginPrint == j.LoginPrint && bytes.Equal(k.Key, j.Key) },
		)
		if !known {
			r.Rejections = append(r.Rejections, j)
		}
	}
	for _, j := range from.Rejections {
		add(j)
	}
	if b := from.Block; b != nil && b.Reason != failure.NoAccess {
		add(Rejection{LoginPrint: b.LoginPrint, Reason: b.Reason, At: b.Since, AtRefresh: b.AtRefresh})
	}
	slices.SortStableFunc(r.Rejections, func(a, b Rejection) int { return a.At.Compare(b.At) })
	if extra := len(r.Rejections) - MaxRejections; extra > 0 {
		r.Rejections = r.Rejections[extra:]
	}
}

// Reject remembers that the upstream rejected a login.
func (r *Record) Reject(j Rejection) {
	r.Accept(j.LoginPrint)
	r.Rejections = append(r.Rejections, j)
	if extra := len(r.Rejections) - MaxRejections; extra > 0 {
		r.Rejections = r.Rejections[extra:]
	}
}

// Accept forgets a rejection, since the login has worked.
func (r *Record) Accept(loginPrint string) {
	r.Rejections = slices.DeleteFunc(
		slices.Clone(r.Rejections),
		func(j Rejection) bool { return len(j.Key) == 0 && j.LoginPrint == loginPrint },
	)
}

// AcceptInherited forgets the inherited rejections of which are says that they are
// of the login that has worked.
func (r *Record) AcceptInherited(are func(Rejection) bool) {
	r.Rejections = slices.DeleteFunc(
		slices.Clone(r.Rejections),
		func(j Rejection) bool { return len(j.Key) > 0 && are(j) },
	)
}

// Rejected returns the rejection of a login that stands, or nil.
func (r *Record) Rejected(loginPrint string) *Rejection {
	for i := range r.Rejections {
		if j := &r.Rejections[i]; len(j.Key) == 0 && j.LoginPrint == loginPrint && j.Stands() {
			return j
		}
	}
	return nil
}
