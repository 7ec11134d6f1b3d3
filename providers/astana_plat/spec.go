// Package astana_plat provides tokens of the Astana-Plat payments service: a
// login by name and password, or by a client certificate.
//
// Protocol: the service's "Авторизация" page. The default path, the lifetime
// of tokens and that a login kills the token before it are those of its public
// documentation; that the certificate is presented by mutual TLS is inferred.
package astana_plat

import (
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the provider.
func Spec() *providers.Spec {
	return &providers.Spec{
		Name:       "astana_plat",
		Doc:        "A token of the Astana-Plat payments service. credsync logs in with `login` and `password`, or with a client certificate. Only one token of an account works at a time, because each login revokes the previous token. So credsync logs in only when every target can be written.",
		Source:     "Astana-Plat, \"Авторизация\"",
		Attributes: attributes(),
		Blocks:     []schema.Nested{{Block: clientcertificate.Block(certificateDoc), Max: 1}},
		Check:      check,
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
			{Name: "expires_at", Type: cty.String, Doc: "When the token expires."},
			{Name: "certificate_expires_at", Type: cty.String, Doc: "When the client certificate expires. It is null for a login with a password."},
		},
		RotateBefore:      "10m",
		Lifetime:          func(v schema.Values) time.Duration { return v.Duration("token_ttl") },
		ClientCertificate: clientcertificate.Of,
		LoginRevokes:      func(v schema.Values) bool { return v.Bool("revokes_previous") },
		New:               newProvider,
	}
}

func attributes() []schema.Attribute {
	return append([]schema.Attribute{
		providers.BaseURL("", "Address of the service, which Astana-Plat gives to each partner."),
		{
			Name: "path", Type: cty.String, Default: cty.StringVal("/authorize"), Check: providers.CheckPath, Effect: schema.ShapesLogin,
			Doc: "The path of the login, below `base_url`. The default is the one in the service's public documentation.",
		},
		{
			Name: "login", Type: cty.String, Sensitive: true, Public: true, Effect: schema.ShapesLogin,
			Doc: "The login name. credsync treats it as a secret too, because it may come from the same source as the password. Needs `password`; cannot be combined with a `certificate` block.",
		},
		{
			Name: "password", Type: cty.String, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The password for `login`.",
		},
		{
			Name: "token_ttl", Type: cty.String, Default: cty.StringVal("1h"), Check: checkTTL,
			Doc: "The lifetime of a token, unless the token is a JWT with an `exp` claim. The default is the one in the service's public documentation.",
		},
		{
			Name: "revokes_previous", Type: cty.Bool, Default: cty.True,
			Doc: "Whether a login revokes the previous token, as the service's public documentation says. If so, credsync checks that every target can be written before it logs in, and considers the old token revoked after a login whose answer was lost.",
		},
	}, providers.TokenReadAttributes("credsync checks only the answer to the login")...)
}

const certificateDoc = "The client certificate that Astana-Plat's certification authority issued: `cert_pem` and `key_pem`, or `pkcs12_base64`. credsync checks it before it sends anything. That the service expects mutual TLS is inferred: the document says only that the login is by certificate."

func checkTTL(v cty.Value) error {
	d, err := schema.ParseDuration(v.AsString())
	if err == nil && d == 0 {
		err = fmt.Errorf("%q is not a lifetime: it must be greater than 0", v.AsString())
	}
	return err
}

// check wants exactly one of the two ways to log in.
func check(v schema.Values) error {
	byCertificate := len(v.Nested(clientcertificate.Keyword)) > 0
	login, password := v.IsSet("login"), v.IsSet("password")
	switch {
	case byCertificate && (login || password):
		return errors.New("both a login with its password and a certificate block are set: keep one of them")
	case !byCertificate && !login && !password:
		return errors.New("there is nothing to log in with: set login and password, or add a certificate block")
	case !byCertificate && (!login || !password):
		return errors.New("login and password belong together: set both")
	}
	if err := clientcertificate.CheckBaseURL(v); err != nil {
		return err
	}
	return providers.CheckTokenRead(v)
}
