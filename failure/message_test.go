package failure

import (
	"errors"
	"fmt"
	"testing"
)

func TestAnErrorSaysWhatWhereAndWhy(t *testing.T) {
	reset := errors.New("connection reset")
	for _, c := range []struct {
		e            Error
		error, cause string
	}{
		{Error{Op: LogIn}, "cannot log in", "cannot log in"},
		{Error{Op: LogIn, URL: "https://h"}, "cannot log in at https://h", "cannot log in at https://h"},
		{Error{Op: LogIn, URL: "https://h", Status: 401, Message: "no such user."}, "cannot log in at https://h: HTTP 401: no such user.", "HTTP 401: no such user, at https://h"},
		{Error{Op: LogIn, Status: 500}, "cannot log in: HTTP 500", "HTTP 500"},
		{Error{Op: LogIn, Message: "no answer", Err: reset}, "cannot log in: no answer: connection reset", "no answer: connection reset"},
		{Error{Op: LogIn, URL: "https://h", Err: reset}, "cannot log in at https://h: connection reset", "connection reset, at https://h"},
	} {
		if got := c.e.Error(); got != c.error {
			t.Errorf("%q, want %q", got, c.error)
		}
		if got := c.e.Cause(); got != c.cause {
			t.Errorf("the cause is %q, want %q", got, c.cause)
		}
		if !errors.Is(&c.e, reset) == (c.e.Err != nil) {
			t.Errorf("%q hides its cause, or has one", c.error)
		}
	}
}

func TestAnErrorWithoutAClassIsTheServers(t *testing.T) {
	for want, err := range map[Class]error{Server: errors.New("odd"),
		Credentials: fmt.Errorf("wrapped: %w", &Error{Class: Credentials})} {
		if got := ClassOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
