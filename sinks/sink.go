// Package sinks defines where tokens are written. A sink is a target of
// deliver blocks, a store for the state and a source of data blocks; one small
// interface serves the three. Each sink lives in a folder of its own below;
// package sinks/all lists them.
//
// A sink knows nothing of providers or of the state's content.
package sinks

import (
	"context"
	"errors"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/go-hclog"
)

// The kinds of failure that callers tell apart with errors.Is. Whatever is
// returned says in its text what was being done, to which address, and what to
// do about it, and holds no secret.
var (
	// ErrNotFound is returned by Read where there is nothing.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned by Write and Delete where the target is not at
	// the version asked for.
	ErrConflict = errors.New("changed by someone else")
	// ErrDenied means that credsync's identity at the sink lacks a permission.
	ErrDenied = errors.New("permission denied")
	// ErrUnavailable means that the sink is sealed, standby, overloaded or out
	// of reach: the same call may succeed later.
	ErrUnavailable = errors.New("unavailable")
	// ErrMalformed is returned by Read where what is there cannot be understood.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported means that this sink cannot do it at all: compare-and-set
	// in KV version 1.
	ErrUnsupported = errors.New("not supported")
)

// Target is one place in a sink. Specs make them; callers only pass them on.
type Target struct {
	// Path is the place within the connection, in the sink's own form.
	Path string
	// Location names the place to people, and is what makes two targets of
	// one sink the same: "secret/shop/sagi", "shop/sagi-token".
	Location string
	// Merge keeps the keys that are not written.
	Merge bool
	// Restarts name what reads the target and has to be restarted once it has
	// a new token, in the form of a sink that is a Restarter.
	Restarts []string
	// Options are the deliver, state or data block's own attributes.
	Options schema.Values
}

// Place is what a target is, whatever its sink block is called and however it is
// to look: the server, and where on it. Two connections to one target tell the
// same place, and another server tells another one. It is opaque but to the
// sinks of its type, holds no secret, and is kept in the state.
type Place string

// Info is what can be known of a target without reading its data.
type Info struct {
	Exists bool
	// Version is opaque and changes with each write; no other server and no
	// target that is created again repeats it. It is what Write.If must be to write
	// on what was seen: "" where nothing ever was, but not always
	// where nothing exists, since some sinks remember what was deleted.
	Version string
	// Owner is "<project>/<address>" as marked at the target, "" where it is
	// unmarked or the sink cannot mark; who wrote it is then in the state.
	Owner string
	// Marks says that the sink marks owners here, so that what bears no mark of
	// ours is someone else's, whoever wrote it once.
	Marks bool
	// Differs says, for people, how the target is not as its options ask, where the
	// sink can tell: "mode is 0644, not 0600". It is "" if it is as they ask. A write
	// puts it right.
	Differs string
	// Unseen means that the sink cannot tell without a permission that
	// credsync does not have: existence and version are unknown.
	Unseen bool
	// Unguarded means that the sink can neither mark an owner nor compare and
	// set here, so that even a place that seems empty is written only where
	// the configuration allows it (adopt).
	Unguarded bool
}

// Object is a target's data with its version.
type Object struct {
	Data    map[string]credential.Secret
	Version string
	// Ends is when the sink deletes it by itself; zero where it does not.
	Ends time.Time
	// Unnamed says that what is there has no key of its own: Data has the one
	// value under a key that the sink has made up.
	Unnamed bool
}

// Write is new data for a target.
type Write struct {
	Data map[string]credential.Secret
	// Drop are keys that a target that is merged into is not to have any longer.
	// It has none that Data has.
	Drop []string
	// If is the version that must still be there: Info.Version as it was seen,
	// so that "" means that nothing may be. The sink compares and sets
	// atomically where it can at all.
	If string
	// Owner is marked at the target by a sink that can, unless it is a
	// Claimer: then Claim alone marks, and a write is the data only.
	Owner string
	// Adopt says that the configuration takes the target over from whoever
	// has it, for sinks where single keys have owners too.
	Adopt bool
	// ExpiresAt and RotatedAt describe the token, for sinks that show them;
	// zero where they do not apply.
	ExpiresAt, RotatedAt time.Time
}

// Removal asks for a target's deletion.
type Removal struct {
	// If is the version that must still be there.
	If string
	// Keys are the only ones removed from a target that is merged into; nil
	// removes the target.
	Keys []string
}

// Sink is one configured connection. Its methods may be called concurrently.
type Sink interface {
	// Stat looks at a target without reading its data. Nothing being there is
	// not an error.
	Stat(ctx context.Context, t Target) (Info, error)
	// Read returns the data. ErrNotFound where nothing is there; the Object
	// still has the Version that a Write must then find.
	Read(ctx context.Context, t Target) (Object, error)
	// Write replaces the data, or the written keys of a target that is merged
	// into, and returns the new version. ErrConflict where the target is not
	// at w.If.
	Write(ctx context.Context, t Target, w Write) (version string, err error)
	// Delete removes the target. One that is already gone is not an error;
	// one at another version is ErrConflict. Nothing of it remains: where the sink
	// remembers what was deleted, so that Stat gives a version of nothing, Delete at
	// that version removes that too.
	Delete(ctx context.Context, t Target, r Removal) error
	// List returns the places directly below a prefix, in order; none where
	// the prefix does not exist.
	List(ctx context.Context, prefix Target) ([]Target, error)
	// Place tells what a target is. A connection asks its server once, if at
	// all; a failure is not remembered.
	Place(ctx context.Context, t Target) (Place, error)
	// At returns the target at a place, with the options of a deliver block;
	// false where this connection does not lead there. It asks no more than Place.
	At(ctx context.Context, p Place, options schema.Values) (Target, bool, error)
	// Address tells people where the connection leads: a URL without anything
	// secret, or a directory as it was given. It contacts nothing.
	Address() string
}

// Claimer is a sink that marks a target's owner apart from its data, and so
// before the first data is written.
type Claimer interface {
	// Claim marks the owner at a target last seen as seen, and then writes as
	// Write does. ErrConflict where the target has come into being, was written
	// or got another owner since, up to the write itself; the mark is then taken
	// back. A target that is merged into is shared and not marked.
	Claim(ctx context.Context, t Target, w Write, seen Info) (version string, err error)
}

// Restarter is a sink that can restart what reads a target.
type Restarter interface {
	// Restart restarts what t.Restarts names. stamp tells one restart from
	// another: asking again with the same one changes nothing.
	Restart(ctx context.Context, t Target, stamp time.Time) error
}

// Scanner is a sink that reads many places in few requests.
type Scanner interface {
	// Scan reads the places directly below a prefix, each as it was at some
	// moment of the scan, and hands them to yield, in no order. A place may come
	// twice; the later one counts. Nothing being there is not an error. An error
	// of yield ends the scan and is returned.
	Scan(ctx context.Context, prefix Target, yield func(Target, Object) error) error
}

// BulkStatter is a sink that looks at many targets in few requests.
type BulkStatter interface {
	// StatMany tells found what Stat would say of targets[i], for those of which
	// it learns without asking for each. The others, all of them where a
	// permission or the sink itself is missing, are left to Stat.
	StatMany(ctx context.Context, targets []Target, found func(i int, info Info))
}

// BulkPlacer is a sink that finds the places of many targets with less work than one
// after the other takes.
type BulkPlacer interface {
	// PlaceMany tells found what Place says of each of targets, by its index.
	PlaceMany(ctx context.Context, targets []Target, found func(i int, p Place, err error))
}

// Trial is a write that is tried out before there is anything to write.
type Trial struct {
	Target Target
	// Absent says that nothing was there when it was last looked at. It saves a look.
	Absent bool
	// Keys are those that will be written; nil where they are not known yet.
	Keys []string
	// Owner and Adopt are as in Write.
	Owner string
	Adopt bool
}

// Preflighter is a sink that can say, with no effect, whether targets could be
// written, and what reads them restarted; and whether records of the state could
// also be read and removed.
type Preflighter interface {
	// Preflight returns what stands in the way of each trial, by its index; nil
	// where nothing does, as far as that can be known. It says what is missing and
	// is ErrDenied only where that is a permission: another identity may have it.
	Preflight(ctx context.Context, trials []Trial) []error
}

// Durable is a sink that can tell whether the state lasts where it is kept.
type Durable interface {
	// Lasts says for people why records, of which one or all are given, may vanish
	// or be corrupted there; "" where nothing is known against it. It has no effect.
	// ErrUnsupported means that no record is written there at all.
	Lasts(ctx context.Context, record Target) (warning string, err error)
}

// Pinger is a sink behind which there is a server. One that is not is on this
// machine, and works with the network down.
type Pinger interface {
	// Ping asks the server, without logging in, whether it can serve. Where it
	// cannot the error says why, and Server has what it said all the same.
	Ping(ctx context.Context) (Server, error)
}

// Server is what one says of itself; zero fields where it does not say.
type Server struct {
	// Address is a URL without anything secret.
	Address string
	// About is its kind and version: "Vault 1.21.0".
	About string
	// Date is its clock, to the second.
	Date time.Time
	// CertificateEnds is when its TLS certificate expires.
	CertificateEnds time.Time
}

// Env is what a sink gets besides its attributes.
type Env struct {
	// Getenv reads the process environment.
	Getenv func(string) string
	// Dir is the configuration's directory; relative paths start there.
	Dir string
	Now func() time.Time
	Log hclog.Logger
	// Version of credsync, for User-Agent.
	Version string
}

// Spec describes a sink type to the rest of the program.
type Spec struct {
	// Type is the first label of the sink block.
	Type string
	Doc  string
	// Connection is the table of the sink block.
	Connection schema.Block
	// Deliver, State and Data are the tables of the blocks that name the
	// sink: only the sink's own attributes.
	Deliver schema.Block
	State   schema.Block
	Data    schema.Block
	// Target makes the target of a deliver block; Record that of the state
	// record of that name, or of all of them for the name ""; Source that of
	// a data block. They contact nothing, and their errors name an attribute.
	Target func(conn, deliver schema.Values) (Target, error)
	Record func(conn, state schema.Values, name string) (Target, error)
	Source func(conn, data schema.Values) (Target, error)
	// Doubt says what looks like a mistake in the place that a deliver, data or state
	// block names, and what to write in its stead; "" for nothing. Nil where nothing
	// can. Values may be unknown.
	Doubt func(conn, block schema.Values) string
	// Exposes says why a target should not be where the state is, given the
	// place of all records; "" if it may be. Nil where any may.
	Exposes func(records, target Target) string
	// Tree says that locations are paths of one tree that all sinks of the type
	// share, relative ones starting at the configuration's directory, and that
	// nothing can be inside a target.
	Tree bool
	// CheckKeys, where it is not nil, says whether data with these keys can be
	// written as a deliver block asks, so that no login is made for a token that
	// could not be delivered; merge says that the target may have others. Its errors
	// may quote keys.
	CheckKeys func(deliver schema.Values, keys []string, merge bool) error
	// New makes the sink. It contacts nothing yet: the first call does.
	New func(conn schema.Values, env Env) (Sink, error)
	// Policy is nil for a sink where there is nothing to be allowed.
	Policy *Policy
}
