package file

import (
	"bytes"
	"errors"

	"github.com/credsync/credsync/internal/agearmor"
	"github.com/credsync/credsync/schema"
)

// None of these quotes a key.
var (
	errAgePair      = errors.New("age_recipient and age_identity belong together: set both to encrypt the state, or neither")
	errAgeRecipient = errors.New("age_recipient: not an age public key, which begins with \"age1\"; create a key pair with age-keygen")
	errAgeIdentity  = errors.New("age_identity: not an age secret key, which begins with \"AGE-SECRET-KEY-\"; create a key pair with age-keygen")
	errAgeMismatch  = errors.New("age_identity cannot decrypt data encrypted to age_recipient, so the state could not be read back: use the public and the secret key of one key pair")
	errAgeMissing   = errors.New("it is encrypted with age, but the state block has no age_identity; set age_recipient and age_identity to the key pair that it was written with")
	errAgeDecrypt   = errors.New("age_identity does not decrypt it: it was encrypted to another key or is damaged")
	errAgeEncrypt   = errors.New("it cannot be encrypted with age_recipient")
)

func isState(v schema.Values) bool { return has(v, "age_identity") }

func encrypted(v schema.Values) bool { return isState(v) && v.IsSet("age_identity") }

// checkAge is the state block's check. It tries the pair out: a recipient whose
// secret key is lost would lose every token.
func checkAge(v schema.Values) error {
	if v.IsSet("age_recipient") != v.IsSet("age_identity") {
		return errAgePair
	}
	if !v.Known("age_recipient") || !v.Known("age_identity") {
		return nil
	}
	probe, err := encrypt(v, []byte("probe"))
	if err != nil {
		return err
	}
	_, err = decrypt(v, probe)
	switch {
	case errors.Is(err, errAgeIdentity):
		return err
	case err != nil:
		return errAgeMismatch
	}
	return nil
}

// encrypt encrypts a state file. Without a key pair the content stays as it is.
func encrypt(v schema.Values, content []byte) ([]byte, error) {
	if !encrypted(v) {
		return content, nil
	}
	armored, err := agearmor.Encrypt(content, v.String("age_recipient"))
	switch {
	case errors.Is(err, agearmor.ErrRecipient):
		return nil, errAgeRecipient
	case err != nil:
		return nil, errAgeEncrypt
	}
	return armored, nil
}

// decrypt decrypts a state file. One in plain text is read as it is, since a key
// pair may have been added after it was written; the next write encrypts it.
func decrypt(v schema.Values, content []byte) ([]byte, error) {
	if !isState(v) || !bytes.HasPrefix(content, []byte(agearmor.Header)) {
		return content, nil
	}
	if !encrypted(v) {
		return nil, errAgeMissing
	}
	plain, err := agearmor.Decrypt(content, v.Secret("age_identity"))
	switch {
	case errors.Is(err, agearmor.ErrIdentity):
		return nil, errAgeIdentity
	case err != nil:
		return nil, errAgeDecrypt
	}
	return plain, nil
}
