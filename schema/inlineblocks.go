package schema

import "github.com/zclconf/go-cty/cty"

// The tables of accounts that describe their upstream themselves. What has no deferred row
// is the same for all accounts of a block, but for base_url and what a static account is
// given.

// HTTPAccountBlocks are the blocks of an account "http" besides the common ones.
func HTTPAccountBlocks() []Nested {
	return []Nested{
		{Block: *rateLimitBlock(), Max: 1}, {Block: *responseBlock(), Max: 1}, {Block: *loginBlock(), Min: 1, Max: 1},
		{Block: *refreshBlock(), Max: 1}, {Block: *secondFactorBlock(), Max: 1}, {Block: *verifyBlock(), Max: 1},
		{Block: *revokeBlock(), Max: 1}, {Block: *errorBlock()}, {Block: *warnBlock()}, {Block: *outputBlock()},
	}
}

// StaticAccountBlocks are the blocks of an account "static" besides the common ones.
func StaticAccountBlocks() []Nested {
	verify := verifyBlock()
	verify.Doc = "How the token is verified, before it is delivered and at each plan."
	verify.Attributes = append(verify.Attributes,
		expression("expires_in", "How many seconds the token still lives, by the answer. At most one of `expires_in` and `expires_at` can be set."),
		expression("expires_at", "When the token expires, by the answer: RFC 3339, or Unix time in seconds or milliseconds."),
	)
	return []Nested{{Block: *verify, Max: 1}, {Block: *errorBlock()}, {Block: *outputBlock()}}
}

// HTTPAccountRows are the arguments of an account "http" besides base_url, which are
// literal.
func HTTPAccountRows() []Attribute {
	return []Attribute{hostsRow(), unknownRefusalsRow(), revokeOnRow()}
}

// StaticAccountRows are the arguments of an account "static" besides base_url and hosts.
func StaticAccountRows() []Attribute {
	return append([]Attribute{
		{
			Name: "token", Type: cty.String, Required: true, Sensitive: true, Effect: ShapesLogin, Check: CheckNotEmpty,
			Doc: "The token. It is `token.access_token` in requests and in `data`.",
		},
		{
			Name: "username", Type: cty.String, Sensitive: true, Public: true, Effect: ShapesLogin, Check: CheckNotEmpty,
			Doc: "The user whose password `token` is, for upstreams with HTTP Basic authentication: `self.username` in requests.",
		},
	}, DatedTokenRows()...)
}

// DatedTokenRows are the arguments about the age of a token that stands in the
// configuration, which every account with such a token has.
func DatedTokenRows() []Attribute {
	return []Attribute{
		{
			Name: "expires_at", Type: cty.String, Check: checkTime, Effect: ShapesToken, AddedLater: true,
			Doc: "When the token expires, as RFC 3339. `plan` and `status` show it; from then on the token is not sent.",
		},
		{
			Name: "remind_after", Type: cty.String, Check: CheckDuration,
			Doc: "How long after its first use credsync warns that the token is due for replacement, such as `\"90d\"`. No warning by default.",
		},
	}
}

// HostsRow is the row of hosts.
func HostsRow() Attribute { return hostsRow() }
