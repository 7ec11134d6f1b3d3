package failure_test

import (
	"errors"
	"testing"

	"github.com/credsync/credsync/failure"
)

// "Log in at https://…: HTTP 401" was read as what to do.
func TestErrorsAreNotReadAsInstructions(t *testing.T) {
	for want, err := range map[string]*failure.Error{
		"cannot log in at https://bank.example/token: HTTP 401: wrong password": {Op: "log in", URL: "https://bank.example/token", Status: 401, Message: "wrong password"},
		"cannot refresh the token: no route to host":                            {Op: "refresh the token", Err: errors.New("no route to host")},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
