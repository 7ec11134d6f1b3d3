package plan

import (
	"time"

	"github.com/credsync/credsync/schema"
)

// Account is everything that a decision about one account depends on: its
// policy, what the state remembers, and what was just observed.
type Account struct {
	Now      time.Time
	Address  string
	Provider string

	// Enabled is false for an account that is to be left alone. Removed
	// accounts are in the state and no longer in the configuration;
	// DeleteOnRemove is what was asked to happen to their targets. Revokes says that
	// their token is revoked besides.
	Enabled bool
	Removed bool
	// Heir is the account that continues with the record, which was moved and left behind;
	// "" for none.
	Heir           string
	DeleteOnRemove bool
	Revokes        bool
	// Replace asks for a new token whatever the old one is worth, and lifts a
	// remembered block: --replace.
	Replace bool

	// MovedFrom is the address whose record the account continues with, where that
	// has yet to be moved; "" where there is nothing to move.
	MovedFrom string

	// Import is why the token of an import block cannot be used before somebody has
	// added to the block; nil if it can, or there is none.
	Import *Block

	// LoginSpends says that a login costs what cannot be had again, RefreshSpends that
	// a refresh does. No token is asked for then before every target can be written.
	LoginSpends   bool
	RefreshSpends bool

	// Static providers have no login: the token is in the configuration.
	Static bool
	// CanRefresh says that the provider knows how to refresh.
	CanRefresh   bool
	RotateBefore schema.Window
	// RunsEvery is the longest time between two runs; 0 if not known.
	RunsEvery time.Duration
	// Lifetime is the documented one, which counts until there is a token; 0 if
	// not known.
	Lifetime time.Duration

	// Unreadable says why the account could not be looked at; empty if it was.
	Unreadable string
	// Token is the newest one; nil if there is none.
	Token        *Token
	Verification Verification
	// Block is what stands in the way of a login; nil if nothing does.
	Block *Block
	// LoginSpent is why no login can be made where it works once and was sent; nil if it
	// can be. Nothing lifts it but another login.
	LoginSpent *Block
	// LastFailure is why the last run that worked on the account did not do what was
	// to be done; nil where it did.
	LastFailure *Failure
	Targets     []Target
	// Clocks are the provider's; those of the token are not among them.
	Clocks []Clock
}

// Token is what a decision needs to know of a token.
type Token struct {
	IssuedAt   time.Time
	ExpiresAt  time.Time
	VerifiedAt time.Time
	// RefreshableUntil is when a refresh stops working; zero for no known end.
	RefreshableUntil time.Time
	// RefreshRefused says that the upstream has refused a refresh, whenever that was.
	RefreshRefused bool
	// RefreshUnknown says that a refresh was asked for of which it is not known what came of
	// it, and RefreshGraceEnds until when the upstream takes its material again; zero for
	// never.
	RefreshUnknown   bool
	RefreshGraceEnds time.Time
	// Refreshable says that there is refresh material.
	Refreshable bool
	// Journaled tokens were got by a run that did not finish, Imported ones come
	// from an import block. Either way no target may have it yet.
	Journaled bool
	Imported  bool
	// Rejected says that the upstream was already seen to reject it.
	Rejected bool
	// ConfigChanged says that the attributes it was got with have changed.
	ConfigChanged bool
}

// canRefresh reports whether a refresh may bring another token at that time.
func (t *Token) canRefresh(now time.Time) bool {
	ended := !t.RefreshableUntil.IsZero() && !now.Before(t.RefreshableUntil)
	return t.Refreshable && !t.RefreshRefused && !ended
}

// inRefreshGrace reports whether the upstream takes refresh material again of which it is not
// known whether it was used.
func (t *Token) inRefreshGrace(now time.Time) bool {
	return t.RefreshUnknown && now.Before(t.RefreshGraceEnds)
}

// Verification is what the upstream says of the token.
type Verification struct {
	Outcome Outcome
	// Reason is set where Outcome is NeedsHuman.
	Reason Reason
	// Message says what the upstream said; empty where it was not asked.
	Message string
}

// Outcome of a verification.
type Outcome int

// The outcomes.
const (
	// NotAsked, because it is not due, not possible or not wanted.
	NotAsked Outcome = iota
	// Confirmed as good.
	Confirmed
	// Refused as no longer valid.
	Refused
	// NeedsHuman: the token is known, but someone must act at the upstream.
	NeedsHuman
	// Unclear: no answer, or one that says nothing about the token.
	Unclear
)

// Failure is how a run ended that did not do what was to be done.
type Failure struct {
	At      time.Time
	Message string
}

// Block is why a login is pointless until a human has acted.
type Block struct {
	Reason  Reason
	Message string
	// Since is when it was first seen; zero for what is seen now.
	Since time.Time
	// OfLogin says that the login itself was refused, whatever the token is for.
	OfLogin bool
	// AtRefresh says that a refresh was refused for the sake of the login, so that another
	// is pointless too.
	AtRefresh bool
	// Address is the account that it was seen of, where that is another one
	// with the same login; else empty.
	Address string
	// CodeSentAt is when the code was sent that the upstream waits for; zero
	// where none was.
	CodeSentAt time.Time
}

// Target is one deliver block, or one place in the state that no deliver block
// names any longer.
type Target struct {
	// Place is what it is; "" where its sink cannot tell.
	Place    string
	Sink     string
	Location string

	// Exists, Owner and Unseen are as the sink reports them.
	Exists    bool
	Owner     string
	Unseen    bool
	Unguarded bool
	// Ours says that the target bears our mark, or that the state knows it as
	// written by us, or that it belongs to an account of this project with
	// which it is merged, or that gives it up.
	Ours bool
	// From is the account of this project that gives it up, and FormerProject that
	// of the owner where it is a project that this one may once have been.
	From          string
	FormerProject string
	// Rival is the account whose deliver block names the same target another way, and
	// comes first; "" for none.
	Rival string
	// OthersKeys says that it was merged into, is not to be any more, and has keys of
	// others, which a write would take away.
	OthersKeys bool
	// TakenKeys are keys that the account is to write for the first time in what it
	// merges into, and that someone else has there.
	TakenKeys []string
	// Adopt allows writing over what is not ours.
	Adopt bool

	// Recorded says that the state knows the place.
	Recorded bool
	// HasToken says that it was given the newest token.
	HasToken bool
	// Drifted says that its version is not the one that was written.
	Drifted bool
	// Outdated says that what should be there is not what was written; Differs in
	// what it looks otherwise than it should, "" if in nothing.
	Outdated bool
	Differs  string
	// RestartDue says that what reads the target has not been restarted for
	// the token that it holds.
	RestartDue bool
	// Removed says that no deliver block of the account names it any longer;
	// Wanted, that another account of the configuration delivers there, and
	// Awaited, that this one does not hold its token there yet.
	Removed bool
	Wanted  bool
	Awaited bool
	// TakenBy is the account that delivers there, where one does.
	TakenBy string
	// LeftAlone says, of one that is Removed, why it would not be deleted: in what it is
	// not as credsync has left it; "" where it is.
	LeftAlone string
	// Unreachable says that no sink of the configuration leads there, and NoSink
	// that the one is gone which did.
	Unreachable bool
	NoSink      bool
	// Unreadable says why the target could not be looked at; empty if it was.
	Unreadable string
	// Unwritable says why it cannot be written, and Denied that whoever plans may not;
	// empty where nothing is known against it.
	Unwritable string
	Denied     string
}

// foreign reports whether the target may not be written: something is there,
// and it is not ours.
func (t Target) foreign() bool {
	return t.Rival != "" || !t.Ours && !t.Adopt && (t.Exists || t.Unseen || t.Unguarded || t.Owner != "")
}

// Dead reports whether no consumer can use the token any longer.
func (t *Token) Dead(now time.Time) bool {
	return t.Rejected || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}
