package admin

import (
	"maps"
	"slices"
	"time"

	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
)

// RecordDocument is a state record without its secrets, for people and, as
// JSON, for programs. Every field is present; what there is not is null.
type RecordDocument struct {
	Address  string `json:"address"`
	Provider string `json:"provider"`
	Project  string `json:"project"`
	// Declared says whether the configuration has the account; null where that
	// cannot be told.
	Declared    *bool      `json:"declared"`
	FirstSeenAt *time.Time `json:"first_seen_at"`
	// Current is the token that targets hold, Pending one that was journaled
	// and is not delivered yet.
	Current    *GrantDocument      `json:"current"`
	Pending    *GrantDocument      `json:"pending"`
	Lease      *LeaseDocument      `json:"lease"`
	Block      *BlockDocument      `json:"block"`
	Rejections []RejectionDocument `json:"rejections"`
	Challenge  *ChallengeDocument  `json:"challenge"`
	Targets    []RecordTarget      `json:"targets"`
	// OnRemove is "retain" or "delete".
	OnRemove string `json:"on_remove"`
}

// GrantDocument is a token except for the token.
type GrantDocument struct {
	// ID names the token; it says nothing of the token itself.
	ID               string     `json:"id"`
	IssuedAt         *time.Time `json:"issued_at"`
	ExpiresAt        *time.Time `json:"expires_at"`
	Refreshable      bool       `json:"refreshable"`
	RefreshableUntil *time.Time `json:"refreshable_until"`
	VerifiedAt       *time.Time `json:"verified_at"`
	Rejected         bool       `json:"rejected"`
	// The fingerprints are keyed and cut short.
	LoginFingerprint string `json:"login_fingerprint"`
	ShapeFingerprint string `json:"shape_fingerprint"`
	// Outputs are the names of what came with the token.
	Outputs []string `json:"outputs"`
}

// LeaseDocument is a lease.
type LeaseDocument struct {
	Holder string `json:"holder"`
	// RenewedAt is when the holder last wrote the record.
	RenewedAt *time.Time `json:"renewed_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	// Held says that it keeps other runs off: it has not run out, and its
	// holder is not known to be gone.
	Held bool `json:"held"`
}

// BlockDocument is why a human is needed.
type BlockDocument struct {
	Reason           plan.Reason `json:"reason"`
	Message          string      `json:"message"`
	Since            *time.Time  `json:"since"`
	LoginFingerprint string      `json:"login_fingerprint"`
}

// RejectionDocument is a login that the upstream rejected.
type RejectionDocument struct {
	LoginFingerprint string     `json:"login_fingerprint"`
	At               *time.Time `json:"at"`
}

// ChallengeDocument is a code that was sent to a human.
type ChallengeDocument struct {
	SentAt *time.Time `json:"sent_at"`
}

// RecordTarget is a place that was claimed or written.
type RecordTarget struct {
	Sink     string `json:"sink"`
	Location string `json:"location"`
	// Holds is "current", "pending", "older" for a token that is neither, or
	// "nothing" for a place that was only claimed.
	Holds       string     `json:"holds"`
	Keys        []string   `json:"keys"`
	Merge       bool       `json:"merge"`
	Version     string     `json:"version"`
	Digest      string     `json:"digest"`
	DeliveredAt *time.Time `json:"delivered_at"`
}

// shortLength is how much is shown of what is only compared.
const shortLength = 8

func short(s string) string { return s[:min(len(s), shortLength)] }

// shortVersion leaves a number as it is. What is longer is a digest of what was
// written.
func shortVersion(s string) string {
	if len(s) > 2*shortLength {
		return short(s)
	}
	return s
}

// Describe returns a record without its secrets. Declared is left open.
func (r *Records) Describe(rec *state.Record) RecordDocument {
	d := RecordDocument{
		Address: rec.Address, Provider: rec.Provider, Project: rec.Project, FirstSeenAt: plan.Time(rec.FirstSeenAt),
		Current: describeGrant(rec.Current), Pending: describeGrant(rec.Pending),
		Rejections: []RejectionDocument{}, Targets: []RecordTarget{}, OnRemove: "retain",
	}
	if rec.DeleteOnRemove {
		d.OnRemove = "delete"
	}
	if l := rec.Lease; l != nil {
		d.Lease = &LeaseDocument{
			Holder:    processid.Describe(l.Holder),
			RenewedAt: plan.Time(r.LeaseEnds(l).Add(-state.LeaseLife)),
			ExpiresAt: plan.Time(r.LeaseEnds(l)),
			Held:      r.Held(l),
		}
	}
	if b := rec.Block; b != nil {
		d.Block = &BlockDocument{
			Reason:           plan.Reason(b.Reason),
			Message:          b.Message,
			Since:            plan.Time(b.Since),
			LoginFingerprint: short(b.LoginPrint),
		}
	}
	for _, j := range rec.Rejections {
		d.Rejections = append(d.Rejections, RejectionDocument{short(j.LoginPrint), plan.Time(j.At)})
	}
	if c := rec.Challenge; c != nil {
		d.Challenge = &ChallengeDocument{plan.Time(c.SentAt)}
	}
	for _, t := range rec.Targets {
		d.Targets = append(d.Targets, RecordTarget{
			Sink: t.Sink, Location: t.Location, Holds: holds(rec, t), Keys: append([]string{}, t.Keys...),
			Merge:   t.Merge,
			Version: shortVersion(t.Version), Digest: short(t.Digest), DeliveredAt: plan.Time(t.DeliveredAt),
		})
	}
	return d
}

func describeGrant(g *state.Grant) *GrantDocument {
	if g == nil {
		return nil
	}
	return &GrantDocument{
		ID: short(g.ID), IssuedAt: plan.Time(g.Token.IssuedAt), ExpiresAt: plan.Time(g.Token.ExpiresAt),
		Refreshable:      !g.RefreshRefused && (!g.Token.Refresh.IsZero() || !g.Token.RefreshableUntil.IsZero()),
		RefreshableUntil: plan.Time(g.Token.RefreshableUntil),
		VerifiedAt:       plan.Time(g.VerifiedAt), Rejected: g.Rejected,
		LoginFingerprint: short(g.LoginPrint), ShapeFingerprint: short(g.ShapePrint),
		Outputs: append([]string{}, slices.Sorted(maps.Keys(g.Token.Outputs))...),
	}
}

func holds(rec *state.Record, t state.Target) string {
	switch {
	case t.GrantID == "":
		return "nothing"
	case rec.Current != nil && t.GrantID == rec.Current.ID:
		return "current"
	case rec.Pending != nil && t.GrantID == rec.Pending.ID:
		return "pending"
	}
	return "older"
}
