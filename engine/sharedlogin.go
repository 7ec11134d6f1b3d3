package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
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
	// block is nil where nothing does.
	block *plan.Block
}

// isAboutTheLogin reports whether a block is about the login alone. A missing access
// may be missing for one branch only, and a code is asked for by a command that
// names its account.
func isAboutTheLogin(b *plan.Block) bool {
	if b == nil || b.Since.IsZero() {
		return false
	}
	switch failure.Reason(b.Reason) {
	case failure.CredentialsRejected, failure.AccountLocked, failure.PasswordChangeRequired,
		failure.SecondFactorUnsupported, failure.CertificateExpired:
		return true
	}
	return false
}

// sharedLoginOf returns the accounts that log in as a does; nil where it is alone.
func (e *Engine) sharedLoginOf(a *account) *sharedLogin {
	e.sharedLoginsOnce.Do(func() {
		e.sharedLogins = make(map[*account]*sharedLogin)
		// The key is this process's: nothing of it is viewOnly.
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		groups := make(map[string][]*account)
		for _, a := range e.accounts {
			if !a.cfg.Enabled || a.cfg.Spec.Static || a.unknown {
				continue
			}
			p := loginFingerprint(key, a.cfg)
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

// note remembers what stands in the way of an account's login.
func (s *sharedLogin) note(address string, at time.Time, b *plan.Block) {
	if s == nil {
		return
	}
	if !isAboutTheLogin(b) {
		b = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[address] = seenLogin{at, b}
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
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.members {
		if b := s.seen[other.cfg.Address].block; b != nil && other.cfg.Address != address {
			return &plan.Block{
				Reason: b.Reason, Since: b.Since, Address: other.cfg.Address,
				Message: other.cfg.Address + " has the same login, and of that " + b.Message,
			}
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
		s.note(other.cfg.Address, r.e.Now(), rememberedBlock(snap.Record, fingerprintsOf(snap.Record.Key, other.cfg), other.cfg))
	}
	r.e.applySharedBlock(r.seen)
	return func() { <-s.turn }, nil
}
