package bifit_kassa

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/credsync/credsync/credential"
	"github.com/zclconf/go-cty/cty"
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

// digestOf is what the service wants to know of a password: the SHA-256 of its
// bytes. It opens the account as the password does, so it is as secret.
func digestOf(password credential.Secret) credential.Secret {
	digest := sha256.Sum256([]byte(password.Reveal()))
	return credential.NewSecret(string(digest[:]))
}

// parseDigest reads a digest that somebody else has made: as 64 hexadecimal
// digits, or in any of the encodings. These cannot be taken for each other: what
// is one of them has another length in every other.
func parseDigest(text credential.Secret) (credential.Secret, bool) {
	decoders := []func(string) ([]byte, error){hex.DecodeString}
	for _, name := range encodings() {
		decoders = append(decoders, encodingOf(name).Strict().DecodeString)
	}
	for _, decode := range decoders {
		if digest, err := decode(text.Reveal()); err == nil && len(digest) == sha256.Size {
			return credential.NewSecret(string(digest)), true
		}
	}
	return credential.Secret{}, false
}

func checkHash(v cty.Value) error {
	if _, ok := parseDigest(credential.NewSecret(v.AsString())); !ok {
		return errors.New("use the SHA-256 digest of the password, as 64 hexadecimal digits or as base64 of its 32 bytes (43 characters, or 44 with a = at the end)")
	}
	return nil
}

// sent is what the service takes for a password: the base64 of the digest's 32
// bytes, not of its hexadecimal form.
func sent(digest credential.Secret, encoding string) credential.Secret {
	return credential.NewSecret(encodingOf(encoding).EncodeToString([]byte(digest.Reveal())))
}
