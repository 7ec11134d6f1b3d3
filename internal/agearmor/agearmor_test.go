package agearmor_test

import (
	"errors"
	"testing"

	"filippo.io/age"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/agearmor"
)

func TestKeysAreReadAsAgesOwnFiles(t *testing.T) {
	a, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, recipients := range map[string]string{
		"one":              a.Recipient().String(),
		"with a line end":  a.Recipient().String() + "\n",
		"with a comment":   "# operations\n" + a.Recipient().String() + "\n\n",
		"several":          "\ufeff# ours\r\n" + b.Recipient().String() + "\r\n" + a.Recipient().String() + "\r\n",
		"the other's last": a.Recipient().String() + "\n" + b.Recipient().String(),
	} {
		armored, err := agearmor.Encrypt([]byte("token"), recipients)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		plain, err := agearmor.Decrypt(armored, credential.NewSecret("# created: today\n"+a.String()+"\n"))
		if err != nil || string(plain) != "token" {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	if _, err := agearmor.Encrypt(nil, a.String()); !errors.Is(err, agearmor.ErrRecipient) ||
		err.Error() != agearmor.ErrRecipient.Error() {
		t.Errorf("a secret key as recipient: %v", err)
	}
	armored, _ := agearmor.Encrypt([]byte("token"), a.Recipient().String())
	if _, err := agearmor.Decrypt(armored, credential.NewSecret(b.String())); !errors.Is(err, agearmor.ErrDecrypt) {
		t.Errorf("another key: %v", err)
	}
	if _, err := agearmor.Decrypt(armored, credential.NewSecret("x")); !errors.Is(err, agearmor.ErrIdentity) {
		t.Errorf("no key: %v", err)
	}
}
