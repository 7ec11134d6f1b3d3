// Package invoicebox provides tokens of the Invoicebox billing service.
//
// There is no login: the token is made in the service's account pages and
// given in the configuration. What this package adds is the check that it
// works, before anything that relies on it gets it.
//
// Protocol: the service's "Авторизация" page; the l3 prefix of the path, the
// default address and the request limit are those of its public documentation.
package invoicebox

import (
	"errors"
	"regexp"
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
		Name:       "invoicebox",
		Doc:        "A static token of the Invoicebox billing service. credsync checks it before it delivers it, and at each plan.",
		Source:     "Invoicebox, \"Авторизация\"",
		Attributes: attributes(),
		Check:      check,
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token, as configured."},
			{Name: "api_version", Type: cty.String, Doc: "The API version that the token is for: `v3` or `l3`."},
			{Name: "user_id", Type: cty.String, Doc: "The user that the token belongs to, as the service reports."},
			{Name: "merchant_id", Type: cty.String, Doc: "The configured `merchant_id`."},
		},
		Static:     true,
		Limit:      upstream.Limit{Requests: 100, Per: 30 * time.Second},
		OwnHeaders: []string{"Authorization"},
		New:        newProvider,
	}
}

func attributes() []schema.Attribute {
	return []schema.Attribute{
		{
			Name: "token", Type: cty.String, Required: true, Sensitive: true,
			Check: checkToken, Effect: schema.ShapesLogin,
			Doc: "The token from the service's account pages: hexadecimal digits (v3), or `<digits>-API:<hexadecimal digits>` (l3).",
		},
		providers.BaseURL("https://api.invoicebox.ru", "Address of the service."),
		{
			Name: "api_version", Type: cty.String, Default: cty.StringVal(auto),
			OneOf: []string{auto, "v3", "l3"}, Effect: schema.ShapesLogin,
			Doc: "The API version that the token is for. `auto` derives it from the token's format.",
		},
		{
			Name: "merchant_id", Type: cty.String, Effect: schema.ShapesToken,
			Doc: "The shop's identifier, delivered to targets along with the token.",
		},
		{
			Name: "user_agent", Type: cty.String, DefaultText: "`credsync/<version>`", Check: checkUserAgent,
			Doc: "The `User-Agent` header, which the service expects to name the caller, such as `MyApp/1.0` or `MyApp 1.0`.",
		},
		{
			Name: "remind_after", Type: cty.String, Check: schema.CheckDuration,
			Doc: "How long after its first use `plan` starts to warn that the token is due for replacement, such as `\"90d\"`. Without it there is no warning.",
		},
	}
}

const auto = "auto"

// The documented shapes. Nothing says how many digits there are.
var (
	shapeV3 = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
	shapeL3 = regexp.MustCompile(`^[0-9]+-API:[0-9A-Fa-f]+$`)
)

// shape returns the version that the token looks like; "" for neither.
func shape(token credential.Secret) string {
	switch {
	case shapeV3.MatchString(token.Reveal()):
		return "v3"
	case shapeL3.MatchString(token.Reveal()):
		return "l3"
	}
	return ""
}

func checkToken(v cty.Value) error {
	token := credential.NewSecret(v.AsString())
	if !upstream.HeaderSafe(token) {
		return errors.New("the token contains spaces, line breaks or non-ASCII characters; if it comes from a file, wrap it in trimspace()")
	}
	return nil
}

// checkUserAgent lets through whatever a header can hold: the service's document itself
// has a form with a slash and one without.
func checkUserAgent(v cty.Value) error {
	s := v.AsString()
	if strings.TrimSpace(s) != s || s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("a User-Agent consists of visible ASCII characters, with spaces only between them, such as \"MyApp/1.0\"")
	}
	return nil
}

// check compares the token with the pinned version. A token of an unknown
// shape is let through if the version is pinned: whoever pins it may know a
// newer shape than we do.
func check(v schema.Values) error {
	if !v.Known("token") || !v.Known("api_version") {
		return nil
	}
	looksLike, pinned := shape(v.Secret("token")), v.String("api_version")
	switch {
	case pinned == auto && looksLike == "":
		return errors.New("the token has neither the format of v3 (hexadecimal digits) nor that of l3 (\"<digits>-API:<hexadecimal digits>\"); check that it was copied completely, or set api_version")
	case pinned != auto && looksLike != "" && looksLike != pinned:
		return errors.New("api_version is \"" + pinned + "\", but the token has the format of " + looksLike + "; correct the one that is wrong, or remove api_version")
	}
	return nil
}
