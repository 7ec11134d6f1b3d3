// Package agearmor encrypts to age keys and decrypts with them, in armour that
// survives editors and version control. Keys are read in one way wherever they are
// used: one on each line, with comments and empty lines between, as age's own files are.
//
// None of age's errors is passed on, since they can quote the key that they do not like.
package agearmor

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/inputtext"
)

// Header begins what was encrypted, and Footer ends it.
const (
	Header = armor.Header
	Footer = armor.Footer
)

// maxSize of what is decrypted, far above any record.
const maxSize = 16 << 20

// What can be wrong.
var (
	ErrRecipient = errors.New("not an age public key")
	ErrIdentity  = errors.New("not an age secret key")
	ErrEncrypt   = errors.New("cannot be encrypted")
	ErrDecrypt   = errors.New("cannot be decrypted")
)

// Encrypt encrypts to all of the recipients.
func Encrypt(plain []byte, recipients string) ([]byte, error) {
	to, err := age.ParseRecipients(strings.NewReader(inputtext.WithoutBOM(recipients)))
	if err != nil {
		return nil, ErrRecipient
	}
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	w, err := age.Encrypt(armored, to...)
	if err != nil {
		return nil, ErrEncrypt
	}
	_, err = w.Write(plain)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, ErrEncrypt
	}
	return b.Bytes(), nil
}

// Decrypt decrypts with any of the identities.
func Decrypt(armored []byte, identities credential.Secret) ([]byte, error) {
	keys, err := age.ParseIdentities(strings.NewReader(inputtext.WithoutBOM(identities.Reveal())))
	if err != nil {
		return nil, ErrIdentity
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(armored)), keys...)
	if err != nil {
		return nil, ErrDecrypt
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, ErrDecrypt
	}
	return plain, nil
}
