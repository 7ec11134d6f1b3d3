package providers

import (
	"errors"

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
