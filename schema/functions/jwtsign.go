package functions

import (
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/pemkey"
	"github.com/golang-jwt/jwt/v5"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// algorithms are those of jwtsign. golang-jwt knows one more, "none".
var algorithms = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
}

const (
	errClaimsKind  Refusal = "claims must be an object"
	errHeadersKind Refusal = "headers must be an object, and there can be only one"
	errHeaderAlg   Refusal = "headers must not contain alg: it is the third argument"
	errSharedKey   Refusal = "an algorithm that begins with HS needs a shared secret as text, but key_pem is empty or PEM"
	errKeyFit      Refusal = "key_pem does not fit the algorithm: RS and PS need an RSA key of at least 1024 bits, ES256 a key on " +
		"the curve P-256, ES384 on P-384, ES512 on P-521, EdDSA an Ed25519 key"
	errInfinite Refusal = "claims and headers must not contain infinite numbers"
)

// jwtSignFunc makes a signed JWT (RFC 7519). Claims and headers are encoded by cty, which
// writes each number exactly.
var jwtSignFunc = secretResult(&function.Spec{
	Description: "A JWT with these claims, an object, signed with a private key (PEM: PKCS #8, PKCS #1 or SEC 1) or, for HS256, " +
		"HS384 and HS512, with a shared secret. The algorithm is one of `" + strings.Join(algorithms, "`, `") + "`. A fourth " +
		"argument, an object, adds headers, such as `{ kid = \"…\" }`; one that is null is left out, `typ` too. The result is sensitive.",
	Params:   []function.Parameter{{Name: "claims", Type: cty.DynamicPseudoType}, stringParam("key_pem"), stringParam("alg")},
	VarParam: &function.Parameter{Name: "headers", Type: cty.DynamicPseudoType},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !isObject(args[0]) {
			return cty.NilType, errClaimsKind
		}
		if len(args) > 4 || len(args) == 4 && !isObject(args[3]) {
			return cty.NilType, errHeadersKind
		}
		return cty.String, nil
	},
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		for _, arg := range args {
			if !arg.IsWhollyKnown() {
				return cty.UnknownVal(want), nil
			}
		}
		headers := map[string]cty.Value{"typ": cty.StringVal("JWT")}
		for _, more := range args[3:] {
			for name, v := range more.AsValueMap() {
				if headers[name] = v; v.IsNull() {
					delete(headers, name)
				}
			}
		}
		token, err := jwtSign(args[0], headers, args[1].AsString(), args[2].AsString())
		return cty.StringVal(token), err
	},
})

func isObject(v cty.Value) bool { return v.Type().IsObjectType() || v.Type().IsMapType() }

func jwtSign(claims cty.Value, headers map[string]cty.Value, key, alg string) (string, error) {
	if !slices.Contains(algorithms, alg) {
		return "", Refusal("alg must be one of " + strings.Join(algorithms, ", "))
	}
	if _, ok := headers["alg"]; ok {
		return "", errHeaderAlg
	}
	headers["alg"] = cty.StringVal(alg)
	header := cty.ObjectVal(headers)
	signer, err := signingKey(key, alg)
	if err != nil {
		return "", err
	}
	head, err := ctyjson.Marshal(header, header.Type())
	if err != nil {
		return "", errInfinite
	}
	body, err := ctyjson.Marshal(claims, claims.Type())
	if err != nil {
		return "", errInfinite
	}
	return sign(head, body, signer, alg)
}

// signingKey is a key in the form in which golang-jwt takes it.
func signingKey(text, alg string) (any, error) {
	if strings.HasPrefix(alg, "HS") {
		if text == "" || strings.Contains(text, "-----BEGIN ") {
			return nil, errSharedKey
		}
		return []byte(text), nil
	}
	key, err := pemkey.ParsePrivateKey(text)
	if err != nil {
		return nil, Refusal("key_pem cannot be used: " + err.Error())
	}
	return key, nil
}

// sign returns the compact form of a JWS (RFC 7515, section 7.1).
func sign(header, payload []byte, key any, alg string) (string, error) {
	input := encodeBase64URL(header) + "." + encodeBase64URL(payload)
	signature, err := jwt.GetSigningMethod(alg).Sign(input, key)
	if err != nil {
		return "", errKeyFit
	}
	return input + "." + encodeBase64URL(signature), nil
}
