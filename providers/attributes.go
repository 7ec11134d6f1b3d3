package providers

import (
	"errors"
	"regexp"
	"strings"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// BaseURL is the base_url attribute of an upstream. Without a default it must be
// set.
func BaseURL(byDefault, doc string) schema.Attribute {
	a := schema.Attribute{
		Name: "base_url", Type: cty.String, Endpoint: true, Doc: doc,
		Check: upstream.CheckBaseURL, Effect: schema.ShapesLogin,
	}
	if a.Required = byDefault == ""; !a.Required {
		a.Default = cty.StringVal(byDefault)
	}
	return a
}

// CheckDigits is the Check of an identifier of decimal digits, which may be more
// than a number can hold. The message is that of its error.
func CheckDigits(message string) func(cty.Value) error {
	return func(v cty.Value) error {
		if !upstream.Digits(v.AsString()) {
			return errors.New(message)
		}
		return nil
	}
}

var pathForm = regexp.MustCompile(`^(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?$`)

// CheckPath is the Check of a path below a base_url, which is sent as it is
// written: nothing in it needs encoding, and no part of it leads up or elsewhere.
func CheckPath(v cty.Value) error {
	s := v.AsString()
	if !pathForm.MatchString(s) || strings.Contains(s+"/", "/../") || strings.Contains(s+"/", "/./") {
		return errors.New("a path starts with / and has no query, fragment or spaces, such as \"/path/to/it\"")
	}
	return nil
}
