package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/state"
)

// strayRejections are the rejections that records hold of logins which are not their
// accounts' any more, as after an edit that exchanges two names: the login may be
// another account's now, and is not tried again there (P4).
type strayRejections struct {
	mu sync.Mutex
	// of are the records that hold some, by their keys; at is the account of each key that
	// was seen.
	of map[string]*state.Record
	at map[string]string
	// complete says that all records have been looked at.
	complete bool
}

// note keeps the stray rejections of a record as it is now.
func (s *strayRejections) note(r *state.Record, p fingerprints) {
	stray := slices.DeleteFunc(slices.Clone(r.Rejections), func(j state.Rejection) bool {
		return !j.Stands() || len(j.Key) == 0 && (j.LoginPrint == p.login || j.LoginPrint == p.shape)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of, s.at = map[string]*state.Record{}, map[string]string{}
	}
	s.at[string(r.Key)] = r.Address
	if len(stray) == 0 && len(r.SecretRefusals) == 0 && len(r.SpentLogins) == 0 {
		delete(s.of, string(r.Key))
		return
	}
	s.of[string(r.Key)] = &state.Record{
		Address: r.Address, Provider: r.Provider, Key: r.Key, Rejections: stray,
		SecretRefusals: r.SecretRefusals, SpentLogins: r.SpentLogins,
	}
}

// find returns the newest rejection of an account's login in another record; nil for
// none.
func (s *strayRejections) find(a *account, own *state.Record) *state.Rejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *state.Rejection
	for key, r := range s.of {
		if !a.cfg.Spec.HasName(r.Provider) || key == string(own.Key) {
			continue
		}
		p := fingerprintsOf(r.Key, a.cfg)
		for _, j := range r.Rejections {
			ofLogin := len(j.Key) == 0 && j.LoginPrint == p.login || len(j.Key) > 0 && isOfLogin(j, a.cfg)
			if ofLogin && j.Reason != failure.NoAccess && (found == nil || j.At.After(found.At)) {
				found = &j
			}
		}
	}
	return found
}

// others are the records besides an account's own of which it is known that logins were
// sent, its own perhaps.
func (s *strayRejections) others(own *state.Record) []*state.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*state.Record
	for key, r := range s.of {
		if key != string(own.Key) && len(r.SecretRefusals)+len(r.SpentLogins) > 0 {
			list = append(list, r)
		}
	}
	return list
}

// noteAllSeen says that each account's record was looked at.
func (e *Engine) noteAllSeen() {
	e.strays.mu.Lock()
	defer e.strays.mu.Unlock()
	e.strays.complete = true
}

// seeAll looks at the records of all accounts, unless this engine has. What cannot be
// read is that account's to report.
func (e *Engine) seeAll(ctx context.Context) {
	e.strays.mu.Lock()
	complete := e.strays.complete
	e.strays.mu.Unlock()
	if complete {
		return
	}
	view := e.Store.View(ctx)
	e.forEach(len(e.accounts), func(i int) {
		a := e.accounts[i]
		if a.unknown || ctx.Err() != nil {
			return
		}
		if snap, err := view.Load(ctx, a.cfg.Address); err == nil && snap.Record != nil {
			e.strays.note(snap.Record, fingerprintsOf(snap.Record.Key, a.cfg))
		}
	})
	e.noteAllSeen()
}

// rejectedElsewhere blocks the account if another record knows that its login was
// rejected, and reports whether it did. --replace lifts that too.
func (r *run) rejectedElsewhere(ctx context.Context) bool {
	if r.options.replace {
		return false
	}
	r.e.seeAll(ctx)
	j := r.e.strays.find(r.seen.account, r.seen.record)
	if j == nil {
		return false
	}
	r.loginRefused = true
	r.saveBlock(ctx, r.block(j.Reason, rejectedBefore(r.plan.Address, j.Reason)))
	return true
}
