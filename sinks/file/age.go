package file

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/credsync/credsync/schema"
)

// The errors of package age can quote the key they do not like, so none of
// them is passed on.
var (
	errAgePair      = errors.New("age_recipient and age_identity belong together: set both to encrypt the state, or neither")
	errAgeRecipient = errors.New("age_recipient: it is not an age public key, which begins with \"age1\"; age-keygen prints one")
	errAgeIdentity  = errors.New("age_identity: it is not an age secret key, which begins with \"AGE-SECRET-KEY-\"; age-keygen prints one")
	errAgeMismatch  = errors.New("age_identity cannot decrypt what is encrypted to age_recipient, so the state could never be read back: use the two halves of one key pair")
	errAgeMissing   = errors.New("it is encrypted with age, but the state block has no age_identity; set age_recipient and age_identity to those it was written with")
	errAgeDecrypt   = errors.New("age_identity does not decrypt it: it was encrypted to another key, or it is damaged")
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
	if !encrypted(v) || !v.Known("age_recipient") || !v.Known("age_identity") {
		return nil
	}
	probe, err := encrypt(v, []byte("probe"))
	if err != nil {
		return err
	}
	if _, err := age.ParseIdentities(strings.NewReader(v.Secret("age_identity").Reveal())); err != nil {
		return errAgeIdentity
	}
	if _, err := decrypt(v, probe); err != nil {
		return errAgeMismatch
	}
	return nil
}

// encrypt encrypts a state file, in armour so that it survives editors and
// version control. Without a key pair the content stays as it is.
func encrypt(v schema.Values, content []byte) ([]byte, error) {
	if !encrypted(v) {
		return content, nil
	}
	recipients, err := age.ParseRecipients(strings.NewReader(v.String("age_recipient")))
	if err != nil {
		return nil, errAgeRecipient
	}
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	w, err := age.Encrypt(armored, recipients...)
	if err != nil {
		return nil, errAgeEncrypt
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, errAgeEncrypt
	}
	return b.Bytes(), nil
}

// decrypt decrypts a state file. One in clear is read as it is, since a key
// pair may have been added after it was written; the next write encrypts it.
func decrypt(v schema.Values, content []byte) ([]byte, error) {
	if !isState(v) || !bytes.HasPrefix(content, []byte(armor.Header)) {
		return content, nil
	}
	if !encrypted(v) {
		return nil, errAgeMissing
	}
	identities, err := age.ParseIdentities(strings.NewReader(v.Secret("age_identity").Reveal()))
	if err != nil {
		return nil, errAgeIdentity
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(content)), identities...)
	if err != nil {
		return nil, errAgeDecrypt
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, errAgeDecrypt
	}
	return plain, nil
}
