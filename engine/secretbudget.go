package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/keyedhash"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/state"
)

// Who works on the description of an upstream changes the login with each edit, and so
// lifts what is remembered of the one before. The secret that is sent is the same each
// time: so many refusals of it within secretWindow are enough, whatever the description.
const (
	secretBudget = 3
	secretWindow = 24 * time.Hour
)

// secretFingerprint covers the secrets of an account of an upstream that a user describes,
// and nothing else: not their names, the requests or the address. It is "" where there are
// none, and for other upstreams, whose logins nobody edits.
func secretFingerprint(key []byte, a *config.Account) string {
	mac := keyedhash.New(key)
	return secretFingerprintBy(&mac, a)
}

// secretFingerprintBy is secretFingerprint by a hash that is used for many accounts.
func secretFingerprintBy(mac *keyedhash.Hash, a *config.Account) string {
	if !describedByUser(a.Spec) || !wholly(a) {
		return ""
	}
	mac.Reset()
	secrets := secretsOf(a.Values)
	if len(secrets) == 0 {
		return ""
	}
	slices.Sort(secrets)
	for _, s := range slices.Compact(secrets) {
		mac.Write(s)
	}
	return mac.Sum()
}

func secretsOf(v schema.Values) []string {
	secrets := capturedSecrets(v)
	for i := range v.Block().Attributes {
		attr, raw := &v.Block().Attributes[i], v.RawAt(i)
		if attr.Captured {
			continue
		}
		if attr.Sensitive && !attr.Public && !raw.IsNull() {
			secrets = append(secrets, asJSON(raw, attr.Name))
		}
	}
	for _, nested := range v.Block().Blocks {
		for _, block := range v.Nested(nested.Type) {
			secrets = append(secrets, secretsOf(block)...)
		}
	}
	return secrets
}

// capturedSecrets are those that a description written inline takes from the configuration:
// the texts that are sensitive there, and all that may be one where none is.
func capturedSecrets(v schema.Values) []string {
	var marked, all []string
	for i := range v.Block().Attributes {
		attr := &v.Block().Attributes[i]
		if !attr.Captured {
			continue
		}
		for _, s := range schema.MarkedTexts(v.MarkedAt(i)) {
			text, _ := json.Marshal(s.Reveal())
			marked = append(marked, string(text))
		}
		if !attr.Public {
			all = append(all, asJSON(v.RawAt(i), attr.Name))
		}
	}
	if len(marked) > 0 {
		return marked
	}
	return all
}

// sentSecretsOf reports whether refusals, under their own key, are of the account's
// secrets.
func (a *account) sentSecretsOf(s state.SecretRefusals) bool {
	print := secretFingerprint(s.Key, a.cfg)
	return print != "" && print == s.SecretPrint
}

// secretRefusals are the times of refusals of the account's secrets that a record knows.
func (a *account) secretRefusals(r *state.Record) []time.Time {
	var times []time.Time
	for _, s := range r.SecretRefusals {
		s.Key = r.KeyOf(s.Key)
		if a.sentSecretsOf(s) {
			times = append(times, s.At...)
		}
	}
	return times
}

// knownIn reports whether a record knows of logins like the account's that were sent.
func (a *account) knownIn(r *state.Record) bool {
	return len(a.secretRefusals(r)) > 0 || loginSpentIn(r, a.cfg)
}

// sharedSecret are the accounts that log in with the same secrets, however: what the
// upstream says of one's counts for all.
type sharedSecret struct {
	members []*account
	// turn is held during a login.
	turn chan struct{}

	mu sync.Mutex
	// seen is what was last seen of each record, by its address. refusing are the addresses
	// whose records know of refusals, which are few, and lastWorked is the latest of all
	// logins that have worked: many accounts may have one secret, and each asks.
	seen       map[string]sentSecret
	refusing   map[string]bool
	lastWorked time.Time
	// now counts the refusals that this engine was told.
	now int
}

// sentSecret is what a record knows of logins with a secret.
type sentSecret struct {
	refused []time.Time
	// worked is when the account's present login last did.
	worked time.Time
}

// sharedSecretOf returns the accounts with an account's secrets, itself at least; nil for
// one of which no secret is known.
func (e *Engine) sharedSecretOf(a *account) *sharedSecret {
	e.sharedSecretsOnce.Do(func() {
		e.sharedSecrets = make(map[*account]*sharedSecret)
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		mac := keyedhash.New(key)
		groups := make(map[string]*sharedSecret)
		for _, a := range e.accounts {
			if !a.cfg.Enabled || a.unknown {
				continue
			}
			print := secretFingerprintBy(&mac, a.cfg)
			if print == "" {
				continue
			}
			s := groups[print]
			if s == nil {
				s = &sharedSecret{
					turn:     make(chan struct{}, 1),
					seen:     map[string]sentSecret{},
					refusing: map[string]bool{},
				}
				groups[print] = s
			}
			s.members = append(s.members, a)
			e.sharedSecrets[a] = s
		}
	})
	return e.sharedSecrets[a]
}

// note remembers what a record knows.
func (s *sharedSecret) note(address string, sent sentSecret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(address, sent)
}

// set is note under the lock.
func (s *sharedSecret) set(address string, sent sentSecret) {
	s.seen[address] = sent
	delete(s.refusing, address)
	if len(sent.refused) > 0 {
		s.refusing[address] = true
	}
	if sent.worked.After(s.lastWorked) {
		s.lastWorked = sent.worked
	}
}

// refused remembers a refusal that was just told, and returns a time by which it can be
// told from those that are known.
func (s *sharedSecret) refused(address string, at time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := func(address string) bool { return slices.ContainsFunc(s.seen[address].refused, at.Equal) }
	for slices.ContainsFunc(slices.Collect(maps.Keys(s.refusing)), known) {
		at = at.Add(1)
	}
	sent := s.seen[address]
	sent.refused = append(slices.Clone(sent.refused), at)
	s.set(address, sent)
	s.now++
	return at
}

// worked forgets what was before a login that has worked.
func (s *sharedSecret) worked(address string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(address, sentSecret{worked: at})
	s.now = 0
}

// refusals counts those that are recent, each once though several records may know it, and
// says when the last one was. A time that nobody can have seen counts as now.
func (s *sharedSecret) refusals(now time.Time) (n int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := map[int64]bool{}
	for address := range s.refusing {
		for _, at := range s.seen[address].refused {
			unknown := at.IsZero() || at.After(now)
			if counted[at.UnixNano()] || !unknown && (now.Sub(at) >= secretWindow || at.Before(s.lastWorked)) {
				continue
			}
			counted[at.UnixNano()] = true
			if n++; unknown {
				at = now
			}
			if at.After(last) {
				last = at
			}
		}
	}
	return n, last
}

// toldNow reports whether the upstream has refused the secrets since this engine is at
// work.
func (s *sharedSecret) toldNow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now > 0
}

// hasSeen reports whether an account's record was looked at.
func (s *sharedSecret) hasSeen(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.seen[address]
	return ok
}

func (a *account) sentSecretIn(r *state.Record, p fingerprints) sentSecret {
	sent := sentSecret{refused: a.secretRefusals(r)}
	if !a.cfg.Spec.Static {
		sent.worked = loginHistoryOf(r, p, a.cfg).worked
	}
	return sent
}

// noteSecret tells the accounts with the same secrets what this one's record knows.
func (e *Engine) noteSecret(o *observation) {
	if s := e.sharedSecretOf(o.account); s != nil {
		s.note(o.input.Address, o.account.sentSecretIn(o.record, o.fingerprints))
	}
}

// secretBlock is what stands in the way of a login whose secrets were refused too often;
// nil for nothing.
func (e *Engine) secretBlock(a *account) *plan.Block {
	s := e.sharedSecretOf(a)
	if s == nil {
		return nil
	}
	n, last := s.refusals(e.Now())
	if n < secretBudget {
		return nil
	}
	return &plan.Block{Reason: plan.UnclassifiedRefusal, Since: last, OfLogin: true, Message: fmt.Sprintf(
		"logins with this secret were refused %d times within 24 hours, the last time on %s, so it is not sent again: each may count as a wrong password. To edit the description of the upstream does not make the same secret safe to send. Correct the secret, wait, or send it once more with: credsync apply --replace %s",
		n, last.UTC().Format("2006-01-02 15:04 MST"), address.ShellWord(a.cfg.Address))}
}

// secretTurn waits until no other account logs in with these secrets, and looks up what
// the state knows of those that this engine has not seen. done ends the turn.
func (r *run) secretTurn(ctx context.Context) (done func(), err error) {
	a := r.seen.account
	s := r.e.sharedSecretOf(a)
	if s == nil {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.New("other accounts with the same secret took too long; run apply again")
	}
	for _, other := range s.members {
		if other == a || s.hasSeen(other.cfg.Address) {
			continue
		}
		snap, err := r.e.load(ctx, other, r.e.reader(nil))
		switch {
		case err != nil:
			r.e.Log.Warn("the state of an account with the same secret cannot be read", "address", r.plan.Address, "other", other.cfg.Address, "error", err)
		case snap.Record == nil:
			s.note(other.cfg.Address, sentSecret{})
		default:
			s.note(other.cfg.Address, other.sentSecretIn(snap.Record, fingerprintsOf(snap.Record.Key, other.cfg)))
		}
	}
	r.e.seeAll(ctx)
	for _, rec := range r.e.strays.others(r.seen.record) {
		if times := a.secretRefusals(rec); len(times) > 0 && !s.hasSeen(rec.Address) {
			s.note(rec.Address, sentSecret{refused: times})
		}
	}
	return func() { <-s.turn }, nil
}

// secretSpent blocks the account if its secrets were refused too often, and reports
// whether it did. --replace lifts what was known before the command.
func (r *run) secretSpent() bool {
	b := r.e.secretBlock(r.seen.account)
	if b == nil || r.options.replace && !r.e.sharedSecretOf(r.seen.account).toldNow() {
		return false
	}
	r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, b.Message, b
	return true
}

// countsForSecret reports whether a refusal of a login may be for the sake of its secrets.
func countsForSecret(err *failure.Error) bool {
	switch {
	case err == nil:
		return false
	case err.Class == failure.Human:
		return err.Reason != "" && err.Reason != failure.NeedsCode
	}
	return err.Class == failure.Credentials || err.IsCounted()
}

// refuseSecret remembers that the upstream has refused a login with the account's secrets.
// The record has it with its next write.
func (r *run) refuseSecret(err *failure.Error) {
	s := r.e.sharedSecretOf(r.seen.account)
	if s == nil || !countsForSecret(err) {
		return
	}
	r.secretRefusedAt = s.refused(r.plan.Address, r.e.Now())
}

// noteSecretIn brings that into a record.
func (r *run) noteSecretIn(rec *state.Record) {
	if r.secretRefusedAt.IsZero() {
		return
	}
	rec.CorrectSecretRefusals(r.e.Now())
	rec.NoteSecretRefusal(secretFingerprint(rec.Key, r.seen.account.cfg), r.secretRefusedAt)
}

// forgetSecret forgets the refusals of secrets with which a login has worked.
func (r *run) forgetSecret() {
	a, rec := r.seen.account, r.seen.record
	s := r.e.sharedSecretOf(a)
	if s == nil {
		return
	}
	rec.ForgetSecretRefusals(func(f state.SecretRefusals) bool {
		f.Key = rec.KeyOf(f.Key)
		return a.sentSecretsOf(f)
	})
	s.worked(r.plan.Address, r.e.Now())
}
