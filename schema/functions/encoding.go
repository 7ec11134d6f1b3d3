package functions

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func md5Sum(b []byte) []byte    { s := md5.Sum(b); return s[:] }
func sha1Sum(b []byte) []byte   { s := sha1.Sum(b); return s[:] }
func sha256Sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
func sha512Sum(b []byte) []byte { s := sha512.Sum512(b); return s[:] }

// encodeBase64URL leaves the padding out, as JOSE does.
func encodeBase64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func encodeHex(b []byte) string    { return hex.EncodeToString(b) }
func encodeBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func encodeURL(b []byte) string    { return url.QueryEscape(string(b)) }

func hashFunc(sum func([]byte) []byte, encode func([]byte) string) function.Function {
	return textFunc(func(b []byte) string { return encode(sum(b)) })
}

// hmacFunc is a keyed hash of a text (RFC 2104).
func hmacFunc(description string, hash func() hash.Hash, encode func([]byte) string) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{stringParam("text"), stringParam("key")},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			mac := hmac.New(hash, []byte(args[1].AsString()))
			mac.Write([]byte(args[0].AsString()))
			return cty.StringVal(encode(mac.Sum(nil))), nil
		},
	})
}

var (
	hmacSHA1Func         = hmacFunc("The HMAC-SHA1 of a text, in lower-case hexadecimal digits.", sha1.New, encodeHex)
	hmacSHA256Func       = hmacFunc("The HMAC-SHA256 of a text, in lower-case hexadecimal digits.", sha256.New, encodeHex)
	base64HMACSHA256Func = hmacFunc("The HMAC-SHA256 of a text, in standard base64.", sha256.New, encodeBase64)
)

var base64URLEncodeFunc = function.New(&function.Spec{
	Description: "The text in base64url (RFC 4648, section 5), without padding, as in a JWT.",
	Params:      []function.Parameter{stringParam("text")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.StringVal(encodeBase64URL([]byte(args[0].AsString()))), nil
	},
})

// The errors of the decoders do not repeat what was decoded, unlike those of
// the standard library.
var (
	errBase64 = errors.New("not valid base64 in the standard alphabet with padding")
	errURL    = errors.New("not valid percent-encoding")
)

// decodedRefusal says what is wrong with a text that was decoded.
func decodedRefusal(fault error) error { return Refusal("the decoded text " + fault.Error()) }

var base64DecodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{stringParam("str")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		b, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.UnknownVal(cty.String), function.NewArgError(0, errBase64)
		}
		text, err := inputtext.Decode(b)
		if err != nil {
			return cty.UnknownVal(cty.String), decodedRefusal(err)
		}
		return cty.StringVal(text), nil
	},
})

var urlDecodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{stringParam("str")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, err := url.QueryUnescape(args[0].AsString())
		if err != nil {
			return cty.UnknownVal(cty.String), function.NewArgError(0, errURL)
		}
		if err := inputtext.Check(s); err != nil {
			return cty.UnknownVal(cty.String), decodedRefusal(err)
		}
		return cty.StringVal(s), nil
	},
})
