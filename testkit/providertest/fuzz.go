package providertest

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/output"
	"github.com/zclconf/go-cty/cty"
)

// Fuzz feeds a provider's decoder of an operation's answers. old is the token
// that a refresh or a verification starts from; seeds are good answers.
func Fuzz(f *testing.F, target Target, op string, old credential.Token, seeds ...string) {
	for _, seed := range seeds {
		for _, status := range []int{200, 400, 401, 404} {
			f.Add(status, seed)
		}
	}
	for _, h := range hostile {
		if len(h.body) < 1000 {
			f.Add(200, h.body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		attrs := maps.Clone(target.Attributes)
		attrs["base_url"] = cty.StringVal("http://127.0.0.1:1")
		answers := &Canned{Status: status, ContentType: "application/json", Body: body}
		p, err := target.Spec.New(schema.NewValues(target.Spec.Block(), "", attrs, nil), answers.Env())
		if err != nil {
			t.Fatal(err)
		}
		h := &Harness{Provider: p, target: target, log: &output.Buffer{}}
		token, err := h.Do(t.Context(), op, old)
		var e *failure.Error
		switch {
		case err == nil && token.Access.IsZero():
			t.Error("success without a token")
		case err == nil && token.Outputs.Check() != nil:
			t.Error(token.Outputs.Check())
		case err != nil && !errors.As(err, &e):
			t.Errorf("the error is a %T", err)
		case err != nil && e.Class == failure.Credentials && status < 400 && !strings.Contains(body, "401"):
			t.Error("a good status was taken for rejected credentials")
		}
		if err != nil {
			h.checkHidden(t, err, credential.Token{})
		}
	})
}
