package functions

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func md5Sum(b []byte) []byte    { s := md5.Sum(b); return s[:] }
func sha1Sum(b []byte) []byte   { s := sha1.Sum(b); return s[:] }
func sha256Sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
func sha512Sum(b []byte) []byte { s := sha512.Sum512(b); return s[:] }

func encodeHex(b []byte) string    { return hex.EncodeToString(b) }
func encodeBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func encodeURL(b []byte) string    { return url.QueryEscape(string(b)) }

func hashFunc(sum func([]byte) []byte, encode func([]byte) string) function.Function {
	return textFunc(func(b []byte) string { return encode(sum(b)) })
}

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
