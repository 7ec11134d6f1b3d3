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
			// A provider in Go quotes a name of the answer, a description one of its own.
			warnings := strings.NewReplacer(`"`, " ").Replace(strings.Join(append([]string{""}, token.Warnings...), " "))
			named := strings.Contains(warnings, " "+field+" ")
			wrong := (field != "") != (len(token.Warnings) > 0) || field != "" && !named
			why, listed := target.NotSaid[body]
			switch {
			case listed && !wrong:
				t.Error("this comes out as documented, so NotSaid must not list it")
			case !listed && wrong:
				t.Errorf("the warnings are %q, and should name %q", token.Warnings, field)
			}
			for name, value := range token.Outputs {
				if text, ok := value.(string); ok && strings.ContainsRune(text, '\ufffd') {
					t.Errorf("the output %s has replaced characters: %q", name, text)
				}
			}
			if listed {
				t.Skip(why)
			}
		})
	}
}
