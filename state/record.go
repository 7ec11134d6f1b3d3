// Package state keeps what credsync must remember between runs: one record per
// account, stored through a sink, replaced only by compare-and-set.
//
// A record holds live tokens. It is as secret as what it describes.
package state

import (
	"cmp"
	"crypto/rand"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
)

// Record is everything remembered of one account.
type Record struct {
	// Address of the account, its provider and project.
	Address  string
	Provider string
	Project  string
	// Key is random, made with the record. It keys every fingerprint and
	// digest in it, so that they say nothing outside.
	Key []byte
	// FirstSeenAt is when the present credentials were first used.
	FirstSeenAt time.Time
	// Lease is held by a run that is working on the account.
	Lease *Lease
	// Current is the token that passed verification and that targets hold.
	Current *Grant
	// Pending is a token that was journaled and has not become current: not
	// yet verified, or its run ended before the commit.
	Pending *Grant
	// RefreshAsked says that a refresh was asked for of which it is not known what came of
	// it; nil if none was.
	RefreshAsked *RefreshIntent
	// Block says that a human is needed; nil if not.
	Block *Block
	// Rejections are the logins that the upstream rejected, the newest
	// last, besides Block's: two pipelines with different passwords must not
	// have each other's rejection forgotten.
	Rejections []Rejection
	// SecretRefusals are the latest refusals of logins by the secrets that they sent, and
	// SpentLogins the logins that work once and were sent. Both only of upstreams that a
	// user describes.
	SecretRefusals []SecretRefusals
	SpentLogins    []SpentLogin
	// Challenge is a second factor that was sent to a human and not answered.
	Challenge *Challenge
	// Targets in the order of their sink and location.
	Targets []Target
	// DeleteOnRemove is what happens to the targets when the account is
	// removed from the configuration.
	DeleteOnRemove bool
	// Revocation is set where the token is to be revoked then. It is what that takes of the
	// account, which has gone from the configuration by then: the attributes that the
	// request uses and the http block, as schema.Values.Keep encodes them. Only
	// DeleteOnRemove gives it a meaning.
	Revocation *Revocation
	// Moved are the addresses from which the record was moved here, each as the
	// moved block has it, so that no block is carried out twice.
	Moved []string
	// Parked is the record that was here before, while two accounts exchange
	// addresses: it goes to the other one next.
	Parked *Record
	// Failures counts the runs in a row that did not do what was to be done,
	// as far as anyone wants to hear about them.
	Failures int
	// LastFailure is why the last run that worked on the account did not do what was
	// to be done, so that status can say so; nil where it did.
	LastFailure *LastFailure
	// Notices are what people were told about the account, one for each notify
	// block and topic.
	Notices []Notice
}

// Revocation is what it takes to revoke the token of an account that has been removed.
type Revocation struct {
	Attributes, HTTP credential.Secret
}

// Equal reports whether two are the same; nil is equal to nil alone.
func (v *Revocation) Equal(o *Revocation) bool {
	if v == nil || o == nil {
		return v == o
	}
	return v.Attributes.Equal(o.Attributes) && v.HTTP.Equal(o.HTTP)
}

// LastFailure is how a run ended that did not do what was to be done.
type LastFailure struct {
	At time.Time
	// Message is what the run printed, without a secret.
	Message string
}

// Notice is a message about the account.
type Notice struct {
	// Notify names the notify block, as `webhook.oncall`; Topic what it is
	// about, of which one thing at a time is said.
	Notify string
	Topic  string
	// Event is the kind of message, Subject what tells it from others of its
	// kind.
	Event   string
	Subject string
	// At is when a run began to send it. Sent is set when it has arrived; until
	// then that run may still be at it.
	At   time.Time
	Sent bool
	// Project and Address are those of the account when it was told, where the record has
	// been moved since; else empty.
	Project string
	Address string
}

// LeaseLife is how long a lease keeps others off from the holder's last write of
// the record.
const LeaseLife = 2 * time.Minute

// Lease keeps other runs off an account.
type Lease struct {
	// Holder says who holds it; see processid.NewIdentity.
	Holder string
	// ExpiresAt is LeaseLife after the holder's last write, by its clock.
	ExpiresAt time.Time
}

// WrittenAt is when the holder wrote it, by its clock.
func (l *Lease) WrittenAt() time.Time { return l.ExpiresAt.Add(-LeaseLife) }

// Grant is one token with what is known about it.
type Grant struct {
	// ID is random; targets name by it which token they hold.
	ID    string
	Token credential.Token
	// Replaced are the IDs of the tokens that came before it in the record, the one that
	// it took the place of last, at most MaxReplaced. They, and not times, say which of
	// two tokens is the newer one.
	Replaced []string
	// Description is the digest of the upstream's description that it was got by; empty
	// where there is none, and in records of earlier versions.
	Description string
	// LoginPrint and ShapePrint are the fingerprints of the attributes that
	// shaped the login, and of those that shaped the token, under which it
	// was got.
	LoginPrint string
	ShapePrint string
	// ConfigChanges is how many tokens in a row, this one the last, were got within a day
	// of the one before because the configuration had changed.
	ConfigChanges int
	// VerifiedAt is when the upstream last confirmed it; zero if not yet.
	VerifiedAt time.Time
	// Rejected means that the upstream no longer accepts it, or may not: a
	// login that kills it is being made, or was made at the same time.
	Rejected bool
	// RefreshRefused means that the upstream has refused to refresh it, by the clock of
	// the run at Token.RefreshableUntil. It is not asked again, whatever the time is to
	// others, and however long ago they have looked at a clock.
	RefreshRefused bool
}

// RefreshIntent is a refresh that is about to be asked for, or was, with material that works
// once. It is of no more use once another token is there.
type RefreshIntent struct {
	// GrantID names the token whose refresh material is presented.
	GrantID string
	// At is when that was for the first time.
	At time.Time
	// Last says that it was the last time: it is not presented again.
	Last bool
}

// AskedToRefresh is the refresh of which it is not known what came of it, where it is of
// the newest token; nil for none.
func (r *Record) AskedToRefresh() *RefreshIntent {
	g := r.Newest()
	if r.RefreshAsked == nil || g == nil || g.ID != r.RefreshAsked.GrantID {
		return nil
	}
	return r.RefreshAsked
}

// Block remembers why a human is needed, so that later runs do not log in to
// find out again.
type Block struct {
	Reason  failure.Reason
	Message string
	Since   time.Time
	// LoginPrint and ShapePrint are the fingerprints it was blocked under.
	LoginPrint string
	ShapePrint string
	// AtRefresh means that a refresh was refused for the sake of the login, so that none
	// is asked for either.
	AtRefresh bool
}

// Challenge is a code that was asked for. With a zero ID the upstream may have
// sent it, but its answer was lost, so it cannot be used.
type Challenge struct {
	credential.Challenge
	// LoginPrint is the fingerprint of the login that it belongs to.
	LoginPrint string
}

// Target is one place that was claimed or written.
type Target struct {
	// Place is what it is; Sink is the sink's name and Location the place as
	// people know it, both as they were at the last delivery.
	Place    sinks.Place
	Sink     string
	Location string
	// Options are the deliver block's values (schema.Values.Encode), with
	// which the target can be found again when the block is gone.
	Options []byte
	Merge   bool
	// Keys are the names of what was written. LaterKeys are those that may have been
	// written besides while it is only claimed, and that Digest leaves out: the
	// verification tells their values.
	Keys, LaterKeys []string
	// GrantID names the token it holds; empty if it was only claimed.
	GrantID string
	// Digest is keyed and covers the data that was written; Version is the
	// sink's, after the write, or of what was taken over while it was only claimed.
	Digest  string
	Version string
	// DeliveredAt is when it was written; zero if it was only claimed.
	DeliveredAt time.Time
	// RestartedID names the token for which what reads the target was
	// restarted; empty if nothing was.
	RestartedID string
}

// New returns the record of an account that nothing is known of yet.
func New(project, address, provider string) *Record {
	return &Record{Project: project, Address: address, Provider: provider, Key: randomBytes(32)}
}

// RefuseRefresh notes that the upstream has refused to refresh the token.
func (g *Grant) RefuseRefresh(at time.Time) {
	g.RefreshRefused, g.Token.RefreshableUntil = true, at
}

// NewGrant returns a grant for a token that was just received.
func NewGrant(t credential.Token, loginPrint, shapePrint string) *Grant {
	return &Grant{ID: rand.Text(), Token: t, LoginPrint: loginPrint, ShapePrint: shapePrint}
}

// MaxReplaced bounds how many of the tokens before it a grant names.
const MaxReplaced = 10

// Replace says that the grant takes the place of another one; nil for none.
func (g *Grant) Replace(old *Grant) {
	if old == nil {
		return
	}
	chain := append(slices.Clone(old.Replaced), old.ID)
	g.Replaced = chain[max(0, len(chain)-MaxReplaced):]
}

// HasReplaced reports whether the grant came after the one of that ID in the same chain.
func (g *Grant) HasReplaced(id string) bool { return slices.Contains(g.Replaced, id) }

// Verified is when the upstream last confirmed the token; zero if it has not. A time that
// has yet to come, which a machine with another clock has written, does not count.
func (g *Grant) Verified(now time.Time) time.Time {
	if g.VerifiedAt.After(now) {
		return time.Time{}
	}
	return g.VerifiedAt
}

// FirstSeen is when the present credentials were first used: by now at the latest,
// whatever a machine with another clock has written. Zero if they were not.
func (r *Record) FirstSeen(now time.Time) time.Time {
	if r.FirstSeenAt.After(now) {
		return now
	}
	return r.FirstSeenAt
}

// LatestEvent is the time of the last thing that the record says has happened, except for its
// lease. Times that have yet to come are left out; zero where there are no others.
func (r *Record) LatestEvent(now time.Time) time.Time {
	var latest time.Time
	note := func(t time.Time) {
		if t.After(latest) && !t.After(now) {
			latest = t
		}
	}
	note(r.FirstSeenAt)
	for _, g := range []*Grant{r.Current, r.Pending} {
		if g != nil {
			note(g.Token.IssuedAt)
			note(g.VerifiedAt)
		}
	}
	if r.Block != nil {
		note(r.Block.Since)
	}
	if r.Challenge != nil {
		note(r.Challenge.SentAt)
	}
	for _, j := range r.Rejections {
		note(j.At)
	}
	for _, s := range r.SecretRefusals {
		for _, at := range s.At {
			note(at)
		}
	}
	for _, t := range r.Targets {
		note(t.DeliveredAt)
	}
	for _, n := range r.Notices {
		note(n.At)
	}
	return latest
}

// Newest returns the pending grant, or the current one where none is pending,
// or nil.
func (r *Record) Newest() *Grant {
	if r.Pending != nil {
		return r.Pending
	}
	return r.Current
}

// Target returns the entry of a place, or nil.
func (r *Record) Target(p sinks.Place) *Target {
	for i := range r.Targets {
		if r.Targets[i].Place == p {
			return &r.Targets[i]
		}
	}
	return nil
}

// PutTarget adds the entry, or replaces the one of the same place.
func (r *Record) PutTarget(t Target) {
	if old := r.Target(t.Place); old != nil {
		*old = t
		return
	}
	r.Targets = append(r.Targets, t)
	slices.SortFunc(r.Targets, compareTargets)
}

// DropTarget forgets a place.
func (r *Record) DropTarget(p sinks.Place) {
	r.Targets = slices.DeleteFunc(r.Targets, func(t Target) bool { return t.Place == p })
}

// Notice returns what a notify block was told on a topic, or nil.
func (r *Record) Notice(notify, topic string) *Notice {
	for i := range r.Notices {
		if r.Notices[i].Notify == notify && r.Notices[i].Topic == topic {
			return &r.Notices[i]
		}
	}
	return nil
}

// PutNotice adds the notice, or replaces the one of the same block and topic.
func (r *Record) PutNotice(n Notice) {
	if old := r.Notice(n.Notify, n.Topic); old != nil {
		*old = n
		return
	}
	r.Notices = append(r.Notices, n)
}

// DropNotice forgets what a notify block was told on a topic.
func (r *Record) DropNotice(notify, topic string) {
	r.Notices = slices.DeleteFunc(r.Notices, func(n Notice) bool { return n.Notify == notify && n.Topic == topic })
}

// Clone returns a copy that shares nothing that changes.
func (r *Record) Clone() *Record {
	c := *r
	c.Lease = clone(r.Lease)
	c.Current = clone(r.Current)
	c.Pending = clone(r.Pending)
	c.RefreshAsked = clone(r.RefreshAsked)
	c.Block = clone(r.Block)
	c.LastFailure = clone(r.LastFailure)
	c.Challenge = clone(r.Challenge)
	c.Revocation = clone(r.Revocation)
	c.Targets = slices.Clone(r.Targets)
	c.Rejections = slices.Clone(r.Rejections)
	c.SecretRefusals = slices.Clone(r.SecretRefusals)
	c.SpentLogins = slices.Clone(r.SpentLogins)
	for i := range c.SecretRefusals {
		c.SecretRefusals[i].At = slices.Clone(r.SecretRefusals[i].At)
	}
	c.Notices = slices.Clone(r.Notices)
	c.Moved = slices.Clone(r.Moved)
	if r.Parked != nil {
		c.Parked = r.Parked.Clone()
	}
	return &c
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func compareTargets(a, b Target) int {
	return cmp.Or(cmp.Compare(a.Sink, b.Sink), cmp.Compare(a.Location, b.Location), cmp.Compare(a.Place, b.Place))
}

// randomBytes never fails: crypto/rand ends the program where the system has
// no randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
