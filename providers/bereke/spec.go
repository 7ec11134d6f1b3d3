// Package bereke provides tokens of Bereke Bank: a login by user name and
// password, both encrypted with the bank's RSA key, that gives a short-lived
// token and the list of customers that the user acts for.
//
// Protocol: the bank's "Первичная аутентификация" page. It says that both
// values are encrypted with a public key, but not with which padding, nor how
// to get the key: those are attributes.
package bereke

import (
	"errors"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the provider.
func Spec() *providers.Spec {
	return &providers.Spec{
		Name:       "bereke",
		Doc:        "A token of Bereke Bank, with the customers that the user acts for. Tokens live 15 minutes and cannot be refreshed, so each rotation is a login, and a schedule must come every few minutes: `plan` says so where it does not.",
		Source:     "Bereke Bank, \"Первичная аутентификация\"",
		Attributes: attributes(),
		Check:      check,
		Outputs:    outputs(),
		// A third of the lifetime: long enough for a few failed attempts.
		RotateBefore: "5m",
		Lifetime:     func(schema.Values) time.Duration { return lifetime },
		OwnHeaders:   []string{"Authorization", "Device-Fingerprint"},
		New:          newProvider,
	}
}

func attributes() []schema.Attribute { return append(loginAttributes(), customerAttributes()...) }

func loginAttributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "username", Type: cty.String, Required: true, Sensitive: true, Public: true, Effect: schema.ShapesLogin,
			Doc: "The user's login. The bank has it encrypted as the password is, so it is treated as a secret too.",
		},
		{
			Name: "password", Type: cty.String, Required: true, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The user's password.",
		},
		{
			Name: "public_key", Type: cty.String, Sensitive: true, Public: true, Text: schema.Document, Check: checkKey, Effect: schema.ShapesLogin,
			Doc: "The bank's RSA public key as PEM, be it `PUBLIC KEY`, `RSA PUBLIC KEY` or a `CERTIFICATE`; text around it and escaped line breaks do not matter. Exactly one of `public_key` and `public_key_url` is needed. It may come from where the password does, so it is never shown.",
		},
		{
			Name: "public_key_url", Type: cty.String, Endpoint: true, Check: upstream.CheckBaseURL, Effect: schema.ShapesLogin,
			Doc: "Where to get the key at each login: an address that answers `{\"key\": \"<PEM>\"}`. That form is inferred: the bank's document does not say how the key is published. Everything in the `http` block, its headers too, applies to this address as well. It must be https, or loopback; plain http is allowed only where `base_url` is plain http too.",
		},
		{
			Name: "padding", Type: cty.String, Default: cty.StringVal(paddingPKCS1),
			OneOf: []string{paddingPKCS1, paddingOAEPSHA1, paddingOAEPSHA256}, Effect: schema.ShapesLogin,
			Doc: "How values are padded before they are encrypted; for OAEP the named digest is that of the mask too. The default is inferred: the bank's document does not say. A wrong padding looks like a wrong password, which may count towards a lock, so ask the bank rather than try.",
		},
		{
			Name: "basic_auth", Type: cty.String, Default: cty.StringVal(defaultBasicAuth), Sensitive: true, Check: checkBasicAuth, Effect: schema.ShapesLogin,
			Doc: "The client's name and password, with a colon between, for the `Authorization` header.",
		},
		{
			Name: "device_fingerprint", Type: cty.String, Default: cty.StringVal(""), Sensitive: true, Public: true, MayBeEmpty: true, Check: checkFingerprint, Effect: schema.ShapesLogin,
			Doc: "The `Device-Fingerprint` header, which is sent empty if this is not set, as in the bank's example.",
		},
		providers.BaseURL("", "Address of the service. The bank's document names only that of its test system, `https://api-test.berekebank.kz`."),
	}
}

func customerAttributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "customer_id", Type: cty.String, Check: checkCustomer, Effect: schema.ShapesToken,
			DefaultText: "the only customer, if there is one only",
			Doc:         "The customer to hand on as `customer_id` and `customer_name`; it must be in the list that the login gives. Write it as a string: it can have more digits than a number can hold. Not together with `customer_name`.",
		},
		{
			Name: "customer_name", Type: cty.String, Check: schema.CheckNotEmpty, Effect: schema.ShapesToken,
			Doc: "The same by its exact name, which must be that of one customer only. Spaces and letter case count.",
		},
	}
}

func outputs() []schema.Output {
	customers := cty.List(cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String}))
	return []schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token, a JWT."},
		{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token, if the bank gives one; the bank does not document its use."},
		{Name: "token_type", Type: cty.String, Doc: "The type of the token, such as `bearer`."},
		{Name: "expires_at", Type: cty.String, Doc: "When it expires."},
		{Name: "scope", Type: cty.String, Doc: "The token's scope, such as `ALL`."},
		{Name: "user_id", Type: cty.String, Doc: "The user's identifier."},
		{Name: "customer_id", Type: cty.String, Doc: "The chosen customer; null if there are several and none was chosen."},
		{Name: "customer_name", Type: cty.String, Doc: "Its name; null if the bank lists it under several."},
		{Name: "customers", Type: customers, Doc: "Every customer that the user acts for, as the bank lists them."},
		{Name: "role", Type: cty.String, Doc: "The user's role, such as `ANONYMOUS`."},
		{Name: "chain_type", Type: cty.String, Doc: "The chain of authentication factors, such as `EMPTY`."},
		{Name: "jti", Type: cty.String, Doc: "The token's identifier."},
		{Name: demandOutput, Type: cty.String, Withheld: true, Doc: "What the bank demands before the token is of use: `password_change` or `second_factor`. Such a token is never delivered, so a target sees null."},
	}
}

func checkKey(v cty.Value) error {
	_, err := parseKey(v.AsString())
	return err
}

func checkBasicAuth(v cty.Value) error {
	if !strings.Contains(v.AsString(), ":") {
		return errors.New("it is a name and a password with a colon between, such as \"WEB:\", and not encoded")
	}
	return nil
}

func checkFingerprint(v cty.Value) error {
	if !upstream.HeaderSafe(credential.NewSecret(v.AsString())) {
		return errors.New("the value has spaces, line breaks or characters outside ASCII in it, which this header cannot carry")
	}
	return nil
}

var checkCustomer = providers.CheckDigits("a customer is a string of digits, such as \"111111\"")

// check compares attributes with each other; what is unknown is left for later.
func check(v schema.Values) error {
	switch {
	case v.IsSet("public_key") && v.IsSet("public_key_url") && v.Known("public_key") && v.Known("public_key_url"):
		return errors.New("public_key and public_key_url are both set; keep one of them")
	case !v.IsSet("public_key") && !v.IsSet("public_key_url"):
		return errors.New("the login is encrypted with the bank's public key: set public_key, or public_key_url")
	case v.IsSet("customer_id") && v.IsSet("customer_name") && v.Known("customer_id") && v.Known("customer_name"):
		return errors.New("customer_id and customer_name are both set; keep one of them")
	case upstream.PlainHTTP(v.String("public_key_url")) && v.Known("base_url") && !upstream.PlainHTTP(v.String("base_url")):
		return errors.New("public_key_url must start with https://: whoever can change the key on its way can read the password")
	}
	return checkRoom(v)
}

// checkRoom finds a key that is too small for what it is to encrypt, before
// anything is sent.
func checkRoom(v schema.Values) error {
	if !v.IsSet("public_key") || !v.Known("public_key") || !v.Known("padding") {
		return nil
	}
	key, err := parseKey(v.Secret("public_key").Reveal())
	if err != nil {
		// Said of the attribute already.
		return nil
	}
	for _, name := range []string{"username", "password"} {
		if err := key.fits(name, v.String("padding"), v.Secret(name)); err != nil {
			return err
		}
	}
	return nil
}
