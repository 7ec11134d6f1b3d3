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
	"strings"
	"time"

	"github.com/credsync/credsync/providers"
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
		Blocks:     []schema.Nested{{Block: certificateBlock(), Max: 1}},
		Check:      check,
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
			{Name: "expires_at", Type: cty.String, Doc: "When the token expires."},
			{Name: "certificate_expires_at", Type: cty.String, Doc: "When the client certificate expires. It is null for a login with a password."},
		},
		RotateBefore:      "10m",
		Lifetime:          func(v schema.Values) time.Duration { return v.Duration("token_ttl") },
		ClientCertificate: clientCertificate,
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

func certificateBlock() schema.Block {
	return schema.Block{
		Type:  "certificate",
		Doc:   "The client certificate that Astana-Plat's certification authority issued: `cert_pem` and `key_pem`, or `pkcs12_base64`. credsync checks it before it sends anything. That the service expects mutual TLS is inferred: the document says only that the login is by certificate.",
		Check: checkCertificate,
		Attributes: []schema.Attribute{
			{
				Name: "cert_pem", Type: cty.String, Sensitive: true, Public: true, Text: schema.Document,
				Effect: schema.ShapesLogin,
				Doc:    "The certificate in PEM, followed by its issuers' certificates if the service needs them, each signed by the next. credsync treats it as a secret too, because it may come from the same source as the key.",
			},
			{
				Name: "key_pem", Type: cty.String, Sensitive: true, Text: schema.Document, Effect: schema.ShapesLogin,
				Doc: "The certificate's private key in PEM: PKCS#8, PKCS#1 or SEC 1, encrypted or not.",
			},
			{
				Name: "key_password", Type: cty.String, Sensitive: true, Effect: schema.ShapesLogin,
				Doc: "The password of an encrypted `key_pem`.",
			},
			{
				Name: "pkcs12_base64", Type: cty.String, Sensitive: true, Text: schema.Document, Effect: schema.ShapesLogin,
				Doc: "A PKCS#12 file (`.p12`, `.pfx`) with the certificate and its key, encoded in base64, such as `filebase64(\"client.p12\")`.",
			},
			{
				Name: "pkcs12_password", Type: cty.String, Sensitive: true, MayBeEmpty: true, Effect: schema.ShapesLogin,
				DefaultText: "none", Doc: "The password of `pkcs12_base64`.",
			},
		},
	}
}

func checkTTL(v cty.Value) error {
	d, err := schema.ParseDuration(v.AsString())
	if err == nil && d == 0 {
		err = fmt.Errorf("%q is not a lifetime: it must be greater than 0", v.AsString())
	}
	return err
}

// check wants exactly one of the two ways to log in.
func check(v schema.Values) error {
	byCertificate := len(v.Nested("certificate")) > 0
	login, password := v.IsSet("login"), v.IsSet("password")
	switch {
	case byCertificate && (login || password):
		return errors.New("both a login with its password and a certificate block are set: keep one of them")
	case !byCertificate && !login && !password:
		return errors.New("there is nothing to log in with: set login and password, or add a certificate block")
	case !byCertificate && (!login || !password):
		return errors.New("login and password belong together: set both")
	case byCertificate && strings.HasPrefix(strings.ToLower(v.String("base_url")), "http:"):
		return errors.New("a client certificate works only with an https:// address; correct base_url")
	}
	return providers.CheckTokenRead(v)
}

// checkCertificate wants exactly one form of the certificate, and one that can
// be used. Whether it is valid today is left to Inspect.
func checkCertificate(v schema.Values) error {
	isPEM, isPKCS12 := v.IsSet("cert_pem") || v.IsSet("key_pem"), v.IsSet("pkcs12_base64")
	switch {
	case isPEM && isPKCS12:
		return errors.New("the certificate is set twice: keep cert_pem and key_pem, or pkcs12_base64")
	case !isPEM && !isPKCS12:
		return errors.New("there is no certificate: set cert_pem and key_pem, or pkcs12_base64")
	case isPEM && (!v.IsSet("cert_pem") || !v.IsSet("key_pem")):
		return errors.New("cert_pem and key_pem belong together: set both")
	case isPKCS12 && v.IsSet("key_password"):
		return errors.New("the argument key_password is for key_pem; the password of pkcs12_base64 is pkcs12_password")
	case isPEM && v.IsSet("pkcs12_password"):
		return errors.New("the argument pkcs12_password is for pkcs12_base64; the password of key_pem is key_password")
	case !v.AllKnown():
		return nil
	}
	_, err := loadCertificate(v)
	return err
}
