package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// sharedLogin are the accounts of a configuration that log in to one upstream as
// one user: one account block per branch or customer of that user. To the
// upstream they are one, so they log in one after another, and what it says of
// one's login holds for all: ten of them must not make ten wrong passwords.
type sharedLogin struct {
	members []*account
	// turn is held during a login.
	turn chan struct{}

	mu sync.Mutex
	// seen is what was last seen of each member, by its address.
	seen map[string]seenLogin
}

// seenLogin is what was seen to stand in the way of an account's login.
type seenLogin struct {
	at time.Time
	// block is nil where nothing does. now says that the upstream has said so to a
	// run of this engine, and not to one before.
	block *plan.Block
	now   bool
	// history is what its record had of the login.
	history loginHistory
}

// isAboutTheLogin reports whether a block is about the login alone. A missing access
// may be missing for one branch only.
func isAboutTheLogin(b *plan.Block) bool {
	if b == nil || b.Since.IsZero() {
		return false
	}
	switch failure.Reason(b.Reason) {
	case failure.CredentialsRejected, failure.AccountLocked, failure.PasswordChangeRequired,
		failure.SecondFactorUnsupported, failure.CertificateExpired, failure.NeedsCode,
		failure.UnclassifiedRefusal, failure.ExpiredAtIssue:
		return true
	}
	return b.OfLogin
}

// sharedLoginOf returns the accounts that log in as a does; nil where it is alone.
func (e *Engine) sharedLoginOf(a *account) *sharedLogin {
	e.sharedLoginsOnce.Do(func() {
		e.sharedLogins = make(map[*account]*sharedLogin)
		// The key is this process's: nothing of it is viewOnly.
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		fingerprint := loginFingerprints(key)
		groups := make(map[string][]*account)
		for _, a := range e.accounts {
			if !a.cfg.Enabled || a.unknown {
				continue
			}
			p := fingerprint(a.cfg)
			groups[p] = append(groups[p], a)
		}
		for _, members := range groups {
			if len(members) == 1 {
				continue
			}
			s := &sharedLogin{members: members, turn: make(chan struct{}, 1), seen: map[string]seenLogin{}}
			for _, a := range members {
				e.sharedLogins[a] = s
			}
		}
	})
	return e.sharedLogins[a]
}

// note remembers what stands in the way of an account's login, and what its record has
// of it.
func (s *sharedLogin) note(address string, at time.Time, b *plan.Block, h loginHistory) {
	if s == nil {
		return
	}
	if !isAboutTheLogin(b) {
		b = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[address] = seenLogin{at: at, block: b, history: h}
}

// refused remembers that the upstream has just turned an account's login down.
func (s *sharedLogin) refused(address string, at time.Time, b *plan.Block) {
	if s == nil || !isAboutTheLogin(b) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.seen[address].history
	if b.Reason == plan.UnclassifiedRefusal {
		h.refusals, h.refusedAt = h.refusals+1, at
	}
	s.seen[address] = seenLogin{at: at, block: b, now: true, history: h}
}

// together is the history of the login as all of its accounts have it, own being that of
// the one that asks: what was refused before it last worked is over.
func (s *sharedLogin) together(own loginHistory) loginHistory {
	all := own
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, l := range s.seen {
			all.spent = all.spent || l.history.spent
			if l.history.worked.After(all.worked) {
				all.worked = l.history.worked
			}
			switch l.history.refusedAt.Compare(all.refusedAt) {
			case 0:
				all.refusals = max(all.refusals, l.history.refusals)
			case 1:
				all.refusals, all.refusedAt = l.history.refusals, l.history.refusedAt
			}
		}
	}
	if all.worked.After(all.refusedAt) {
		all.refusals = 0
	}
	return all
}

// spend remembers whether an account's login, which works once, was sent.
func (s *sharedLogin) spend(address string, sent bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.seen[address]
	l.history.spent = sent
	s.seen[address] = l
}

// refusedNow returns what the upstream has told another account of the login since
// this engine is at work, or nil.
func (s *sharedLogin) refusedNow(address string) *plan.Block {
	return s.find(address, func(l seenLogin) bool { return l.now })
}

// seenSince reports whether an account was looked at not before at.
func (s *sharedLogin) seenSince(address string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.seen[address]
	return ok && !seen.at.Before(at)
}

// blockFor returns what stands in the way of an account's login because of
// another that logs in as it does, or nil.
func (s *sharedLogin) blockFor(address string) *plan.Block {
	return s.find(address, func(seenLogin) bool { return true })
}

func (s *sharedLogin) find(address string, counts func(seenLogin) bool) *plan.Block {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.members {
		l := s.seen[other.cfg.Address]
		if l.block == nil || other.cfg.Address == address || !counts(l) {
			continue
		}
		if l.block.Reason == plan.NeedsCode {
			// Each account has a command of its own to enter one.
			return &plan.Block{
				Reason:  l.block.Reason,
				Since:   l.block.Since,
				OfLogin: true,
				Message: needsCodeMessage(address),
			}
		}
		return &plan.Block{
			Reason: l.block.Reason, Since: l.block.Since, OfLogin: true, AtRefresh: l.block.AtRefresh,
			Address: other.cfg.Address,
			Message: other.cfg.Address + " has the same login: " + l.block.Message,
		}
	}
	return nil
}

// applySharedBlock brings what was seen of the other accounts with the same login into an
// observation.
func (e *Engine) applySharedBlock(o *observation) {
	if o.account != nil && o.input.Block == nil {
		o.input.Block = e.sharedLoginOf(o.account).blockFor(o.account.cfg.Address)
	}
	if o.account != nil && o.input.Block == nil {
		o.input.Block = e.secretBlock(o.account)
	}
}

// RevokingLogins reports accounts that log in as one user where a login kills the
// token before it: each would kill the other's, so they have to be one account.
// Values of the configuration may be unknown.
func RevokingLogins(cfg *config.Config) diag.List {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	fingerprint := loginFingerprints(key)
	first := map[string]*config.Account{}
	var list diag.List
	for _, a := range cfg.Accounts {
		revokes := a.Spec.LoginRevokes
		if !a.Enabled || revokes == nil || !a.Values.AllKnown() || !a.HTTP.AllKnown() || !revokes(a.Values) {
			continue
		}
		p := fingerprint(a)
		other := first[p]
		if other == nil {
			first[p] = a
			continue
		}
		list = append(list, diag.Errorf("Two accounts with one login",
			"%s%s logs in with the same credentials, and a login at this upstream revokes the previous token, so each would revoke the other's. Put the deliver blocks of both into one account block.",
			other.Address, placeOf(other.Range)).About(a.Address, a.Range))
	}
	return list
}

// placeOf is ", at main.hcl:12,"; "" where it is not known.
func placeOf(r *diag.Range) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf(", at %s,", r)
}

// loginTurn waits until no other account logs in as this one does, and looks
// up what the state knows of those that this run has not seen. done ends the
// turn.
func (r *run) loginTurn(ctx context.Context) (done func(), err error) {
	a := r.seen.account
	s := r.e.sharedLoginOf(a)
	if s == nil {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.New("other accounts with the same login took too long; run apply again")
	}
	recently := r.e.Now().Add(-planFresh)
	for _, other := range s.members {
		if other == a || s.seenSince(other.cfg.Address, recently) {
			continue
		}
		snap, err := r.e.load(ctx, other, r.e.reader(nil))
		if err != nil {
			r.e.Log.Warn("the state of an account with the same login cannot be read", "address", r.plan.Address, "other", other.cfg.Address, "error", err)
			continue
		}
		if snap.Record == nil {
			snap.Record = state.New(r.e.Config.Project, other.cfg.Address, other.cfg.Spec.Name)
		}
		p := fingerprintsOf(snap.Record.Key, other.cfg)
		s.note(
			other.cfg.Address,
			r.e.Now(),
			rememberedBlock(snap.Record, p, other.cfg),
			loginHistoryOf(snap.Record, p, other.cfg),
		)
	}
	r.e.applySharedBlock(r.seen)
	return func() { <-s.turn }, nil
}
