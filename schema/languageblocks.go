package schema

import (
	"fmt"
	"regexp"
	"sync"

	"github.com/zclconf/go-cty/cty"
)

// The language's own tables. Each function returns a new table, so that no
// caller can change another's.

// SettingsBlock is the credsync block.
func SettingsBlock() *Block {
	return &Block{
		Type: "credsync",
		Doc:  "Settings of the configuration as a whole. At most one.", Check: checkFormerProjects,
		Attributes: []Attribute{
			{
				Name: "required_version", Type: cty.String,
				Doc: "The versions of credsync that may use this configuration, such as `\">= 0.1.0, < 2.0.0\"`. A literal string; it is checked before everything else.",
			},
			{
				Name: "project", Type: cty.String, Default: cty.StringVal("default"), Check: checkProject,
				Doc: "The owner name that is written to every target. Letters, digits, `.`, `_` and `-`, at most 63.",
			},
			{
				Name: "formerly", Type: cty.List(cty.String), Check: checkProjects,
				Doc: "The project's previous names, newest first: the project takes over what they own. Remove them once that is done.",
			},
			{
				Name: "upstreams", Type: cty.List(cty.String),
				Doc: "Directories whose `upstream` blocks belong to this configuration, such as `[\"./upstreams\"]`. A list of literal paths; nothing but `upstream` blocks is read there, and `credsync test` runs the tests beside them.",
			},
			{
				Name: "schedule", Type: cty.String, Check: checkSchedule,
				Doc: "How often this configuration is applied, as five cron fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` or `@every 90m`. It is read in UTC unless it begins with a zone: `CRON_TZ=Asia/Almaty 0 3 * * *`. With it, `validate` and `plan` warn if a token can expire before the next run, and `status` shows the next runs.",
			},
		},
	}
}

// AuditBlock is the audit block.
func AuditBlock() *Block {
	return &Block{
		Type: "audit",
		Doc:  "An audit trail: one JSON line for each login, refresh, code, verification, delivery and removal, without secrets. At most one. See [Audit trail](../audit.md).",
		Attributes: []Attribute{
			{
				Name: "path", Type: cty.String, Required: true, Check: CheckNotEmpty,
				Doc: "The file that lines are appended to; a relative path starts at the configuration's directory. Its directory must exist; the file is created with mode 0600. `\"-\"` is standard error. While the file cannot be written, credsync does not log in.",
			},
		},
	}
}

// VariableBlock is the variable block.
func VariableBlock() *Block {
	return &Block{
		Type: "variable", Labels: []string{"name"},
		Doc: "A value that is given from outside: by `--var`, `--var-file`, a `*.auto.credvars` file or the environment variable `CREDSYNC_VAR_<name>`.",
		Attributes: []Attribute{
			{
				Name: "type", Type: cty.DynamicPseudoType, Deferred: true, DefaultText: "any type",
				Doc: "The type constraint, such as `string`, `number`, `list(string)` or `object({ id = string, name = optional(string) })`.",
			},
			{
				Name: "default", Type: cty.DynamicPseudoType, Deferred: true, DefaultText: "none: the variable is required",
				Doc: "The value if none is given. It must not refer to anything.",
			},
			{
				Name: "sensitive", Type: cty.Bool, Default: cty.False,
				Doc: "Whether the value is a secret. A secret is never shown, and cannot be used where values are shown.",
			},
			{Name: "description", Type: cty.String, Doc: "What the variable is for."},
			{
				Name: "nullable", Type: cty.Bool, Default: cty.True,
				Doc: "Whether `null` can be given. If not, `null` selects the default.",
			},
		},
		Blocks: []Nested{{Block: *validationBlock()}},
	}
}

func validationBlock() *Block {
	return &Block{
		Type: "validation",
		Doc:  "A rule that the variable's value must satisfy.",
		Attributes: []Attribute{
			{Name: "condition", Type: cty.Bool, Required: true, Deferred: true, Doc: "An expression that is true for a valid value. It may refer to variables only."},
			{Name: "error_message", Type: cty.String, Required: true, Deferred: true, Doc: "The error message if the condition is false."},
		},
	}
}

// LocalsBlock is the locals block, whose attribute names are the user's.
func LocalsBlock() *Block {
	return &Block{Type: "locals", Doc: "Named expressions, used as `local.<name>`. They may refer to each other in any order."}
}

func forEach(of string) Attribute {
	return Attribute{
		Name: "for_each", Type: cty.DynamicPseudoType, Deferred: true,
		Doc: "A map or a set of strings: one " + of + " for each element, with `each.key` and `each.value`.",
	}
}

// SinkCommon is what every sink block has.
func SinkCommon() *Block {
	return &Block{
		Type: "sink", Labels: []string{"type", "name"},
		Doc:        "A store that tokens are written to, that keeps the state, or that inputs are read from.",
		Attributes: []Attribute{forEach("sink")},
	}
}

// StateCommon is what every state block has: nothing but its labels.
func StateCommon() *Block {
	return &Block{
		Type: "state", Labels: []string{"type", "sink"},
		Doc: "Where the state is stored; the labels name a sink. `state \"file\"` needs no second label. Without a state block it is `.credsync/` beside the configuration.",
	}
}

// DataCommon is what every data block has.
func DataCommon() *Block {
	return &Block{
		Type: "data", Labels: []string{"type", "name"},
		Doc: "Inputs read from a sink; every value is sensitive.",
		Attributes: []Attribute{
			{Name: "sink", Type: cty.String, Required: true, Doc: "The name of the sink to read from: the second label of a sink block of the same type."},
			forEach("data block"),
		},
	}
}

// DeliverCommon is what every deliver block has.
func DeliverCommon() *Block {
	return &Block{
		Type: "deliver", Labels: []string{"type", "sink"},
		Doc: "A target that the account's token is written to; the labels name a sink.",
		Attributes: []Attribute{
			{
				Name: "data", Type: cty.DynamicPseudoType, Deferred: true,
				DefaultText: "every output that is not null, under its own name, except withheld ones, such as `refresh_token`",
				Doc:         "The keys to write and their values, from `token` (the account's outputs) and `account` (`address`, `provider`, `name`). Null values are left out; lists and objects are written as JSON.",
			},
			{
				Name: "adopt", Type: cty.Bool, Default: cty.False,
				Doc: "Whether a target that credsync did not create may be taken over and overwritten.",
			},
			{
				Name: "merge", Type: cty.Bool, Default: cty.False,
				Doc: "Whether the target's other keys are kept.",
			},
		},
	}
}

// AccountCommon is what every account block has, whatever its provider;
// base_url is in the provider's own table.
func AccountCommon() *Block {
	return &Block{
		Type: "account", Labels: []string{"provider", "name"},
		Doc: "One account at one upstream.",
		Attributes: []Attribute{
			forEach("account"),
			{
				Name: "enabled", Type: cty.Bool, Default: cty.True,
				Doc: "Whether the account is rotated. A disabled account is still checked, and its targets stay as they are.",
			},
			{
				Name: "description", Type: cty.String,
				Doc: "What the account is for, in a few words. `status` and notifications show it.",
			},
			{
				Name: "contact", Type: cty.String,
				Doc: "Whom to contact about the account, such as the person who receives its codes or has its password. `status` and notifications show it.",
			},
			{
				Name: "rotate_before", Type: cty.String, Check: CheckWindow, DefaultText: "the provider's",
				Doc: "How long before its expiry a token is replaced: a duration such as `\"48h\"`, or a share of its lifetime such as `\"25%\"`.",
			},
			{
				Name: "verify_every", Type: cty.String, Check: CheckDuration, DefaultText: "at each plan and apply",
				Doc: "How long a verification of the current token stays valid.",
			},
			{
				Name: "on_remove", Type: cty.String, Default: cty.StringVal("retain"), OneOf: []string{"retain", "delete"},
				Doc: "What happens to the targets when the account or deliver block is removed. The state remembers the value; if it differs from the configuration, the more careful of the two applies. An old target is deleted only once every current target has the token.",
			},
		},
		Blocks: []Nested{{Block: *HTTPBlock(), Max: 1}},
	}
}

var projectForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`) })

func checkProject(v cty.Value) error {
	if !projectForm().MatchString(v.AsString()) {
		return fmt.Errorf("%q is not a valid project name: use letters, digits, \".\", \"_\" and \"-\", at most 63, beginning with a letter or a digit", v.AsString())
	}
	return nil
}

func checkSchedule(v cty.Value) error {
	_, err := ParseSchedule(v.AsString())
	return err
}
