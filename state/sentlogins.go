package state

import (
	"bytes"
	"slices"
	"time"
)

// MaxSecretRefusals bounds the times that are kept of one secret; the oldest go first.
const MaxSecretRefusals = 10

// clockTolerance is how far ahead of this machine's clock another's may be.
const clockTolerance = time.Minute

// SecretRefusals is when logins were refused that sent the same secrets, whatever else
// they sent, and to whatever address.
type SecretRefusals struct {
	// SecretPrint is the fingerprint of the secrets alone.
	SecretPrint string
	At          []time.Time
	// Key is what keys the fingerprint where that is not the record's own: it was
	// inherited from another account's record.
	Key []byte
}

// SpentLogin is a login that works once, and that was sent, or may have been: it is never
// sent again, however long ago that was.
type SpentLogin struct {
	LoginPrint string
	// Key is as in SecretRefusals.
	Key []byte
}

// NoteSecretRefusal remembers that a login with those secrets was refused.
func (r *Record) NoteSecretRefusal(secretPrint string, at time.Time) {
	r.addSecretRefusals(SecretRefusals{SecretPrint: secretPrint, At: []time.Time{at}})
}

// addSecretRefusals adds times to those that are known of the same secrets, and reports
// whether any is new.
func (r *Record) addSecretRefusals(s SecretRefusals) (added bool) {
	list := slices.Clone(r.SecretRefusals)
	i := slices.IndexFunc(list, func(t SecretRefusals) bool {
		return t.SecretPrint == s.SecretPrint && bytes.Equal(t.Key, s.Key)
	})
	if i < 0 {
		list = append(list, SecretRefusals{SecretPrint: s.SecretPrint, Key: s.Key})
		i = len(list) - 1
	}
	times := slices.Clone(list[i].At)
	for _, at := range s.At {
		if !slices.ContainsFunc(times, at.Equal) {
			times, added = append(times, at), true
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	list[i].At = times[max(0, len(times)-MaxSecretRefusals):]
	r.SecretRefusals = list[max(0, len(list)-MaxRejections):]
	return added
}

// ForgetSecretRefusals forgets those of secrets with which a login has worked.
func (r *Record) ForgetSecretRefusals(are func(SecretRefusals) bool) {
	r.SecretRefusals = slices.DeleteFunc(slices.Clone(r.SecretRefusals), are)
}

// CorrectSecretRefusals has refusals happen now of which a machine whose clock was ahead
// says that they will, or of which the time is lost: else they would count for ever. It
// reports whether there was one. They stay as many as they were.
func (r *Record) CorrectSecretRefusals(now time.Time) (dirty bool) {
	list := slices.Clone(r.SecretRefusals)
	corrected := now
	for i := range list {
		list[i].At = slices.Clone(list[i].At)
		for n, at := range list[i].At {
			if at.IsZero() || at.Sub(now) > clockTolerance {
				list[i].At[n], dirty = corrected, true
				corrected = corrected.Add(-1)
			}
		}
	}
	if dirty {
		r.SecretRefusals = list
	}
	return dirty
}

// SpendLogin remembers that a login which works once is being sent.
func (r *Record) SpendLogin(loginPrint string) { r.addSpentLogin(SpentLogin{LoginPrint: loginPrint}) }

func (r *Record) addSpentLogin(s SpentLogin) (added bool) {
	if slices.ContainsFunc(r.SpentLogins, func(t SpentLogin) bool {
		return t.LoginPrint == s.LoginPrint && bytes.Equal(t.Key, s.Key)
	}) {
		return false
	}
	r.SpentLogins = append(slices.Clone(r.SpentLogins), s)
	return true
}

// UnspendLogin takes that back, where it was not sent after all.
func (r *Record) UnspendLogin(loginPrint string) {
	r.SpentLogins = slices.DeleteFunc(
		slices.Clone(r.SpentLogins),
		func(s SpentLogin) bool { return len(s.Key) == 0 && s.LoginPrint == loginPrint },
	)
}

// InheritSent takes over what another record knows of logins that were sent, as far as it
// is wanted, and reports whether any of it is new.
func (r *Record) InheritSent(
	from *Record, secrets func(SecretRefusals) bool, logins func(SpentLogin) bool,
) (added bool) {
	for _, s := range from.SecretRefusals {
		if s.Key = from.KeyOf(s.Key); secrets(s) {
			s.Key = foreignKey(s.Key, r.Key)
			added = r.addSecretRefusals(s) || added
		}
	}
	for _, s := range from.SpentLogins {
		if s.Key = from.KeyOf(s.Key); logins(s) {
			s.Key = foreignKey(s.Key, r.Key)
			added = r.addSpentLogin(s) || added
		}
	}
	return added
}

// KnownOfLogins is how much the record knows of logins that are not to be sent again.
func (r *Record) KnownOfLogins() int {
	n := len(r.Rejections) + len(r.SpentLogins)
	for _, s := range r.SecretRefusals {
		n += len(s.At)
	}
	return n
}

// KeyOf is the key of a fingerprint in the record: its own, or where it has none, the
// record's.
func (r *Record) KeyOf(own []byte) []byte {
	if len(own) == 0 {
		return r.Key
	}
	return own
}

// foreignKey is a fingerprint's key as a record has it: nothing for its own.
func foreignKey(key, own []byte) []byte {
	if bytes.Equal(key, own) {
		return nil
	}
	return key
}
