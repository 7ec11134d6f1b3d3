// Package clientcertificate is the certificate by which an account shows in TLS who it is: the
// block that it stands in, the checks of it, and what its dates say without a request.
package clientcertificate

import (
	"errors"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Keyword is the type of the block.
const Keyword = "certificate"

// Block is its table; doc says what the certificate is.
func Block(doc string) schema.Block {
	return schema.Block{
		Type: Keyword, Doc: doc, Check: check,
		Attributes: []schema.Attribute{
			{
				Name: "cert_pem", Type: cty.String, Sensitive: true, Public: true, Text: schema.Document,
				Effect: schema.ShapesLogin,
				Doc:    "The certificate in PEM, followed by its issuers' certificates if the service needs them, each signed by the next. credsync treats it as a secret too, because it may come from the same source as the key.",
			},
			{
				Name: "key_pem", Type: cty.String, Sensitive: true, Text: schema.Document, Effect: schema.ShapesLogin,
				Doc: "The certificate's private key in PEM: PKCS#8, PKCS#1 or SEC 1, encrypted or not.",
			},
			{
				Name: "key_password", Type: cty.String, Sensitive: true, Effect: schema.ShapesLogin,
				Doc: "The password of an encrypted `key_pem`.",
			},
			{
				Name: "pkcs12_base64", Type: cty.String, Sensitive: true, Text: schema.Document, Effect: schema.ShapesLogin,
				Doc: "A PKCS#12 file (`.p12`, `.pfx`) with the certificate and its key, encoded in base64, such as `filebase64(\"client.p12\")`.",
			},
			{
				Name: "pkcs12_password", Type: cty.String, Sensitive: true, MayBeEmpty: true, Effect: schema.ShapesLogin,
				DefaultText: "none", Doc: "The password of `pkcs12_base64`.",
			},
		},
	}
}

// check wants exactly one form of the certificate, and one that can be used. Whether it is
// valid today is left to Inspect.
func check(v schema.Values) error {
	isPEM, isPKCS12 := v.IsSet("cert_pem") || v.IsSet("key_pem"), v.IsSet("pkcs12_base64")
	switch {
	case isPEM && isPKCS12:
		return errors.New("the certificate is set twice: keep cert_pem and key_pem, or pkcs12_base64")
	case !isPEM && !isPKCS12:
		return errors.New("there is no certificate: set cert_pem and key_pem, or pkcs12_base64")
	case isPEM && (!v.IsSet("cert_pem") || !v.IsSet("key_pem")):
		return errors.New("cert_pem and key_pem belong together: set both")
	case isPKCS12 && v.IsSet("key_password"):
		return errors.New("the argument key_password is for key_pem; the password of pkcs12_base64 is pkcs12_password")
	case isPEM && v.IsSet("pkcs12_password"):
		return errors.New("the argument pkcs12_password is for pkcs12_base64; the password of key_pem is key_password")
	case !v.AllKnown():
		return nil
	}
	_, err := load(v)
	return err
}

// CheckBaseURL refuses an account whose certificate would never be presented.
func CheckBaseURL(v schema.Values) error {
	if len(v.Nested(Keyword)) > 0 && strings.HasPrefix(strings.ToLower(v.String("base_url")), "http:") {
		return errors.New("a client certificate works only with an https:// address; correct base_url")
	}
	return nil
}

// Secrets are what no message may repeat of an account's certificate: the passwords of its
// key. The key itself is never sent.
func Secrets(v schema.Values) (secrets []credential.Secret) {
	for _, block := range v.Nested(Keyword) {
		for _, name := range []string{"key_password", "pkcs12_password"} {
			if s := block.Secret(name); !s.IsZero() {
				secrets = append(secrets, s)
			}
		}
	}
	return secrets
}
