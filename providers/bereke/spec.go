// Package bereke provides tokens of Bereke Bank: a login by user name and
// password, both encrypted with the bank's RSA key, that gives a short-lived
// token and the list of customers that the user acts for.
//
// Protocol: the bank's "Первичная аутентификация" page. It says that both
// values are encrypted with a public key, but not with which padding, nor how
// to get the key: those are attributes.
package bereke

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the provider.
func Spec() *providers.Spec {
	return &providers.Spec{
		Name:       "bereke",
		Doc:        "A token of Bereke Bank, with the customers that the user acts for. Tokens live 15 minutes and cannot be refreshed, so each rotation is a login, and credsync must run every few minutes: `plan` warns if the schedule is too slow.",
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

func attributes() []schema.Attribute {
	return slices.Concat(loginAttributes(), requestAttributes(), customerAttributes(),
		providers.TokenReadAttributes("credsync checks only the answer to the login and the token's own expiry"))
}

func loginAttributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "username", Type: cty.String, Required: true, Sensitive: true, Public: true, Effect: schema.ShapesLogin,
			Doc: "The user's login name. The bank requires it encrypted like the password, so credsync treats it as a secret too.",
		},
		{
			Name: "password", Type: cty.String, Required: true, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The user's password.",
		},
		{
			Name: "public_key", Type: cty.String, Sensitive: true, Public: true, Text: schema.Document, Check: checkKey,
			Effect: schema.ShapesLogin,
			Doc:    "The bank's RSA public key as PEM: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`. Text around it and escaped line breaks do not matter. The base64 without PEM's first and last line works too. Exactly one of `public_key` and `public_key_url` is required. credsync never shows it, because it may come from the same source as the password.",
		},
		{
			Name: keyURL, Type: cty.String, Endpoint: true, Check: upstream.CheckBaseURL, Effect: schema.ShapesLogin,
			Doc: "The URL to get the key from at each login. The bank's document does not say how it publishes the key, so credsync accepts the usual answers: `{\"key\": …}` with a JWK or anything that `public_key` accepts (set `public_key_field` if the field has another name), the same as a JSON string or as text, a JWK, or a set of JWKs. The whole `http` block, including its headers, applies to this URL too. It must be https or loopback; plain http is allowed only if `base_url` is plain http too.",
		},
		{
			Name: "public_key_field", Type: cty.String, DefaultText: "`key`", Check: checkField, Effect: schema.ShapesLogin, AddedLater: true,
			Doc: "The field that contains the key if `public_key_url` returns a JSON object: a name, or names joined by dots, such as `data.key`.",
		},
		{
			Name: keyID, Type: cty.String, DefaultText: "the only key that is not for signatures", Check: schema.CheckNotEmpty, Effect: schema.ShapesLogin,
			AddedLater: true,
			Doc:        "The `kid` of the key to use if `public_key_url` returns a set of JWKs with more than one suitable key.",
		},
		{
			Name: "padding", Type: cty.String, Default: cty.StringVal(pemkey.PaddingPKCS1), OneOf: pemkey.PaddingNames(),
			Effect: schema.ShapesLogin,
			Doc:    "How credsync pads values before it encrypts them. The default is inferred, because the bank's document does not say. A wrong padding looks like a wrong password, which may count towards a lock, so ask the bank instead of trying.",
		},
		{
			Name: "mgf1_digest", Type: cty.String, OneOf: pemkey.DigestNames(), Effect: schema.ShapesLogin, AddedLater: true,
			DefaultText: "the digest that `padding` names",
			Doc:         "The digest of the mask (MGF1) of an OAEP padding. Java uses `sha1` by default, even when the padding is called `OAEPWithSHA-256AndMGF1Padding`: that is `padding = \"oaep_sha256\"` with `mgf1_digest = \"sha1\"`.",
		},
		{
			Name: "basic_auth", Type: cty.String, Default: cty.StringVal(defaultBasicAuth), Sensitive: true,
			Check: checkBasicAuth, Effect: schema.ShapesLogin,
			Doc: "The client's name and password, separated by a colon, for the `Authorization` header.",
		},
		{
			Name: "device_fingerprint", Type: cty.String, Default: cty.StringVal(""), Sensitive: true, Public: true, MayBeEmpty: true,
			Check: checkFingerprint, Effect: schema.ShapesLogin,
			Doc: "The `Device-Fingerprint` header. If it is not set, credsync sends it empty, as in the bank's example.",
		},
		providers.BaseURL("", "Address of the service. The bank's document names only that of its test system, `https://api-test.berekebank.kz`."),
	}
}

// requestAttributes are those by which the login can be sent in another form than
// the document's, should an installation of the bank's system want that.
func requestAttributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "path", Type: cty.String, Default: cty.StringVal("/auth/oauth/token"), Check: providers.CheckPath,
			Effect: schema.ShapesLogin, AddedLater: true,
			Doc: "The path of the login, below `base_url`. The default is the documented one.",
		},
		{
			Name: "grant_type", Type: cty.String, Default: cty.StringVal("Password"), Check: checkWord, Effect: schema.ShapesLogin,
			AddedLater: true,
			Doc:        "The `grant_type` of the login. credsync sends it unchanged. The default is the documented one, which has a capital letter, unlike OAuth 2.",
		},
		{
			Name: "user_type", Type: cty.String, Default: cty.StringVal("customer"), Check: checkWord, Effect: schema.ShapesLogin,
			AddedLater: true,
			Doc:        "The `user_type` of the login. credsync sends it unchanged. The document has only `customer`.",
		},
		{
			Name: "ignore_possible_chains", Type: cty.Bool, Default: cty.False, Effect: schema.ShapesLogin, AddedLater: true,
			Doc: "Whether to ignore `possible_chains` in the answer. It is empty in the bank's document, which does not say what other values mean. If it is not empty, credsync assumes that the bank requires a second factor, does not deliver the token, and blocks the account. Set this to `true` if the bank says that the token is valid anyway.",
		},
	}
}

func customerAttributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "customer_id", Type: cty.String, Check: checkCustomer, Effect: schema.ShapesToken,
			DefaultText: "the only customer, if there is exactly one",
			Doc:         "The customer for the outputs `customer_id` and `customer_name`; it must be in the list that the login returns. Write it as a string, because it can have more digits than a number can hold. Cannot be combined with `customer_name`.",
		},
		{
			Name: "customer_name", Type: cty.String, Check: schema.CheckNotEmpty, Effect: schema.ShapesToken,
			Doc: "The customer by its exact name, which only one customer may have. Spaces and case matter.",
		},
	}
}

func outputs() []schema.Output {
	customers := cty.List(cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String}))
	return []schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token, a JWT."},
		{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token, if the bank sends one. The bank does not document its use."},
		{Name: "token_type", Type: cty.String, Doc: "The type of the token, such as `bearer`."},
		{Name: "expires_at", Type: cty.String, Doc: "When the token expires."},
		{Name: "scope", Type: cty.String, Doc: "The token's scope, such as `ALL`."},
		{Name: "user_id", Type: cty.String, Doc: "The user's identifier."},
		{Name: "customer_id", Type: cty.String, Doc: "The chosen customer. It is null if there are several and none was chosen."},
		{Name: "customer_name", Type: cty.String, Doc: "The chosen customer's name. It is null if the bank lists the customer under several names."},
		{Name: "customers", Type: customers, Doc: "Every customer that the user acts for, as the bank lists them, each with the documented `id` and `name`. The answer has other customer fields only once: see the outputs below."},
		{Name: "role", Type: cty.String, Doc: "The user's role, such as `ANONYMOUS`."},
		{Name: "chain_type", Type: cty.String, Doc: "The chain of authentication factors, such as `EMPTY`."},
		{Name: "jti", Type: cty.String, Doc: "The token's identifier."},
		further("cus_unique_idn", cty.String, "The customer's identification number, from the answer to the login."),
		further("customer_external_id", cty.String, "The customer's identifier in another system."),
		further("customer_user_id", cty.String, "The user's identifier as a customer."),
		further("user_type", cty.String, "The type of the user, such as `customer`."),
		further("role_id", cty.String, "The role's identifier."),
		further("role_version", cty.String, "The role's version."),
		further("sign_level", cty.String, "The level of the user's signature."),
		further("digital_signature_type", cty.String, "The type of the user's digital signature."),
		further("bank_branch_code", cty.String, "The code of the bank's branch."),
		further("otp_strategy", cty.String, "How one-time passwords are used, such as `UNDEFINED`."),
		further("is_device_trusted", cty.Bool, "Whether the bank trusts the device."),
		further("suggest_add_device", cty.Bool, "Whether the bank suggests adding the device."),
		further("can_skip", cty.Bool, "The bank's value. Its document does not say what can be skipped."),
		{Name: demandOutput, Type: cty.String, Withheld: true, Doc: "What the bank requires before the token can be used: `password_change` or `second_factor`; otherwise null. credsync never delivers a token that needs a new password, and delivers one that needs a second factor only if `ignore_possible_chains` is set."},
	}
}

func checkKey(v cty.Value) error {
	_, err := pemkey.ParseRSAPublicKey(v.AsString())
	return err
}

// further is an output beside those that most targets want. They get it where they
// ask for it: one that has a person's number in it should not come along unasked.
func further(name string, t cty.Type, doc string) schema.Output {
	return schema.Output{Name: name, Type: t, Withheld: true, Doc: doc}
}

func checkBasicAuth(v cty.Value) error {
	if !strings.Contains(v.AsString(), ":") {
		return errors.New("use a name and a password separated by a colon, such as \"WEB:\", and not encoded")
	}
	return nil
}

func checkFingerprint(v cty.Value) error {
	if !upstream.HeaderSafe(credential.NewSecret(v.AsString())) {
		return errors.New("the value contains spaces, line breaks or non-ASCII characters, which this header cannot contain")
	}
	return nil
}

func checkField(v cty.Value) error {
	if slices.Contains(strings.Split(v.AsString(), "."), "") {
		return errors.New("use the name of a field, or names joined by dots, such as \"data.key\"")
	}
	return nil
}

// checkWord is for what the bank takes as one word of its own.
func checkWord(v cty.Value) error {
	if s := v.AsString(); s == "" || !upstream.HeaderSafe(credential.NewSecret(s)) {
		return errors.New("use one word, without spaces or non-ASCII characters")
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
	case !v.IsSet(keyURL) && (v.IsSet("public_key_field") || v.IsSet(keyID)):
		return errors.New("public_key_field and public_key_id need public_key_url: set public_key_url, or remove them")
	case v.IsSet("customer_id") && v.IsSet("customer_name") && v.Known("customer_id") && v.Known("customer_name"):
		return errors.New("customer_id and customer_name are both set; keep one of them")
	case v.IsSet("mgf1_digest") && v.String("padding") == pemkey.PaddingPKCS1:
		return errors.New("mgf1_digest needs an OAEP padding: set padding to one of those, or remove mgf1_digest")
	case upstream.PlainHTTP(v.String("public_key_url")) && v.Known("base_url") && !upstream.PlainHTTP(v.String("base_url")):
		return errors.New("public_key_url must start with https://, because anyone who can replace the key on its way can read the password")
	}
	return cmp.Or(providers.CheckTokenRead(v), checkRoom(v))
}

// checkRoom finds a key that is too small for what it is to encrypt, before
// anything is sent.
func checkRoom(v schema.Values) error {
	if !v.IsSet("public_key") || !v.Known("public_key") || !v.Known("padding") {
		return nil
	}
	key, err := pemkey.ParseRSAPublicKey(v.Secret("public_key").Reveal())
	if err != nil {
		// Said of the attribute already.
		return nil
	}
	for _, name := range []string{"username", "password"} {
		if err := fits(key, name, pemkey.PaddingOf(v.String("padding"), v.String("mgf1_digest")), v.Secret(name)); err != nil {
			return err
		}
	}
	return nil
}
