package described

import (
	"slices"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
)

// The types of accounts that describe their upstream themselves.
const (
	HTTPAccount   = "http"
	StaticAccount = "static"
)

// InlineSpecs are the types of accounts that describe their upstream themselves, as the
// reference explains them and as their blocks are read. Each block has a spec of its own
// made of it, so these make no provider.
func InlineSpecs() []*providers.Spec {
	base := providers.BaseURL("", "Address of the service. The paths of requests are below it.")
	optional := base
	optional.Required, optional.DefaultText = false, "none: required if a request has a `path`"
	return []*providers.Spec{
		{
			Name: HTTPAccount,
			Doc: "An upstream that its account describes itself: what an `upstream` block says, written inline, for an upstream of which there is one account, or one block with `for_each`. " +
				"Expressions in it can also refer to `var`, `local`, `data` and `each`. If several accounts share an upstream, describe it once in an `upstream` block.",
			Attributes:   slices.Concat([]schema.Attribute{base}, schema.HTTPAccountRows()),
			Blocks:       append(schema.HTTPAccountBlocks(), CertificateBlock(false)),
			Destinations: inlineDestinations(),
			Outputs:      (&Definition{Login: &TokenOperation{RefreshToken: noExpr{}}}).specOutputs(),
			RotateBefore: DefaultRotateBefore,

			ClientCertificate: clientcertificate.Of,
		},
		{
			Name: StaticAccount,
			Doc: "A token that stands in the configuration: an API key, or a password with `username`. There is no login; the token is verified with a request if there is a `verify` block, and delivered. " +
				"Expressions in it can refer to `var`, `local`, `data`, `each` and `self`.",
			Attributes: slices.Concat(
				[]schema.Attribute{optional},
				schema.StaticAccountRows(),
				[]schema.Attribute{schema.HostsRow()},
			),
			Blocks:       append(schema.StaticAccountBlocks(), CertificateBlock(false)),
			Outputs:      (&Definition{Static: noExpr{}}).specOutputs(),
			Destinations: inlineDestinations(),
			Static:       true,

			ClientCertificate: clientcertificate.Of,
		},
	}
}

// inlineDestinations are the arguments of an account that name hosts.
func inlineDestinations() []providers.Destination {
	return []providers.Destination{{Attribute: "base_url"}, {Attribute: "hosts"}}
}

// noExpr stands for an expression where only its being there counts.
type noExpr struct{ schema.Expr }
