// Package bifit_kassa provides tokens of the BIFIT Kassa cash-register cloud: OAuth 2
// by password, with refresh tokens and, for accounts that have it turned on, a
// second factor by SMS.
//
// Protocol: the service's "Авторизация при интеграции по API" page. That the
// password's base64 is the standard alphabet, that a refresh token works once,
// and how a locked account is told are inferences; see the attributes.
package bifit_kassa

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// publicClient is the documented client_id and client_secret, the same for
// everybody.
const publicClient = "cashdesk-rest-client"

// Spec describes the provider.
func Spec() *providers.Spec {
	return &providers.Spec{
		Name: "bifit_kassa",
		Doc: "A token of the BIFIT Kassa cash-register cloud. Tokens live 12 hours, and credsync refreshes them without the password. " +
			"For an account with the second factor turned on, run `credsync login` once, which requests the SMS; after that, credsync refreshes the token unattended.",
		Source:       "BIFIT Kassa, \"Авторизация при интеграции по API\"",
		Attributes:   attributes(),
		Check:        check,
		Outputs:      outputs(),
		RotateBefore: "4h",
		Lifetime:     func(schema.Values) time.Duration { return lifetime },
		// The document does not say so, but servers of this kind hand out a new
		// refresh token each time. Taking it for single-use is the safe side.
		RefreshSpends: true,
		// That of the check by verify_path.
		OwnHeaders: []string{"Authorization"},
		New:        newProvider,
	}
}

func attributes() []schema.Attribute {
	return slices.Concat([]schema.Attribute{
		{
			Name: "username", Type: cty.String, Required: true, Sensitive: true, Public: true, Effect: schema.ShapesLogin,
			Doc: "The login name: a phone number of eleven digits, `7xxxxxxxxxx`; see `username_format`. credsync sends it unchanged, and treats it as a secret too, because it may come from the same source as the password.",
		},
		{
			Name: "password", Type: cty.String, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The password in plain text. credsync sends only its SHA-256 digest, as the service requires. Exactly one of `password` and `password_hash` is required.",
		},
		{
			Name: "password_hash", Type: cty.String, Sensitive: true, Check: checkHash, Effect: schema.ShapesLogin, AddedLater: true,
			Doc: "The SHA-256 digest of the password, if you have only that: as 64 hexadecimal digits, or as base64 with either alphabet, with or without padding. credsync sends it in the form that `password_encoding` names. It opens the account like the password does, so it is a secret too.",
		},
		{
			Name: "client_id", Type: cty.String, Sensitive: true, Public: true, Default: cty.StringVal(publicClient),
			Effect: schema.ShapesLogin,
			Doc:    "The OAuth client. The documented one is the same for everyone.",
		},
		{
			Name: "client_secret", Type: cty.String, Sensitive: true, Default: cty.StringVal(publicClient), Effect: schema.ShapesLogin,
			Doc: "The OAuth client's secret. The documented one is the same for everyone.",
		},
		providers.BaseURL("https://kassa.bifit.com/cashdesk-api/v1", "Address of the service."),
	}, interpretations(), providers.TokenReadAttributes("credsync checks only the token's own expiry"))
}

// interpretations are the attributes by which a reading of the document can be
// replaced by another, should the service turn out to mean that.
func interpretations() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "password_encoding", Type: cty.String, Default: cty.StringVal(stdPadded),
			OneOf: encodings(), Effect: schema.ShapesLogin,
			Doc: "The base64 form of the password's digest: with the standard or the URL alphabet, with or without padding. " +
				"The document says \"base64 urlencoded\"; that this means the standard alphabet, percent-encoded as every form value is, is inferred from public clients. " +
				"credsync does not try other encodings itself, because each attempt could count as a wrong password.",
		},
		{
			Name: "username_format", Type: cty.String, Default: cty.StringVal(formatPhone), OneOf: []string{formatPhone, formatAny},
			Doc: "The form that `username` must have: `phone` is the documented one, eleven digits that begin with 7; `any` accepts everything, for an account that logs in with something else. credsync refuses a number in another form, such as `+7…` or `8…`, and does not rewrite it, because a login with a wrong user name may count towards a lock.",
		},
		{
			Name: "mfa_grant_type", Type: cty.String, Default: cty.StringVal("mfa"), OneOf: []string{"mfa", "password"},
			Doc: "The `grant_type` of a login with a code. The document says `password` in its list and `mfa` in its example; that the example is right is inferred. " +
				"It matters only for `credsync login`, so changing it does not replace the token.",
		},
	}
}

func outputs() []schema.Output {
	return []schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
		{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token. It works once. If anything but credsync uses it, credsync can no longer refresh the token."},
		{Name: "token_type", Type: cty.String, Doc: "The token's type: `bearer`."},
		{Name: "expires_at", Type: cty.String, Doc: "When the token expires."},
		{Name: "scope", Type: cty.String, Doc: "What the token allows, such as `read write`."},
		{Name: "user_id", Type: cty.String, Doc: "The user's identifier."},
	}
}

// Values of the username_format attribute.
const (
	formatPhone = "phone"
	formatAny   = "any"
)

var phoneForm = regexp.MustCompile(`^7[0-9]{10}$`)

// check compares attributes with each other; what is unknown is left for later.
func check(v schema.Values) error {
	switch {
	case v.IsSet("password") && v.IsSet("password_hash") && v.Known("password") && v.Known("password_hash"):
		return errors.New("password and password_hash are both set; keep one of them")
	case !v.IsSet("password") && !v.IsSet("password_hash"):
		return errors.New("there is no password to log in with: set password, or set password_hash to its SHA-256 digest")
	case v.Known("username") && v.String("username_format") == formatPhone &&
		!phoneForm.MatchString(v.Secret("username").Reveal()):
		return errors.New("username: it is not a phone number of eleven digits that begins with 7, without +, spaces or dashes. Correct it, or set username_format = \"any\" if the account logs in with something else")
	}
	return providers.CheckTokenRead(v)
}
