// Package described is the provider of upstreams that users describe: operations of one
// to four requests each, expressions over the answers, and a table of what refusals mean.
//
// It knows nothing of how a description is written. Package config reads upstream blocks
// into a [Definition], whose expressions are evaluated here, one answer after the other.
package described

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
)

// The operations of an upstream, as the attribute "on" of an error block names them.
const (
	OpLogin         = "login"
	OpRefresh       = "refresh"
	OpVerify        = "verify"
	OpRevoke        = "revoke"
	OpSendCode      = "send_code"
	OpLoginWithCode = "login_with_code"
)

// Operations are all of them.
var Operations = []string{OpLogin, OpRefresh, OpVerify, OpRevoke, OpSendCode, OpLoginWithCode}

// Limits of a description.
const (
	MaxRequests    = 4
	MaxErrorBlocks = 64
)

// Defaults of a description.
const (
	DefaultRotateBefore    = "25%"
	DefaultUnknownRefusals = 2
)

// Definition is one upstream block. Whoever makes it has checked it: names resolve,
// types fit, each operation has its number of requests. Expressions that are nil are
// absent.
type Definition struct {
	// Type is the block's label, and the first one of its accounts.
	Type string
	// Doc and Source are as in providers.Spec.
	Doc, Source string
	// Title is how messages name the block; empty for `upstream "acme"`.
	Title string
	// Place is where the block stands, for messages: "acme.hcl:4".
	Place string
	// Formerly is the name that it had before; may be empty.
	Formerly string
	// Digest changes with what the description means, whatever its layout and its name.
	Digest string
	// BaseURL is the default of base_url; "" has each account set it.
	BaseURL string
	// BaseURLUnused says that no request is below base_url, so that none need be set.
	BaseURLUnused bool
	// Hosts are further hosts that requests may go to; "*.example.com" is any below it.
	Hosts []string
	Limit upstream.Limit
	// UnknownRefusals is how many unclassified refusals in a row block an account.
	UnknownRefusals int
	RotateBefore    string
	// ExactlyOneOf are groups of attributes of which an account sets one. Certificate
	// stands for the block of that name.
	ExactlyOneOf [][]string
	// ClientCertificate is CertificateOptional or CertificateRequired where an account
	// has a block for one.
	ClientCertificate string
	// Attributes are those of its accounts, besides base_url.
	Attributes []schema.Attribute
	// Validations are rules for the values of attributes.
	Validations []Rule
	// Outputs are those that output blocks declare.
	Outputs []schema.Output
	// Locals are in an order in which each one comes after those that it refers to.
	Locals []Local
	// Checks are judged before anything is sent.
	Checks []Rule
	// Static is the token that stands in the configuration; nil for an upstream with a
	// login. Exactly one of Static and Login is set. The accounts of a static upstream have
	// the attributes of schema.DatedTokenRows.
	Static  schema.Expr
	Login   *TokenOperation
	Refresh *TokenOperation
	Second  *SecondFactor
	// Verify is nil where nothing but the token's own answer verifies it.
	Verify *Verify
	Revoke *Operation
	// RevokeOn are the occasions on which a token is revoked; see providers.Spec.
	RevokeOn []string
	// Errors are in the order in which they are tried.
	Errors []ErrorBlock
	Warns  []Warn
	// LoginShape is what the requests of a login look like in the source, for the
	// login's print: a change of it is another login.
	LoginShape []byte
	// OnMatch is told the name of each error block that decides; nil for nobody. It is for
	// tests of the definition.
	OnMatch func(block string)
}

// title names the block in messages.
func (d *Definition) title() string {
	if d.Title != "" {
		return d.Title
	}
	return fmt.Sprintf("upstream %q", d.Type)
}

// Local is one named expression.
type Local struct {
	Name string
	Expr schema.Expr
}

// Operation is what is sent for one purpose. The answer to the last request is the
// operation's.
type Operation struct {
	Requests []Request
}

// Request is one request of an operation.
type Request struct {
	// Label names the answer among responses; may be empty for an only one.
	Label string
	Place string
	// When is over self alone: a request is left out where it is false.
	When   schema.Expr
	Method string
	// Path is below base_url and has {name} where a value of PathParams goes. URL is an
	// absolute one. Exactly one of the two is set.
	Path, URL schema.Expr
	// URLAttribute is the attribute that URL is made of, for advice; may be empty.
	URLAttribute string
	PathParams   schema.Expr
	Query        schema.Expr
	// QueryOrder has the names of Query in the order of the source, as far as they
	// stand there. Others follow in the order of their names.
	QueryOrder []string
	Header     schema.Expr
	// At most one of JSON, Form and Text is set.
	JSON, Form, Text   schema.Expr
	ContentType        string
	Bearer             schema.Expr
	Username, Password schema.Expr
	// Counts says that the upstream may count the request as an attempt to log in.
	Counts   bool
	Response Response
}

// The formats of an answer's body.
const (
	FormatJSON = "json"
	FormatText = "text"
	FormatAuto = "auto"
	FormatNone = "none"
)

// Response says how an answer is read.
type Response struct {
	Format string
	// Unwrap is the field that holds the body where it is there; "" for none.
	Unwrap string
	// Success says whether the answer is one of success; nil for any 2xx.
	Success schema.Expr
}

// TokenOperation is a login or a refresh.
type TokenOperation struct {
	Operation
	AccessToken  schema.Expr
	RefreshToken schema.Expr
	// At most one of ExpiresIn and ExpiresAt is set, and neither where NeverExpires is.
	ExpiresIn, ExpiresAt schema.Expr
	NeverExpires         bool
	// Lifetime is a duration, for where neither the answer nor the token says. Like
	// RefreshableFor it is over self alone.
	Lifetime         schema.Expr
	RefreshableFor   schema.Expr
	RefreshExpiresIn schema.Expr
	Outputs          []Output
	// RevokesPrevious says that it ends the token before it.
	RevokesPrevious bool
	// SingleUse says that what a refresh presents works once; ReuseGrace is for how long
	// the upstream takes it again after that.
	SingleUse  bool
	ReuseGrace time.Duration
}

// Output is where an output's value is taken from.
type Output struct {
	Name string
	Expr schema.Expr
	// Optional says that one which cannot be taken is left out, with a warning.
	Optional bool
}

// Verify asks whether a token is good, without any effect.
type Verify struct {
	// Request is nil where the answer that brought the token is all that verifies it.
	Request              *Request
	Preconditions        []Rule
	ExpiresIn, ExpiresAt schema.Expr
	Outputs              []Output
	// Harmless says that the request changes nothing whatever its method is.
	Harmless bool
}

// SecondFactor is a login that asks for a code.
type SecondFactor struct {
	// When says of the answer to a login that a code is asked for.
	When      schema.Expr
	SendCode  Operation
	Challenge schema.Expr
	// LoginWithCode takes the fields that it does not have from the login.
	LoginWithCode TokenOperation
}

// Rule is a condition that has to hold: a check, a precondition or a validation.
type Rule struct {
	Condition schema.Expr
	// Message is shown as it is, so it is made of nothing that is sensitive.
	Message   schema.Expr
	Class     failure.Class
	Reason    failure.Reason
	Attribute string
	// Advice says what to do; may be empty.
	Advice string
	Place  string
}

// ErrorBlock says what a refusal means.
type ErrorBlock struct {
	Name  string
	Place string
	// On are the operations that it is tried for; all where empty.
	On        []string
	When      schema.Expr
	Class     failure.Class
	Reason    failure.Reason
	Attribute string
	// Summary is what happened, in the words of whoever wrote the block; may be empty.
	Summary string
	// Message is the upstream's own words, which are cleaned before they are shown.
	Message schema.Expr
	Advice  string
	// RetryAfter is a duration or a number of seconds.
	RetryAfter schema.Expr
}

// Warn is a warning about what a token says of its account.
type Warn struct {
	Name            string
	When            schema.Expr
	Summary, Detail string
	Attribute       string
}
