package plan

import (
	"cmp"
	"fmt"
	"time"
)

// Decision is what to do about one account, and why.
type Decision struct {
	Address  string
	Provider string
	Action   Action
	Reason   Reason
	// Message is the reason in a sentence for people.
	Message string
	// Blocker is why a human is needed, even if Action is something that
	// can be done meanwhile; nil if none is.
	Blocker *Block
	// LastFailure is why the last run did not do what is still to be done; nil where
	// none has tried, and where nothing is left to do.
	LastFailure *Failure
	// RotateAt is when the token is due; zero where it never is.
	RotateAt time.Time
	// Clocks are everything that ends or ages, the token first.
	Clocks []Clock
	// HumanNeededBy is the earliest moment at which the account stops working
	// unless somebody has acted; zero where none is in sight.
	HumanNeededBy time.Time
	// Health says how bad it is, HealthMessage why; "" where it is OK.
	Health        Health
	HealthMessage string
	Targets       []TargetDecision
	Warnings      []Warning
}

// TargetDecision is what to do about one target.
type TargetDecision struct {
	// Place is what it is; "" where its sink cannot tell.
	Place    string
	Sink     string
	Location string
	Action   Action
	Reason   Reason
	Message  string
}

// Warning is something that is not wrong yet.
type Warning struct {
	Summary string
	Detail  string
}

// verdict is the outcome of one check.
type verdict struct {
	action  Action
	reason  Reason
	message string
	blocker *Block
}

// check looks at one thing. It returns false to leave the account to the next.
type check func(a *Account) (verdict, bool)

// checks are the chain; the first that has something to say decides. The
// order matters: what cannot be done comes first, then what is asked for, then
// what the upstream says of the token, then what the clock says, and the
// targets last, since a new token is written to all of them anyway.
var checks = []check{
	unreadable,
	removed,
	disabled,
	nothingWritable,
	importLacks,
	noToken,
	replaceAsked,
	configChanged,
	needsHuman,
	rejected,
	expired,
	refreshUnanswered,
	expiring,
	journaled,
	movedHere,
	targetsDiffer,
	targetUnreadable,
}

// Decide returns what to do about an account.
func Decide(a Account) Decision {
	v := verdict{action: None, reason: Current, message: currentMessage(&a)}
	for _, c := range checks {
		if found, ok := c(&a); ok {
			v = found
			break
		}
	}
	v = standingBlock(&a, deliverMeanwhile(&a, heldByTargets(&a, v)))
	d := Decision{
		Address: a.Address, Provider: a.Provider,
		Action: v.action, Reason: v.reason, Message: v.message, Blocker: v.blocker,
		Warnings: warnings(&a),
	}
	if a.Token != nil {
		d.RotateAt = rotation(&a).At
		if issuedAhead(&a) {
			d.RotateAt = a.Now
		}
	}
	for _, t := range a.Targets {
		td := decideTarget(&a, v, t)
		if td.Action == BlockedAction && d.Blocker == nil {
			d.Blocker = &Block{Reason: td.Reason, Message: td.Message}
		}
		d.Targets = append(d.Targets, td)
	}
	if v.action != None {
		d.LastFailure = a.LastFailure
	}
	d.Clocks = clocks(&a)
	d.HumanNeededBy = humanNeededBy(&a, &d)
	d.Health, d.HealthMessage = health(&a, &d)
	return d
}

func unreadable(a *Account) (verdict, bool) {
	return verdict{action: None, reason: Unreadable, message: a.Unreadable}, a.Unreadable != ""
}

// removed is for an account that only the state knows. Its record is kept until
// whoever takes its places over has done so, and while a place that is to be
// deleted cannot be.
func removed(a *Account) (verdict, bool) {
	if !a.Removed {
		return verdict{}, false
	}
	if a.Heir != "" {
		return verdict{action: Forget, reason: Moved, message: "no longer in the configuration; its record was moved to " + a.Heir + ", and an earlier run left this copy behind"}, true
	}
	counts := map[Action]int{}
	taker := ""
	var held *verdict
	for _, t := range a.Targets {
		action, reason, message := removal(a, t)
		counts[action]++
		switch {
		case t.Awaited:
			return verdict{action: None, reason: Moved, message: "no longer in the configuration; kept until " + t.TakenBy + " has taken over its targets"}, true
		case action == BlockedAction:
			v := blockedBy(&Block{Reason: reason, Message: message})
			held = &v
		case action == None && held == nil:
			held = &verdict{action: None, reason: reason, message: message}
		case t.Wanted:
			taker = t.TakenBy
		}
	}
	if held != nil && counts[Delete] == 0 {
		return *held, true
	}
	const gone = "no longer in the configuration; "
	message := gone + "its targets are deleted (on_remove = \"delete\")"
	revoked := ""
	if a.Revokes {
		revoked = "; then its token is revoked"
	}
	switch {
	case counts[Delete] > 0 && counts[Delete] < len(a.Targets):
		return verdict{action: Delete, reason: Removed, message: message + ", except those that other accounts deliver to or someone has changed" + revoked}, true
	case counts[Delete] > 0:
		return verdict{action: Delete, reason: Removed, message: message + revoked}, true
	case taker != "":
		return verdict{action: Forget, reason: Moved, message: gone + taker + " takes over its targets" + revoked}, true
	case len(a.Targets) == 0 && a.Revokes:
		return verdict{action: Delete, reason: Removed, message: gone + "its token is revoked"}, true
	case len(a.Targets) == 0:
		return verdict{action: Forget, reason: Removed, message: gone + "it has no targets"}, true
	}
	return verdict{action: Forget, reason: Removed, message: gone + "its targets stay as they are and are no longer rotated"}, true
}

func disabled(a *Account) (verdict, bool) {
	return verdict{action: None, reason: Disabled, message: "enabled = false"}, !a.Enabled
}

func nothingWritable(a *Account) (verdict, bool) {
	wanted := 0
	for _, t := range a.Targets {
		if t.Removed {
			continue
		}
		wanted++
		if !t.foreign() && t.Unreadable == "" {
			return verdict{}, false
		}
	}
	if wanted == 0 {
		return verdict{}, false
	}
	b := &Block{Reason: TargetNotOwned, Message: "every target belongs to someone else"}
	if wanted == 1 {
		b.Message = notOwnedMessage(a.Targets[firstWanted(a.Targets)])
	}
	return blockedBy(b), true
}

func firstWanted(targets []Target) int {
	for i, t := range targets {
		if !t.Removed {
			return i
		}
	}
	return 0
}

// importLacks holds back a login too: the token to import may be good, and a login
// can kill it.
func importLacks(a *Account) (verdict, bool) {
	if a.Import == nil {
		return verdict{}, false
	}
	return blockedBy(a.Import), true
}

func noToken(a *Account) (verdict, bool) {
	if a.Token != nil {
		return verdict{}, false
	}
	return login(a, Issue, NoToken, "no token yet"), true
}

func replaceAsked(a *Account) (verdict, bool) {
	if !a.Replace {
		return verdict{}, false
	}
	return login(a, Reissue, Forced, "requested with --replace"), true
}

func configChanged(a *Account) (verdict, bool) {
	if !a.Token.ConfigChanged {
		return verdict{}, false
	}
	return login(a, Reissue, ConfigChanged, "the credentials or the settings of the token have changed in the configuration"), true
}

func needsHuman(a *Account) (verdict, bool) {
	v := a.Verification
	if v.Outcome != NeedsHuman {
		return verdict{}, false
	}
	b := &Block{Reason: v.Reason, Message: v.Message}
	if a.Block != nil && a.Block.Reason == v.Reason {
		b.Since = a.Block.Since
	}
	return blockedBy(b), true
}

func rejected(a *Account) (verdict, bool) {
	if !a.Token.Rejected && a.Verification.Outcome != Refused {
		return verdict{}, false
	}
	if (a.Token.Rejected || a.Token.VerifiedAt.IsZero()) && a.Block != nil && a.Block.Reason == NoAccess {
		// The upstream rejects what it issues; another refresh changes nothing.
		return blockedBy(a.Block), true
	}
	if !a.Static {
		return renew(a, Rejected, "the upstream no longer accepts the token"), true
	}
	if a.Block != nil {
		return blockedBy(a.Block), true
	}
	b := &Block{Reason: CredentialsRejected, Message: "the upstream rejects the configured token; put a valid one into the configuration"}
	return blockedBy(b), true
}

func expired(a *Account) (verdict, bool) {
	t := a.Token
	if t.ExpiresAt.IsZero() || a.Now.Before(t.ExpiresAt) {
		return verdict{}, false
	}
	return renew(a, Expired, "the token expired "+ago(a.Now.Sub(t.ExpiresAt))), true
}

// refreshUnanswered is for a token whose refresh was asked for, while it is good. Where the
// upstream takes the material again it is asked again. Elsewhere that could end the token,
// so it is kept until it has ended by itself.
func refreshUnanswered(a *Account) (verdict, bool) {
	t := a.Token
	at := rotation(a).At
	due := !at.IsZero() && !a.Now.Before(at) || issuedAhead(a)
	if !t.RefreshUnknown || t.Journaled || !t.canRefresh(a.Now) {
		return verdict{}, false
	}
	if t.inRefreshGrace(a.Now) {
		return renew(a, RefreshUnknown, "an earlier run asked for a refresh and its answer never came; the upstream accepts the same refresh token again"), true
	}
	if !due || t.ExpiresAt.IsZero() {
		return verdict{}, false
	}
	if d, ok := targetsDiffer(a); ok {
		return d, true
	}
	return verdict{action: None, reason: RefreshUnknown, message: fmt.Sprintf(
		"an earlier run asked for a refresh and its answer never came, so the refresh token may be spent, and to present it again could end the token; the token stays in use until %s, then the refresh is tried one last time",
		t.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))}, true
}

func expiring(a *Account) (verdict, bool) {
	if issuedAhead(a) {
		return renew(a, Expiring, fmt.Sprintf("the token's time of issue is %s from now, so the clock of the machine that got it was ahead, and its expiry is unknown", Duration(a.Token.IssuedAt.Sub(a.Now)))), true
	}
	at := rotation(a).At
	if at.IsZero() || a.Now.Before(at) {
		return verdict{}, false
	}
	return renew(a, Expiring, "the token expires in "+Duration(a.Token.ExpiresAt.Sub(a.Now))), true
}

func journaled(a *Account) (verdict, bool) {
	if !a.Token.Journaled {
		return verdict{}, false
	}
	if a.Token.Imported {
		return verdict{action: Deliver, reason: Imported, message: "the import block has a token, which is verified and delivered without a login"}, true
	}
	return verdict{action: Deliver, reason: Journaled, message: "an earlier run got this token but did not deliver it"}, true
}

// movedHere is for a record that is to be moved here, with its token: there is
// something to do even where no target has to be written.
func movedHere(a *Account) (verdict, bool) {
	if a.MovedFrom == "" {
		return verdict{}, false
	}
	return verdict{action: Deliver, reason: Moved, message: "it continues with the record of " + a.MovedFrom + ": no login"}, true
}

func targetsDiffer(a *Account) (verdict, bool) {
	counts := map[Reason]int{}
	for _, t := range a.Targets {
		if reason := difference(a, t); reason != "" && !t.foreign() {
			counts[reason]++
		}
	}
	for _, reason := range []Reason{Journaled, Moved, TargetMissing, TargetDrifted, TargetChanged, RestartDue} {
		if n := counts[reason]; n > 0 {
			return verdict{action: Deliver, reason: reason, message: differenceMessage(reason, n)}, true
		}
	}
	return placesGone(a)
}

// placesGone is for places that no deliver block names any longer. Those that
// cannot be reached from here hold nothing back.
func placesGone(a *Account) (verdict, bool) {
	if somePlaceHeldBack(a) {
		return verdict{}, false
	}
	var forgotten, held *verdict
	for _, t := range a.Targets {
		if !t.Removed {
			continue
		}
		switch action, reason, message := removal(a, t); action {
		case Delete:
			return verdict{action: Delete, reason: Removed, message: "a deliver block was removed from the configuration; its target is deleted"}, true
		case Forget:
			forgotten = &verdict{action: Forget, reason: Removed, message: "a deliver block was removed from the configuration; its target stays as it is"}
		case BlockedAction:
			v := blockedBy(&Block{Reason: reason, Message: message})
			held = &v
		}
	}
	switch {
	case forgotten != nil:
		return *forgotten, true
	case held != nil:
		return *held, true
	}
	return verdict{}, false
}

// targetUnreadable is last: a target that cannot be looked at holds back
// neither a new token nor the other targets.
func targetUnreadable(a *Account) (verdict, bool) {
	for _, t := range a.Targets {
		if t.Unreadable != "" && !t.Removed {
			return verdict{action: None, reason: Unreadable, message: t.Unreadable}, true
		}
	}
	return verdict{}, false
}

// heldByTargets holds a token back that could not be delivered: where getting it costs
// something, for one target that cannot be written; else where none could be.
func heldByTargets(a *Account, v verdict) verdict {
	if !v.action.Contacts() {
		return v
	}
	message, left := "", false
	for _, t := range a.Targets {
		switch {
		case t.Removed:
		case t.Unwritable != "":
			message = cmp.Or(message, t.Unwritable)
		case !t.foreign() && t.Unreadable == "":
			left = true
		}
	}
	spends := a.LoginSpends
	if v.action == Refresh {
		spends = a.RefreshSpends
	}
	if message == "" || left && !spends {
		return v
	}
	return verdict{action: None, reason: Unwritable, message: message}
}

// renew prefers a refresh, which needs no credentials.
func renew(a *Account, reason Reason, message string) verdict {
	if !a.CanRefresh {
		return login(a, Reissue, reason, message)
	}
	t := a.Token
	if a.Block != nil && a.Block.AtRefresh {
		return login(a, Reissue, reason, message)
	}
	if !t.canRefresh(a.Now) {
		return login(a, Reissue, RefreshUnavailable, message+", and it can no longer be refreshed")
	}
	return verdict{action: Refresh, reason: reason, message: message}
}

// login is where a block stands in the way.
func login(a *Account, action Action, reason Reason, message string) verdict {
	if a.Block != nil && !(a.Replace && !a.Block.Since.IsZero()) {
		return blockedBy(a.Block)
	}
	if a.LoginSpent != nil {
		return blockedBy(a.LoginSpent)
	}
	return verdict{action: action, reason: reason, message: message}
}

func blockedBy(b *Block) verdict {
	return verdict{action: BlockedAction, reason: b.Reason, message: b.Message, blocker: b}
}

// deliverMeanwhile repairs the targets of a blocked account while its token is
// still good: the consumers need not suffer before they must.
func deliverMeanwhile(a *Account, v verdict) verdict {
	if v.action != BlockedAction || a.Token == nil || a.Token.Dead(a.Now) || a.Token.ConfigChanged ||
		a.Token.Journaled || a.Verification.Outcome == Refused {
		return v
	}
	d, ok := targetsDiffer(a)
	if !ok || d.action != Deliver {
		return v
	}
	d.blocker = v.blocker
	return d
}

// standingBlock reports what will stand in the way of the next login though
// the token is still good, or can be refreshed: there is time to see to it. A
// verification that passes says that access is there again.
func standingBlock(a *Account, v verdict) verdict {
	looked := a.Unreadable == "" && a.Enabled && !a.Removed
	if v.blocker != nil || !looked || a.Block == nil || v.action == Issue || v.action == Reissue {
		return v
	}
	if a.Block.Reason != NoAccess || a.Verification.Outcome != Confirmed {
		v.blocker = a.Block
	}
	return v
}

func issuedAhead(a *Account) bool {
	return IssuedAhead(a.Token.IssuedAt, a.Token.ExpiresAt, a.Now, a.RotateBefore)
}

func rotation(a *Account) Rotation {
	return RotationOf(a.Address, a.Token.IssuedAt, a.Token.ExpiresAt, a.RotateBefore)
}

func currentMessage(a *Account) string {
	if a.Token == nil {
		return ""
	}
	r := rotation(a)
	if r.At.IsZero() {
		return "the token is good and does not expire"
	}
	return fmt.Sprintf("the token is good until %s, next rotation in %s", a.Token.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"), Duration(r.At.Sub(a.Now)))
}
