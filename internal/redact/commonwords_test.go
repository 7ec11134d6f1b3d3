package redact

import (
	"testing"

	"github.com/credsync/credsync/credential"
)

// A login that is a word of every message hides none; whatever else of a secret is in a
// text does.
func TestCommonWordsHideNothing(t *testing.T) {
	for _, tt := range []struct {
		text, secret string
		found        bool
	}{
		{"invalid login or password", "login", false},
		{"The user test is not known.", "test", false},
		{"bad password", "password", false},
		{"No such BUSINESS account", "business_user@example.com", false},
		{"Неверный логин или пароль", "логин", false},
		{"no account business_user@example.com", "business_user@example.com", true},
		{"no account business_user", "business_user@example.com", true},
		{"the password password1 is wrong", "password1", true},
		{"you sent test login", "test login", true},
		{"you sent login-test", "login-test", true},
		{`{"login":"hunter2"}`, "hunter2", true},
		{"dGVzdA== is not a password", "test", false}, // shorter than a piece: chance
		{"code 3021 is wrong", "3021", true},
		{"wrong: tesT1ng", "tesT1ng", true},
	} {
		if got := ContainsSecret(tt.text, credential.NewSecret(tt.secret)); got != tt.found {
			t.Errorf("%q with %q: %t", tt.text, tt.secret, got)
		}
	}
}
