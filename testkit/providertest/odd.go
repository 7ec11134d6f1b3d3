package providertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/sandbox"
)

// testOdd tries answers with something odd beside the token: it is never thrown away
// for that.
func testOdd(t *testing.T, target Target) {
	for body, field := range target.Odd {
		t.Run(body, func(t *testing.T) {
			h := New(t, target)
			Answer(http.StatusOK, body)(t, h.Sandbox)
			token, err := h.Do(t.Context(), sandbox.OpLogin, h.prepare(t, sandbox.OpLogin))
			if err != nil {
				t.Fatal(err)
			}
			if token.Access.IsZero() || token.ExpiresAt.IsZero() {
				t.Errorf("there is no token, or no end of one: %+v", token)
			}
			named := strings.Contains(strings.Join(token.Warnings, " "), `"`+field+`"`)
			if (field != "") != (len(token.Warnings) > 0) || field != "" && !named {
				t.Errorf("the warnings are %q, and should name %q", token.Warnings, field)
			}
			for name, value := range token.Outputs {
				if text, ok := value.(string); ok && strings.ContainsRune(text, '\ufffd') {
					t.Errorf("the output %s has replaced characters: %q", name, text)
				}
			}
		})
	}
}
