// Package schema has the tables of the language: which blocks there are, which
// attributes each has, and what every attribute means.
//
// A table is written once, by whoever owns the block (a provider, a sink, the
// language itself). Decoding, sensitivity, defaults, environment variables,
// reference documentation and the JSON Schema all derive from it. The package
// knows nothing of HCL syntax or evaluation; package config does that.
package schema

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
)

// Effect says what a change of an attribute means for an account's token.
type Effect int

const (
	// NoEffect attributes change neither the login nor its result.
	NoEffect Effect = iota
	// ShapesTarget attributes of a deliver block change what its target looks
	// like: with another value it is written again, without a new token.
	ShapesTarget
	// ShapesToken attributes select or describe what the token is for (a
	// branch, a customer): a change asks for a new token, but does not lift a
	// remembered rejection, since the upstream would see the same login.
	ShapesToken
	// ShapesLogin attributes are part of the login request. A change asks for
	// a new token and lifts a remembered rejection.
	ShapesLogin
)

// Attribute is one row of a block's table.
type Attribute struct {
	Name string
	// Type is what the value is converted to. cty.DynamicPseudoType takes
	// anything.
	Type     cty.Type
	Required bool
	// Sensitive values are decoded into credential.Secret, and neither they
	// nor the source line they stand in is ever shown.
	Sensitive bool
	// Text says what a sensitive text is like. MayBeEmpty ones are sent, or left
	// out, where they are empty.
	Text       TextKind
	MayBeEmpty bool
	// Public values are sensitive only because they may come from where a password
	// does: a user's name, a certificate. They may stand in the configuration.
	Public bool
	// Default is used where the attribute is absent or null; cty.NilVal means
	// none. DefaultText says in the docs what cannot be said as a value.
	Default     cty.Value
	DefaultText string
	// Env names environment variables that stand in for an absent attribute,
	// the first that is set winning.
	Env []string
	// OneOf lists the words allowed, of a list or a set for each element; empty
	// allows all.
	OneOf []string
	// Check examines a known, non-null, unmarked value. Its error is shown to
	// the user, so it must say what is wanted and, for a Sensitive attribute,
	// must not contain the value.
	Check func(cty.Value) error
	// Effect says what a change means for an account's token.
	Effect Effect
	// AddedLater rows joined a table by which accounts had been recorded
	// before. At its default such an attribute counts as absent, so that a newer
	// credsync takes nothing for changed: no login, no rejection lifted.
	AddedLater bool
	// Endpoint attributes are URLs of hosts that an account's requests go to,
	// the way that its http block says.
	Endpoint bool
	// Deferred attributes are not evaluated while the configuration is
	// loaded, but where they are used: a deliver block's data, which speaks
	// of a token that does not exist yet.
	Deferred bool
	// Captured attributes are what a description written inline takes from the
	// configuration around it, such as var.password. Nobody sets them: they are evaluated
	// for each account, and their values are lists of the one value, or of none where
	// there is nothing of that name.
	Captured bool
	// Doc is one or more sentences of Markdown.
	Doc string
}

// Block is a table of attributes and nested blocks.
type Block struct {
	// Type is the block's keyword; Labels name its labels, for docs.
	Type   string
	Labels []string
	Doc    string
	// Attributes and Blocks are in the order of the docs.
	Attributes []Attribute
	Blocks     []Nested
	// Check examines the whole block once its attributes are decoded without
	// error: relations between attributes ("exactly one of"). It must not put
	// a sensitive value into the error. Values may be unknown; see Values.
	Check func(Values) error
}

// Nested says how often a block may stand inside another.
type Nested struct {
	Block
	Min int
	// Max is 0 for any number.
	Max int
	// Variants are the tables by label, for a block whose one label chooses
	// its attributes, such as auth "kubernetes". Block's own attributes are
	// then common to all of them.
	Variants []Block
}

// Attribute returns the row of that name.
func (b *Block) Attribute(name string) (Attribute, bool) {
	if i := b.index(name); i >= 0 {
		return b.Attributes[i], true
	}
	return Attribute{}, false
}

func (b *Block) index(name string) int {
	for i := range b.Attributes {
		if b.Attributes[i].Name == name {
			return i
		}
	}
	return -1
}

// HasBlock reports whether blocks of that type may stand in this one.
func (b *Block) HasBlock(blockType string) bool {
	for i := range b.Blocks {
		if b.Blocks[i].Type == blockType {
			return true
		}
	}
	return false
}

// Output is one value that a provider's token has besides the token itself.
type Output struct {
	Name string
	// Type is string, bool, list(string) or list(object of strings).
	Type cty.Type
	// Sensitive outputs are secrets: the tokens themselves.
	Sensitive bool
	// Withheld outputs are delivered only where a data attribute asks for
	// them: refresh tokens.
	Withheld bool
	Doc      string
}

// CheckNotEmpty is the Check of a string that must have something in it.
func CheckNotEmpty(v cty.Value) error {
	if v.AsString() == "" {
		return errors.New("the value is empty")
	}
	return nil
}
