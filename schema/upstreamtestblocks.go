package schema

import (
	"github.com/zclconf/go-cty/cty"
)

// UpstreamTestBlock is the test block of a *.credtest.hcl file: what an upstream block
// makes of recorded answers.
func UpstreamTestBlock() *Block {
	return &Block{
		Type: "test", Labels: []string{"name"},
		Doc: "One operation of an upstream against recorded answers. Test blocks stand in files whose names end in `.credtest.hcl`; `credsync test` runs them, and nothing is sent to the upstream.",
		Attributes: []Attribute{
			{Name: "upstream", Type: cty.String, Required: true, Doc: "The label of the `upstream` block that is tested."},
			{
				Name: "operation", Type: cty.String, Default: cty.StringVal("login"),
				OneOf: []string{"login", "refresh", "verify", "revoke", "send_code", "login_with_code"}, Doc: "What is tried.",
			},
			{
				Name: "attributes", Type: cty.DynamicPseudoType, DefaultText: "`{}`",
				Doc: "The account's attributes. Use made-up secrets: none of them may appear in an error, which the test checks. `base_url` may be left out.",
			},
			{
				Name: "token", Type: cty.DynamicPseudoType, DefaultText: "a made-up token",
				Doc: "The token that a refresh, a verification or a revocation starts from: `access_token`, `refresh_token`, `expires_at` and outputs.",
			},
			{Name: "previous", Type: cty.DynamicPseudoType, Doc: "The outputs of the account's last token."},
			{Name: "challenge", Type: cty.DynamicPseudoType, DefaultText: "a made-up challenge", Doc: "`id` and `code` of a login with a code."},
			{
				Name: "now", Type: cty.String, Check: checkTime, DefaultText: "the time of the machine",
				Doc: "When the operation is done, as RFC 3339: what `timestamp()` and `unixtime()` tell, and what `expires_in` counts from. With it, signatures and `expires_at` can be compared.",
			},
		},
		Blocks: []Nested{{Block: *answerBlock()}, {Block: *expectBlock(), Min: 1, Max: 1}},
	}
}

func answerBlock() *Block {
	return &Block{
		Type: "answer", Labels: []string{"label"},
		Doc: "One recorded answer, in the order of the requests. A label, which may be left out, says which request it is for.",
		Attributes: []Attribute{
			{Name: "status", Type: cty.Number, Default: cty.NumberIntVal(200), Doc: "The HTTP status."},
			{Name: "json", Type: cty.DynamicPseudoType, Doc: "The body, which is sent as JSON."},
			{Name: "text", Type: cty.String, Doc: "The body as it is."},
			{Name: "headers", Type: cty.Map(cty.String), Doc: "Headers besides `Content-Type`, which is `application/json` for `json` and `text/plain` for `text`."},
		},
	}
}

func expectBlock() *Block {
	return &Block{
		Type: "expect", Doc: "What must come of it. Without `class`, the operation must succeed. What is not set is not compared.",
		Attributes: []Attribute{
			{Name: "class", Type: cty.String, OneOf: refusalClasses, Doc: "The class of the failure."},
			{Name: "reason", Type: cty.String, Doc: "The reason of the failure."},
			{Name: "error", Type: cty.String, Doc: "The `error` block that must match."},
			{Name: "access_token", Type: cty.String, Doc: "The token."},
			{Name: "refresh_token", Type: cty.String, Doc: "The refresh token."},
			{Name: "expires_at", Type: cty.String, Doc: "When the token expires, as RFC 3339."},
			{Name: "outputs", Type: cty.DynamicPseudoType, Doc: "Outputs, of which only those that are set are compared."},
			{
				Name: "request", Type: cty.DynamicPseudoType,
				Doc: "The last request that was sent: `method`, `path`, `url`, `query`, `header`, `json`, `form` and `text`. Of maps, only the entries that are set are compared.",
			},
			{Name: "requests", Type: cty.Number, Doc: "How many requests were sent."},
		},
	}
}
