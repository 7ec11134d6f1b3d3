// Package sagi provides tokens of the Sagi loyalty service: a login by phone
// and password, refresh of the token it gives, and the branch that the token
// is used for.
//
// Protocol: the service's "Аутентификация" page. The default address, the
// {code, message, data} envelope and some error answers are those of its
// public documentation.
package sagi

import (
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the provider.
func Spec() *providers.Spec {
	return &providers.Spec{
		Name:       "sagi",
		Doc:        "A token of the Sagi loyalty service, with the branch and the group that its calls need. Tokens live about 30 days, and credsync refreshes them without the password for up to 365 days after a login.",
		Source:     "Sagi, \"Аутентификация\"",
		Attributes: attributes(),
		Outputs:    outputs(),
		// The document asks for one to two days.
		RotateBefore: "48h",
		Lifetime:     func(schema.Values) time.Duration { return lifetime },
		OwnHeaders:   []string{"Authorization"},
		New:          newProvider,
	}
}

func attributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "phone", Type: cty.String, Required: true, Sensitive: true, Public: true, Effect: schema.ShapesLogin,
			Doc: "The business user's login name. It need not be a phone number, despite the service's name for it. credsync treats it as a secret too, because it may come from the same source as the password.",
		},
		{
			Name: "password", Type: cty.String, Required: true, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The business user's password.",
		},
		{
			Name: "license_key", Type: cty.String, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The license key, for accounts that have one.",
		},
		{
			Name: "branch_id", Type: cty.String, Check: checkBranch, Effect: schema.ShapesToken,
			DefaultText: "the first branch that the first login lists; credsync keeps it after that",
			Doc:         "The branch to look up. Write it as a string, because it can have more digits than a number can hold.",
		},
		providers.BaseURL("https://gateway.sagi.kz", "Address of the service."),
		{
			Name: "envelope", Type: cty.String, Default: cty.StringVal(envelopeAuto),
			OneOf: []string{envelopeAuto, envelopeWrapped, envelopeBare},
			Doc:   "Whether answers are wrapped as `{code, message, data}`. `auto` unwraps those that have `data`.",
		},
	}
}

func outputs() []schema.Output {
	return []schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token, a JWT."},
		{Name: "expires_at", Type: cty.String, Doc: "When the token expires."},
		{Name: "organization_id", Type: cty.String, Doc: "The organization's identifier."},
		{Name: "role", Type: cty.String, Doc: "The user's role, such as `administrator`."},
		{Name: "branch_id", Type: cty.String, Doc: "The chosen branch."},
		{Name: "branch_name", Type: cty.String, Doc: "The chosen branch's name."},
		{Name: "branches", Type: cty.List(cty.String), Doc: "Every branch that the user may work with."},
		{Name: "group_id", Type: cty.String, Doc: "The group of the chosen branch, which calls about bonuses need."},
		{Name: "muted", Type: cty.Bool, Doc: "Whether the service has muted the account."},
		{Name: "subscription_active", Type: cty.Bool, Doc: "Whether the chosen branch's subscription is active."},
	}
}

var checkBranch = providers.CheckDigits("a branch is a string of digits, such as \"1988850967616950272\"")
