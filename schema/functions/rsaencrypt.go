package functions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/pemkey"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// rsaEncryptFunc encrypts with a public key. Whoever repeats its result to the upstream
// logs in, so that is a secret too.
var rsaEncryptFunc = secretResult(&function.Spec{
	Description: "The text encrypted with an RSA public key (PEM: a public key or a certificate), in standard base64. " +
		"The padding is one of `" + strings.Join(pemkey.PaddingNames(), "`, `") + "`. The result is sensitive.",
	Params: []function.Parameter{stringParam("text"), stringParam("public_key_pem"), stringParam("padding")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, err := rsaEncrypt(args[0].AsString(), args[1].AsString(), args[2].AsString())
		return cty.StringVal(text), err
	},
})

func rsaEncrypt(text, publicKey, padding string) (string, error) {
	if !slices.Contains(pemkey.PaddingNames(), padding) {
		return "", Refusal("padding must be one of " + strings.Join(pemkey.PaddingNames(), ", "))
	}
	key, err := pemkey.ParseRSAPublicKey(publicKey)
	if err != nil {
		return "", Refusal("public_key_pem cannot be used: " + err.Error())
	}
	p := pemkey.PaddingOf(padding, "")
	// How long the text is may say something of a password.
	if room := key.Room(p); len(text) > room {
		return "", Refusal(fmt.Sprintf("the public key has %d bits, so with the padding %s it encrypts at most %d bytes, "+
			"but the text is longer", key.N.BitLen(), padding, max(room, 0)))
	}
	ciphertext, err := key.Encrypt(p, []byte(text))
	if err != nil {
		return "", Refusal("public_key_pem cannot be used: " + err.Error())
	}
	return encodeBase64(ciphertext), nil
}
