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
	"strings"
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
	return append([]schema.Attribute{
		{
			Name: "username", Type: cty.String, Required: true, Sensitive: true, Public: true, Check: checkUsername, Effect: schema.ShapesLogin,
			Doc: "The login: a telephone number as eleven digits, `7xxxxxxxxxx`. It may come from where the password does, so it is treated as a secret too.",
		},
		{
			Name: "password", Type: cty.String, Required: true, Sensitive: true, Effect: schema.ShapesLogin,
			Doc: "The password in clear. Only its SHA-256 digest is sent, as the service wants it.",
		},
		{
			Name: "client_id", Type: cty.String, Sensitive: true, Public: true, Default: cty.StringVal(publicClient), Effect: schema.ShapesLogin,
			Doc: "The OAuth client. The documented one is the same for everybody.",
		},
		{
			Name: "client_secret", Type: cty.String, Sensitive: true, Default: cty.StringVal(publicClient), Effect: schema.ShapesLogin,
			Doc: "The OAuth client's secret. The documented one is the same for everybody.",
		},
		providers.BaseURL("https://kassa.bifit.com/cashdesk-api/v1", "Address of the service."),
	}, interpretations()...)
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
			Name: "mfa_grant_type", Type: cty.String, Default: cty.StringVal("mfa"), OneOf: []string{"mfa", "password"},
			Doc: "The `grant_type` of a login with a code. The document says `password` in its list and `mfa` in its example; that the example is right is inferred. " +
				"It matters for `credsync login` only, so a change asks for no new token.",
		},
		{
			Name: "verify_path", Type: cty.String, Check: checkPath,
			DefaultText: "none: the token's own expiry is all that is checked",
			Doc: "Path below `base_url` of something that only a good token may read and that answers JSON. A GET of it verifies every token. " +
				"The document names no such path.",
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

var usernameForm = regexp.MustCompile(`^7[0-9]{10}$`)

func checkUsername(v cty.Value) error {
	if !usernameForm.MatchString(v.AsString()) {
		return errors.New("the username is a telephone number of eleven digits that begins with 7, without +, spaces or dashes")
	}
	return nil
}

var pathForm = regexp.MustCompile(`^(?:/[A-Za-z0-9._~-]+)+$`)

func checkPath(v cty.Value) error {
	s := v.AsString()
	if !pathForm.MatchString(s) || strings.Contains(s+"/", "/../") || strings.Contains(s+"/", "/./") {
		return errors.New("a path starts with / and has neither a query nor a fragment, such as \"/path/to/read\"")
	}
	return nil
}
