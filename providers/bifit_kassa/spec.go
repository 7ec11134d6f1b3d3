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
		Doc: "A token of the BIFIT Kassa cash-register cloud. Tokens live 12 hours and are refreshed without the password. " +
			"An account with the second factor turned on is brought up once by `credsync login`, which sends the SMS; from then on it is refreshed unattended.",
		Source:       "BIFIT Kassa, \"Авторизация при интеграции по API\"",
		Attributes:   attributes(),
		Check:        check,
		Outputs:      outputs(),
		RotateBefore: "4h",
		Lifetime:     func(schema.Values) time.Duration { return lifetime },
		// The document does not say so, but servers of this kind hand out a new
		// refresh token each time. Taking it for single-use is the safe side.
		RefreshSpends: true,
		New:           newProvider,
	}
}

func attributes() []schema.Attribute {
	return slices.Concat([]schema.Attribute{
		{
			Name: "username", Type: cty.String, Required: true, Sensitive: true, Check: schema.CheckNotEmpty, Effect: schema.ShapesLogin,
			Doc: "The login: a telephone number as eleven digits, `7xxxxxxxxxx`; see `username_format`. It is sent as it is written here. It may come from where the password does, so it is treated as a secret too.",
		},
		{
			Name: "password", Type: cty.String, Sensitive: true, Check: schema.CheckNotEmpty, Effect: schema.ShapesLogin,
			Doc: "The password itself. Only its SHA-256 digest is sent, as the service wants it. Exactly one of `password` and `password_hash` is needed.",
		},
		{
			Name: "password_hash", Type: cty.String, Sensitive: true, Check: checkHash, Effect: schema.ShapesLogin, AddedLater: true,
			Doc: "The SHA-256 digest of the password, where that is what you have: as 64 hexadecimal digits, or as base64 with either alphabet, with or without padding. It is sent in the form that `password_encoding` names, whatever it is written in here. It opens the account as the password does, so it is a secret too.",
		},
		{
			Name: "client_id", Type: cty.String, Sensitive: true, Default: cty.StringVal(publicClient), Check: schema.CheckNotEmpty, Effect: schema.ShapesLogin,
			Doc: "The OAuth client. The documented one is the same for everybody.",
		},
		{
			Name: "client_secret", Type: cty.String, Sensitive: true, Default: cty.StringVal(publicClient), Check: schema.CheckNotEmpty, Effect: schema.ShapesLogin,
			Doc: "The OAuth client's secret. The documented one is the same for everybody.",
		},
		providers.BaseURL("https://kassa.bifit.com/cashdesk-api/v1", "Address of the service."),
	}, interpretations(), providers.TokenReadAttributes("the token's own expiry is all that is checked"))
}

// interpretations are the attributes by which a reading of the document can be
// replaced by another, should the service turn out to mean that.
func interpretations() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "password_encoding", Type: cty.String, Default: cty.StringVal(stdPadded),
			OneOf: encodings(), Effect: schema.ShapesLogin,
			Doc: "How the digest of the password is written in base64: with the standard or the URL alphabet, with or without padding. " +
				"The document says \"base64 urlencoded\"; that this means the standard alphabet, percent-encoded as every form value is, is inferred from public clients. " +
				"Other encodings are never tried by themselves, since each attempt could count as a wrong password.",
		},
		{
			Name: "username_format", Type: cty.String, Default: cty.StringVal(formatPhone), OneOf: []string{formatPhone, formatAny},
			Doc: "What `username` must look like: `phone` is the documented form, eleven digits that begin with 7; `any` takes whatever it is, for an account that logs in by something else. A number in another form, such as `+7…` or `8…`, is refused and not rewritten: credsync sends what the configuration says, and a login with a wrong user name may count towards a lock.",
		},
		{
			Name: "mfa_grant_type", Type: cty.String, Default: cty.StringVal("mfa"), OneOf: []string{"mfa", "password"},
			Doc: "The `grant_type` of a login with a code. The document says `password` in its list and `mfa` in its example; that the example is right is inferred. " +
				"It matters for `credsync login` only, so a change asks for no new token.",
		},
	}
}

func outputs() []schema.Output {
	return []schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."},
		{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true, Doc: "The refresh token. It works once, and credsync uses it itself: whoever else does takes it away from credsync."},
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
		return errors.New("there is no password to log in with: set password, or password_hash to its SHA-256 digest")
	case v.Known("username") && v.Known("username_format") && v.String("username_format") == formatPhone &&
		!phoneForm.MatchString(v.Secret("username").Reveal()):
		return errors.New("username: it is not a telephone number of eleven digits that begins with 7, without +, spaces or dashes. Correct it, or set username_format = \"any\" if the account logs in by something else")
	}
	return providers.CheckTokenRead(v)
}
