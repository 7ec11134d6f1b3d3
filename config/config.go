// Package config reads a configuration: it parses the files, evaluates the
// expressions and decodes the blocks by their tables.
package config

import (
	"context"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/hcl/v2"
)

// Options say what to load and with what.
type Options struct {
	// Path is a directory or a file.
	Path string
	// Inputs are what --var and --var-file gave, in the order of the command
	// line: of two values for one variable, the later one counts.
	Inputs []Input
	// AllowUnset leaves a required variable that has no value unknown, for a
	// check of the configuration alone.
	AllowUnset bool
	// Getenv reads the process environment, for CREDSYNC_VAR_name, the env
	// function and attributes with an environment variable.
	Getenv func(string) string
	// Lint also warns of what is allowed and not wise, such as a password in the
	// configuration, for a check by those who write it.
	Lint bool
	// EnvIsSet reports whether an environment variable is set, even to nothing, for the
	// words of an error; may be nil.
	EnvIsSet  func(string) bool
	Providers *providers.Registry
	Sinks     *sinks.Registry
	// Embedded are the sources of upstream blocks that are known without being in the
	// configuration, by their types; nil for none.
	Embedded map[string]string
	// Now is the clock of functions that are evaluated for a request; time.Now if nil.
	Now func() time.Time
	// Version of credsync, checked against required_version.
	Version string
	// ReadData reads the source of a data block. Nil leaves the values of all
	// data blocks unknown, so that nothing is contacted.
	ReadData func(ctx context.Context, sink *Sink, source sinks.Target) (sinks.Object, error)
	// WithoutSecrets lets sensitive variables do without a value, which is then
	// unknown as that of data blocks is. It goes with a nil ReadData.
	WithoutSecrets bool
	// AllowMissing leaves files and environment variables that the language's functions
	// cannot read unknown, for a look without what the configuration needs to work.
	// It goes with a nil ReadData.
	AllowMissing bool
}

// Input gives values to variables.
type Input struct {
	// Var is "name=value"; empty where File is set.
	Var string
	// File is a variables file.
	File string
}

// Config is a whole configuration, expanded: each instance of a for_each is an
// account of its own.
type Config struct {
	// Dir is the directory that relative paths start at.
	Dir string
	// Project names the owner of what is written; "default" if not set.
	Project string
	// Formerly are the names that the project had before, the newest first.
	Formerly []string
	// Schedule is the cron expression that says how often this configuration
	// is applied; empty if not set.
	Schedule string
	Sinks    []*Sink
	State    *State
	// Audit says where the audit trail is kept; nil for none.
	Audit *Audit
	// Notify are those who are notified about accounts, by name.
	Notify []*Notify
	// Partial says that one file was given and has others beside it, so that
	// accounts which are not in it may be in those.
	Partial bool
	// Accounts are ordered by address.
	Accounts []*Account
	// Moved are the accounts that have another address than before, in the order
	// of their blocks.
	Moved []*Moved
	// Imports are tokens that were issued elsewhere, by the address of the account.
	Imports map[string]*Import
	// Data are the sources of data blocks, by address.
	Data []*Data
	// Unknown are the places that nobody can tell without values that were not
	// read; there are none where ReadData was given.
	Unknown []Unknown
	// Files are those that expressions read or looked for, by the functions of
	// the language, in order. See also FilesOf.
	Files []string
	// fileSets are those of which expressions took the names; see ListedFiles.
	fileSets []fileSet
	// providers are those that the configuration can use and has read; the embedded
	// upstreams of which there is no account are read once they are asked for.
	providers *providers.Registry
	embedded  map[string]string
	// Digest changes with any file's content and with any value of a variable
	// that is not sensitive. It says nothing about sensitive ones.
	Digest string
	// Digests are those of each part of it, to tell what has changed: by the
	// name of a file, and by `variable "region"`.
	Digests map[string]string
}

// Sink is one sink block, or one instance of it.
type Sink struct {
	// Name is how targets name it: `vault.main`, `vault.main["almaty"]`.
	Name   string
	Spec   *sinks.Spec
	Values schema.Values
	Range  *diag.Range
}

// State says where the state lives.
type State struct {
	Sink   *Sink
	Values schema.Values
	// Implicit means that there is no state block: .credsync/ it is.
	Implicit bool
	Range    *diag.Range
}

// Record is where the record of that name is kept; of "" the place of all.
func (s *State) Record(name string) (sinks.Target, error) {
	return s.Sink.Spec.Record(s.Sink.Values, s.Values, name)
}

// Audit is the audit block.
type Audit struct {
	// Path of the trail's file, absolute or from the process's directory; ""
	// where Stream is set.
	Path string
	// Stream asks for a standard stream in place of a file.
	Stream bool
	Range  *diag.Range
}

// Data is one data block, or one instance of it, as far as it is known.
type Data struct {
	// Address is `data.vault.accounts`.
	Address string
	Sink    *Sink
	Target  sinks.Target
}

// Unknown is a part of the configuration that depends on values that were not
// read: how many blocks there are, or what a block names.
type Unknown struct {
	// Address of the block.
	Address string
	// SinkType is the type of sinks that it concerns, "" for any.
	SinkType string
	Range    *diag.Range
}

// Account is one account block, or one instance of it.
type Account struct {
	// Address is `account.sagi.coffee`, or `account.sagi.coffee["almaty"]`.
	Address string
	// Name is the second label.
	Name    string
	Spec    *providers.Spec
	Enabled bool
	// RotateBefore is the configured window or the provider's default.
	RotateBefore schema.Window
	// VerifyEvery is 0 for each time.
	VerifyEvery time.Duration
	// Description says what the account is for, Contact whom to turn to about it; both
	// may be empty.
	Description, Contact string
	// DeleteOnRemove is on_remove = "delete".
	DeleteOnRemove bool
	// HTTP is the http block, with its defaults where there is none.
	HTTP schema.Values
	// Values are the provider's own attributes.
	Values     schema.Values
	Deliveries []*Delivery
	Range      *diag.Range
}

// Delivery is one deliver block.
type Delivery struct {
	Sink   *Sink
	Target sinks.Target
	Adopt  bool
	Range  *diag.Range

	// TokenOutputs are the outputs that data names, as in token.user_id, in order.
	// There are none where data is absent, or where it uses the token as a whole.
	TokenOutputs []string

	def hcl.Range
	// keys that will be written, where they are known before rendering.
	keys      []string
	keysKnown bool

	render func(credential.Token) (map[string]credential.Secret, diag.List)
}

// Keys are those that data may write, where they are known before there is a
// token. Of them are left out later those whose values are null.
func (d *Delivery) Keys() (keys []string, known bool) { return d.keys, d.keysKnown }

// Render evaluates what the deliver block's data gives for a token. Keys whose
// value is null are left out; lists and objects are encoded as JSON.
func (d *Delivery) Render(t credential.Token) (map[string]credential.Secret, diag.List) {
	return d.render(t)
}
