package providertest

import (
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/golang-jwt/jwt/v5"
	"github.com/zclconf/go-cty/cty"
)

// WithOp sets the operation of all cases.
func WithOp(op string, list []Case) []Case {
	for i := range list {
		list[i].Op = op
	}
	return list
}

// Change makes an Arrange that changes an account at its upstream.
func Change(upstream, account string, f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
	return func(_ *testing.T, s *sandbox.Sandbox) { s.Update(upstream, account, f) }
}

// Set is one attribute with a string for its value.
func Set(name, value string) map[string]cty.Value {
	return map[string]cty.Value{name: cty.StringVal(value)}
}

// JWT is a token that claims to expire then.
func JWT(t *testing.T, expires time.Time) string {
	t.Helper()
	claims := jwt.MapClaims{"exp": expires.Unix()}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Answer makes an Arrange that has the upstream answer the next operation op
// with a status and a JSON body.
func Answer(status int, body string) func(*testing.T, *sandbox.Sandbox) {
	return Fault(sandbox.Fault{Kind: sandbox.Status, Status: status, Body: body})
}

// Fault makes an Arrange that sets a fault for all operations that follow.
func Fault(f sandbox.Fault) func(*testing.T, *sandbox.Sandbox) {
	return func(t *testing.T, s *sandbox.Sandbox) {
		t.Helper()
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
}
