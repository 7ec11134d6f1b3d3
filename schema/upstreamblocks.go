package schema

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
)

// The tables of an upstream block and of what stands in it. Their deferred rows are
// expressions that are evaluated for each request.

// UpstreamBlock is the upstream block: an upstream that the user describes.
func UpstreamBlock() *Block {
	return &Block{
		Type: "upstream", Labels: []string{"type"},
		Doc: "An upstream that you describe: what its requests send and what its answers mean. The label is the first label of its accounts. Expressions in it can refer to `self` (the account's attributes), `local`, `previous`, `token`, `response`, `responses` and `challenge`, but not to `var` or `data`: a description is complete in itself.",
		Attributes: []Attribute{
			{Name: "doc", Type: cty.String, Doc: "What the upstream is, in a sentence or two of Markdown."},
			{Name: "source", Type: cty.String, Doc: "The vendor's document that the description follows."},
			{
				Name: "language", Type: cty.Number, Default: cty.NumberIntVal(1),
				Doc: "The version of the language of descriptions. This version of credsync reads version 1 only.",
			},
			{
				Name: "formerly", Type: cty.String, Check: CheckNotEmpty,
				Doc: "The name that this upstream had before. Its accounts take over the records of the accounts of that name, without a login, as if there were a `moved` block for each.",
			},
			{
				Name: "base_url", Type: cty.String, DefaultText: "none: each account must set `base_url`",
				Doc: "The URL that the paths of requests are below. An account's `base_url` takes precedence.",
			},
			hostsRow(),
			unknownRefusalsRow(),
			{
				Name: "rotate_before", Type: cty.String, Default: cty.StringVal("25%"), Check: CheckWindow,
				Doc: "The default of `rotate_before` of its accounts.",
			},
			revokeOnRow(),
			{
				Name: "replaces_embedded", Type: cty.Bool, Default: cty.False,
				Doc: "Whether this block stands in for a built-in one of the same name.",
			},
			{
				Name: "client_certificate", Type: cty.String, Default: cty.StringVal("none"), OneOf: []string{"none", "optional", "required"},
				Doc: "Whether an account has a [`certificate` block](#certificate): the client certificate that it presents in TLS. `self.certificate` is null without the block, else an object with `expires_at`.",
			},
			{
				Name: "exactly_one_of", Type: cty.List(cty.List(cty.String)),
				Doc: "Groups of attributes of which an account must set exactly one. `certificate` stands for the block of that name.",
			},
		},
		Blocks: []Nested{
			{
				Block: *rateLimitBlock(),
				Max:   1,
			}, {Block: *attributeBlock()}, {Block: *LocalsBlock()}, {Block: *checkBlock()},
			{
				Block: *responseBlock(),
				Max:   1,
			}, {Block: *staticBlock(), Max: 1}, {Block: *loginBlock(), Max: 1}, {Block: *refreshBlock(), Max: 1},
			{Block: *secondFactorBlock(), Max: 1}, {Block: *verifyBlock(), Max: 1}, {Block: *revokeBlock(), Max: 1},
			{Block: *errorBlock()}, {Block: *warnBlock()}, {Block: *outputBlock()},
		},
	}
}

func hostsRow() Attribute {
	return Attribute{
		Name: "hosts", Type: cty.List(cty.String),
		Doc: "Other hosts that requests may go to, such as `\"login.example.com\"`, or `\"*.example.com\"` for all hosts below one. The host of `base_url` and those of attributes with `endpoint = true` need no entry.",
	}
}

// The occasions on which a token is revoked.
var revocations = []string{"replaced", "removed"}

func revokeOnRow() Attribute {
	return Attribute{
		Name: "revoke_on", Type: cty.List(cty.String), OneOf: revocations, DefaultText: "never",
		Doc: "When a token is revoked, by the `revoke` block: `replaced` means once every target holds the token that came after it; `removed` means once its account has been removed from the configuration and the targets are deleted (`on_remove = \"delete\"`). An account's `revoke_on` takes precedence. `removed` needs an `upstream` block with a login.",
	}
}

// AccountRevokeOn is the row by which an account says when its token is revoked, where its
// upstream can revoke one.
func AccountRevokeOn(byDefault []string, static bool) Attribute {
	row := Attribute{
		Name: "revoke_on", Type: cty.List(cty.String), OneOf: revocations,
		Doc: "When a token is revoked: `replaced` means once every target holds the token that came after it; `removed` means once the account has been removed from the configuration and its targets are deleted (`on_remove = \"delete\"`). For `removed`, the state keeps the attributes that revoking the token takes.",
	}
	if static {
		row.OneOf = revocations[:1]
		row.Doc = "When a token is revoked: `replaced` means once every target holds the token that came after it."
	}
	list := make([]cty.Value, len(byDefault))
	for i, occasion := range byDefault {
		list[i] = cty.StringVal(occasion)
	}
	if len(list) == 0 {
		row.DefaultText = "never"
		return row
	}
	row.Default = cty.ListVal(list)
	return row
}

func unknownRefusalsRow() Attribute {
	return Attribute{
		Name: "unknown_refusals", Type: cty.Number, Default: cty.NumberIntVal(2), Check: wholeNumberUpTo(5),
		Doc: "How many refusals of a login in a row that no `error` block describes block the account, 1 to 5.",
	}
}

// expression is a row that is evaluated where it is used.
func expression(name, doc string) Attribute {
	return Attribute{Name: name, Type: cty.DynamicPseudoType, Deferred: true, Doc: doc}
}

func required(a Attribute) Attribute {
	a.Required = true
	return a
}

func rateLimitBlock() *Block {
	return &Block{
		Type: "rate_limit", Doc: "The upstream's documented limit. Each account stays below it.",
		Attributes: []Attribute{
			{Name: "requests", Type: cty.Number, Required: true, Check: wholeNumberUpTo(100000), Doc: "How many requests are allowed in each period."},
			{Name: "per", Type: cty.String, Required: true, Check: checkPositiveDuration, Doc: "The period, such as `\"30s\"`."},
		},
	}
}

func checkPositiveDuration(v cty.Value) error {
	d, err := ParseDuration(v.AsString())
	if err == nil && d <= 0 {
		err = errors.New("the duration must be longer than zero")
	}
	return err
}

func attributeBlock() *Block {
	return &Block{
		Type: "attribute", Labels: []string{"name"}, Doc: "An attribute of this upstream's accounts: `self.<name>` in expressions.",
		Attributes: []Attribute{
			required(expression("type", "The type constraint, such as `string`, `number` or `list(string)`.")),
			{
				Name: "default", Type: cty.DynamicPseudoType, Deferred: true, DefaultText: "none: the attribute is required",
				Doc: "The value if an account does not set it; `null` makes it optional. A literal value.",
			},
			{
				Name: "sensitive", Type: cty.Bool, Default: cty.False,
				Doc: "Whether the value is a secret. A secret is never shown, and no message of the upstream that repeats it is shown.",
			},
			{Name: "one_of", Type: cty.List(cty.String), Doc: "The only values allowed, for an attribute of type `string`."},
			{
				Name: "endpoint", Type: cty.Bool, Default: cty.False,
				Doc: "Whether it is a URL that requests go to. It must then be https (or loopback) and contain no user or password, and `plan` shows its host.",
			},
			{Name: "env", Type: cty.List(cty.String), Doc: "Environment variables that stand in if an account does not set it, the first that is set winning."},
			{
				Name: "effect", Type: cty.String, OneOf: []string{"login", "token", "none"}, DefaultText: "`login` if a request of the login depends on it, `token` if an output or the verification does, else `none`",
				Doc: "What a change means: `login` asks for a new token and clears a remembered rejection, `token` asks for a new token, `none` changes nothing.",
			},
			{Name: "doc", Type: cty.String, Doc: "What it is for, for the reference page."},
		},
		Blocks: []Nested{{Block: *ruleBlock("validation", "A rule that the value must satisfy. It may refer to `self`.", false)}},
	}
}

// ruleBlock is a condition with what is said where it does not hold.
func ruleBlock(keyword, doc string, classed bool) *Block {
	b := &Block{
		Type: keyword, Doc: doc,
		Attributes: []Attribute{
			required(expression("condition", "An expression that must be true.")),
			required(expression("error_message", "The error message if it is false. It must not contain a sensitive value.")),
		},
	}
	if classed {
		b.Attributes = append(b.Attributes, classRow(), reasonRow(), aboutRow(), adviceRow())
	}
	return b
}

func checkBlock() *Block {
	b := ruleBlock("check", "A rule for the account's attributes together, checked before anything is sent.", false)
	b.Attributes = append(b.Attributes, aboutRow())
	return b
}

// The words of class and reason in an error block, which package failure explains.
var (
	refusalClasses = []string{"credentials", "config", "human", "retryable", "server"}
	refusalReasons = []string{
		"account_locked", "certificate_expired", "credentials_rejected", "needs_code", "no_access", "password_change_required", "second_factor_unsupported",
	}
)

func classRow() Attribute {
	return Attribute{
		Name: "class", Type: cty.String, Required: true, OneOf: refusalClasses,
		Doc: "What it means: `credentials` (rejected: never sent again until they change), `config` (an attribute is wrong), `human` (someone must act at the upstream), `retryable` (passes by itself) or `server` (the upstream's fault).",
	}
}

func reasonRow() Attribute {
	return Attribute{
		Name: "reason", Type: cty.String, OneOf: refusalReasons,
		Doc: "The reason that `plan`, `status` and metrics show. Required for class `human`.",
	}
}

func aboutRow() Attribute {
	return Attribute{Name: "attribute", Type: cty.String, Doc: "The attribute that is wrong."}
}

func adviceRow() Attribute {
	return Attribute{Name: "advice", Type: cty.String, Check: CheckNotEmpty, Doc: "What to do, in one sentence."}
}

func responseBlock() *Block {
	return &Block{
		Type: "response", Doc: "How answers are read.",
		Attributes: []Attribute{
			{
				Name: "format", Type: cty.String, DefaultText: "`\"json\"`", OneOf: []string{"json", "text", "auto", "none"},
				Doc: "What the body is: `json`, `text`, `auto` (JSON where it is well-formed, else text) or `none` (it is not read).",
			},
			{Name: "unwrap", Type: cty.String, Check: CheckNotEmpty, Doc: "The field that holds the body, where it is there: `response.body` is then that field's value and `response.outer` the whole."},
			expression("success", "Whether the answer is one of success. Any 2xx status, if not set."),
		},
	}
}

func requestBlock() *Block {
	return &Block{
		Type: "request", Labels: []string{"label"},
		Doc: "One request, 1 to 4 in an operation (exactly 1 in a refresh and a verification). With a label, later expressions refer to its answer as `responses.<label>`. The label may be left out.",
		Attributes: []Attribute{
			{Name: "method", Type: cty.String, Default: cty.StringVal("GET"), OneOf: []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}, Doc: "The HTTP method."},
			expression("path", "The path below `base_url`, with `{name}` where a value of `path_params` goes. Exactly one of `path` and `url` is required."),
			expression("url", "An absolute URL. Its host must be that of `base_url`, of an attribute with `endpoint = true`, or one of `hosts`."),
			expression("path_params", "A map of values for `path`; each is encoded as one segment."),
			expression("query", "A map of query parameters. Null values are left out."),
			expression("header", "A map of headers. Null values are left out."),
			expression("json", "The body, encoded as JSON. At most one of `json`, `form` and `text` can be set."),
			expression("form", "The body as a map of form fields. Null values are left out."),
			expression("text", "The body as text."),
			{Name: "content_type", Type: cty.String, Check: CheckNotEmpty, Doc: "The content type of `text`."},
			expression("bearer", "The token of an `Authorization: Bearer` header."),
			expression("username", "The user of an `Authorization: Basic` header."),
			expression("password", "The password that goes with `username`."),
			{
				Name: "counts", Type: cty.Bool, DefaultText: "`true` in a login, else `false`",
				Doc: "Whether the upstream may count the request as an attempt to log in.",
			},
			expression("when", "Whether the request is sent at all. It may refer only to `self`."),
			{
				Name: "secrets_in_url", Type: cty.Bool, Default: cty.False,
				Doc: "Whether `query` may have secrets in it, for an upstream that requires it: proxies and servers log URLs.",
			},
		},
		Blocks: []Nested{{Block: *responseBlock(), Max: 1}},
	}
}

// tokenRows are those of what brings a token.
func tokenRows() []Attribute {
	return []Attribute{
		required(expression("access_token", "The token, from the answer to the last request.")),
		expression("refresh_token", "The refresh token. If a refresh answers none, the old one is kept."),
		expression("expires_in", "How many seconds the token lives. At most one of `expires_in`, `expires_at` and `never_expires` can be set."),
		expression("expires_at", "When the token expires: RFC 3339, or Unix time in seconds or milliseconds."),
		{Name: "never_expires", Type: cty.Bool, Default: cty.False, Doc: "Whether the token has no end."},
		expression("lifetime", "How long the token lives, such as `\"12h\"`, if neither the answer nor the token itself says. It may refer only to `self`."),
		expression("refreshable_for", "For how long after the login a refresh works, such as `\"365d\"`. It may refer only to `self`."),
		expression("refresh_expires_in", "How many seconds the refresh token lives."),
		expression("outputs", "An object with the values of declared outputs."),
	}
}

func successRow() Attribute {
	return expression("success", "Whether the answer is one of success. Any 2xx status, if not set.")
}

func loginBlock() *Block {
	return &Block{
		Type: "login", Doc: "How an account logs in. One of `login` and `static` is required.",
		Attributes: append(tokenRows(), successRow(), Attribute{
			Name: "revokes_previous", Type: cty.Bool, Default: cty.False,
			Doc: "Whether a login ends the token before it. No login is then made unless every target can be written.",
		}),
		Blocks: []Nested{{Block: *requestBlock(), Min: 1, Max: 4}, {Block: *responseBlock(), Max: 1}},
	}
}

func staticBlock() *Block {
	return &Block{
		Type: "static", Doc: "A token that stands in the configuration, in place of a login. The accounts have the arguments `expires_at` and `remind_after` of an [`account \"static\"`](provider-static.md#account), so that a person is told in time to replace the token.",
		Attributes: []Attribute{required(expression("access_token", "The token. It may refer only to `self`."))},
	}
}

func refreshBlock() *Block {
	rows := append(tokenRows(), successRow(),
		Attribute{
			Name: "single_use", Type: cty.Bool, Default: cty.True,
			Doc: "Whether what a refresh presents works only once. It is then presented only if every target can be written, and never twice unless `reuse_grace` allows it.",
		},
		Attribute{
			Name: "revokes_previous", Type: cty.Bool, DefaultText: "`true` if `single_use`",
			Doc: "Whether a refresh ends the access token before it.",
		},
		Attribute{
			Name: "reuse_grace", Type: cty.String, Check: CheckDuration, DefaultText: "none",
			Doc: "How long the upstream takes the same refresh token again, as its document says. A refresh whose answer was lost is repeated within that time.",
		})
	return &Block{
		Type: "refresh", Doc: "How a token is replaced without a login. What it does not set is the login's.",
		Attributes: rows,
		Blocks:     []Nested{{Block: *requestBlock(), Min: 1, Max: 1}, {Block: *responseBlock(), Max: 1}},
	}
}

func verifyBlock() *Block {
	return &Block{
		Type: "verify", Doc: "How a token is verified, before it is delivered and at each plan.",
		Attributes: []Attribute{
			{
				Name: "by", Type: cty.String, OneOf: []string{"answer"},
				Doc: "`\"answer\"` says that the answer that brought the token is all that verifies it. No request is then sent.",
			},
			successRow(),
			expression("expires_in", "How many seconds the token still lives. The earlier of this and what is known counts."),
			expression("expires_at", "When the token expires: RFC 3339, or Unix time in seconds or milliseconds. The earlier of this and what is known counts."),
			expression("outputs", "An object with the values of declared outputs."),
			{
				Name: "harmless", Type: cty.Bool, Default: cty.False,
				Doc: "Whether a request that is neither GET nor HEAD changes nothing. It is sent at each plan.",
			},
		},
		Blocks: []Nested{
			{Block: *requestBlock(), Max: 1}, {Block: *responseBlock(), Max: 1},
			{Block: *ruleBlock("precondition", "A condition over `token` and `self` that is checked before the request.", true)},
		},
	}
}

func revokeBlock() *Block {
	return &Block{
		Type: "revoke", Doc: "How a token is revoked.",
		Attributes: []Attribute{successRow()},
		Blocks:     []Nested{{Block: *requestBlock(), Min: 1, Max: 4}, {Block: *responseBlock(), Max: 1}},
	}
}

func secondFactorBlock() *Block {
	return &Block{
		Type: "second_factor", Doc: "A login that asks a person for a code.",
		Attributes: []Attribute{required(expression("when", "Whether the answer to the login asks for a code."))},
		Blocks: []Nested{
			{Min: 1, Max: 1, Block: Block{
				Type: "send_code", Doc: "How the upstream is asked to send the code.",
				Attributes: []Attribute{expression("challenge", "What names the code to the upstream: `challenge.id` in `login_with_code`."), successRow()},
				Blocks:     []Nested{{Block: *requestBlock(), Min: 1, Max: 4}, {Block: *responseBlock(), Max: 1}},
			}},
			{Min: 1, Max: 1, Block: Block{
				Type: "login_with_code", Doc: "The login with `challenge.code`. What it does not set is the login's.",
				Attributes: append(optional(tokenRows()), successRow()),
				Blocks:     []Nested{{Block: *requestBlock(), Min: 1, Max: 1}, {Block: *responseBlock(), Max: 1}},
			}},
		},
	}
}

func optional(rows []Attribute) []Attribute {
	for i := range rows {
		rows[i].Required = false
	}
	return rows
}

func errorBlock() *Block {
	return &Block{
		Type: "error", Labels: []string{"name"},
		Doc: "What a refusal means. The blocks are tried in order, and the first whose `when` is true decides, also for a 2xx answer. At most 64.",
		Attributes: []Attribute{
			required(expression("when", "An expression over `response`. If it cannot be evaluated, the block does not match.")),
			classRow(), reasonRow(), aboutRow(),
			{
				Name: "on", Type: cty.List(cty.String), DefaultText: "all operations",
				OneOf: []string{"login", "refresh", "verify", "revoke", "send_code", "login_with_code"},
				Doc:   "The operations that the block is for.",
			},
			{
				Name: "summary", Type: cty.String, Check: CheckNotEmpty, DefaultText: "the name of the block and where it stands",
				Doc: "What happened, in a few words of your own, such as `\"the password is wrong\"`. The words of `message` follow them.",
			},
			expression("message", "The upstream's own words. They are shortened, and left out if they repeat a secret."),
			adviceRow(),
			expression("retry_after", "How long to wait before it is tried again: a duration, or a number of seconds."),
		},
	}
}

func warnBlock() *Block {
	return &Block{
		Type: "warn", Labels: []string{"name"}, Doc: "A warning at `plan` about what the outputs say of the account.",
		Attributes: []Attribute{
			required(expression("when", "An expression over `token` and `self`.")),
			{Name: "summary", Type: cty.String, Required: true, Doc: "What is wrong, in a few words."},
			{Name: "detail", Type: cty.String, Required: true, Doc: "What it means, and what to do."},
			aboutRow(),
		},
	}
}

func outputBlock() *Block {
	return &Block{
		Type: "output", Labels: []string{"name"}, Doc: "A value that the token has besides itself: `token.<name>` in `deliver`.",
		Attributes: []Attribute{
			required(expression("type", "`string`, `bool`, `list(string)` or `list(object({ name = string, … }))`.")),
			{Name: "sensitive", Type: cty.Bool, Default: cty.True, Doc: "Whether the value is a secret."},
			{
				Name: "withheld", Type: cty.Bool, Default: cty.False,
				Doc: "Whether it is delivered only if `data` asks for it.",
			},
			{
				Name: "optional", Type: cty.Bool, Default: cty.False,
				Doc: "Whether the token is good without it: a value that cannot be evaluated, or is not of its type, is left out with a warning. Otherwise the token fails its verification.",
			},
			{Name: "doc", Type: cty.String, Doc: "What it is, for the reference page."},
		},
	}
}
