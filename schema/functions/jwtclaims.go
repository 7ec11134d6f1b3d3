package functions

import (
	"encoding/base64"
	"strings"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

const (
	errNotJWT    Refusal = "it is not a JWT: a JWT has three parts with dots between them, the second of which is base64url"
	errEncrypted Refusal = "it is an encrypted JWT (JWE), whose claims only its recipient can read"
	errClaims    Refusal = "the claims of the JWT are not a JSON object"
)

// jwtClaimsFunc returns the claims of a JWT (RFC 7519). The errors of the decoders, which
// quote what they read, are not passed on.
var jwtClaimsFunc = function.New(&function.Spec{
	Description: "The claims of a JWT, as an object. The signature is not verified, so they are what the token " +
		"says of itself.",
	Params: []function.Parameter{stringParam("token")},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !args[0].IsKnown() {
			return cty.DynamicPseudoType, nil
		}
		claims, err := jwtClaims(args[0].AsString())
		return claims.Type(), err
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return jwtClaims(args[0].AsString())
	},
})

func jwtClaims(token string) (cty.Value, error) {
	switch strings.Count(token, ".") {
	case 2:
	case 4:
		return cty.DynamicVal, errEncrypted
	default:
		return cty.DynamicVal, errNotJWT
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.Split(token, ".")[1], "="))
	if err != nil {
		return cty.DynamicVal, errNotJWT
	}
	if err := inputtext.Check(string(b)); err != nil {
		return cty.DynamicVal, decodedRefusal(err)
	}
	text, err := checkJSON(string(b))
	if err != nil {
		return cty.DynamicVal, err
	}
	claims, err := stdlib.JSONDecode(cty.StringVal(text))
	if err != nil || !claims.Type().IsObjectType() || claims.IsNull() {
		return cty.DynamicVal, errClaims
	}
	return claims, nil
}
