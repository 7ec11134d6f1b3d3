package bifit_kassa

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/credsync/credsync/credential"
)

// Values of the password_encoding attribute.
const (
	stdPadded   = "std_padded"
	stdUnpadded = "std_unpadded"
	urlPadded   = "url_padded"
	urlUnpadded = "url_unpadded"
)

func encodings() []string { return []string{stdPadded, stdUnpadded, urlPadded, urlUnpadded} }

func encodingOf(name string) *base64.Encoding {
	switch name {
	case stdUnpadded:
		return base64.RawStdEncoding
	case urlPadded:
		return base64.URLEncoding
	case urlUnpadded:
		return base64.RawURLEncoding
	}
	return base64.StdEncoding
}

// hashed is what the service takes for a password: the base64 of the 32 bytes
// of its SHA-256 digest, not of the digest's hexadecimal form. It opens the
// account as the password does, so it is as secret.
func hashed(password credential.Secret, encoding string) credential.Secret {
	digest := sha256.Sum256([]byte(password.Reveal()))
	return credential.NewSecret(encodingOf(encoding).EncodeToString(digest[:]))
}
