package lockout

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/upstreams"
)

// lockingAfter is how many rejected logins in a row lock the account at the upstream. The
// promise is three in a day, whatever the description says.
const lockingAfter = 4

// describedLogin is an account whose secret is wrong, at an upstream that a user describes.
type describedLogin struct {
	kind, upstream, account string
	// status is the upstream's answer to a wrong secret.
	status int
	// attributes are the account's, with $URL and $ERRORS; description is what stands beside
	// it, with $ERRORS. Only one of them has any.
	attributes, description string
}

func describedLogins(t *testing.T, box *sandbox.Sandbox) []describedLogin {
	t.Helper()
	other := sandbox.Account{Upstream: "github", Name: "4712", Github: &sandbox.GithubAccount{AppID: "Iv23liOther"}}
	if err := box.SetAccount(other); err != nil {
		t.Fatal(err)
	}
	key, err := box.GithubPrivateKey(other.Name)
	if err != nil {
		t.Fatal(err)
	}
	return []describedLogin{
		{
			kind: "http", upstream: "loyalty", account: "shop", status: 422,
			attributes: `login {
    request {
      method = "POST"
      path   = "/v1/login"
      json   = { login = "shop", password = "wrong" }
    }
    access_token = response.body.data.token
    expires_at   = response.body.data.expire
  }
  $ERRORS
  verify { by = "answer" }`,
		},
		{
			kind: "veeva", upstream: "veeva", account: "credsync-client", status: 401,
			attributes: "secret = \"wrong\"",
			description: `upstream "veeva" {
  attribute "secret" {
    type      = string
    sensitive = true
  }
  login {
    request "token" {
      method   = "POST"
      path     = "/token"
      username = "credsync-client"
      password = self.secret
      form     = { grant_type = "client_credentials" }
    }
    request "session" {
      method = "POST"
      path   = "/auth/oauth/session/_9ad0a091-cbd6-4c59-ab5a-d4f2870f218c"
      bearer = responses.token.body.access_token
      form   = { client_id = "credsync-client" }
    }
    access_token = response.body.sessionId
    lifetime     = "48h"
  }
  $ERRORS
  verify { by = "answer" }
}`,
		},
		{
			kind: "github_app", upstream: "github", account: "4711", status: 401,
			attributes:  fmt.Sprintf("app_id = \"Iv23liDemo\"\n  installation_id = \"4711\"\n  private_key = %q", key),
			description: errorBlock.ReplaceAllString(upstreams.Sources()["github_app"], "") + "\n",
		},
	}
}

// errorBlock is one of a description that credsync comes with.
var errorBlock = regexp.MustCompile(`(?ms)^  error "[a-z_]+" \{.*?^  \}\n`)

// wrongTables are error blocks that do not say what the answer means: that the secret is
// wrong. That it passes by itself (class retryable) is not among them: of all that a block
// can say it is the one word that has the same secret sent again.
func wrongTables(status int) map[string]string {
	block := func(when, class string) string {
		return fmt.Sprintf("error \"wrong\" {\n    when  = %s\n    class = %s\n  }", when, class)
	}
	matches := fmt.Sprintf("response.status == %d", status)
	return map[string]string{
		"no block":                    "",
		"a block that never matches":  block("response.status == 299", `"credentials"`),
		"a field that is never there": block(`try(response.body.mesage, "") == "no"`, `"credentials"`),
		"an expression that fails":    block("response.body.nothing.at.all == 1", `"credentials"`),
		"taken for a server's fault":  block(matches, `"server"`),
		"taken for a mistake":         block(matches, `"config"`),
		"taken for a human's":         block(matches, "\"human\"\n    reason = \"no_access\""),
	}
}

// load is the configuration of an account with those error blocks.
func (l describedLogin) load(w *world, blocks string) *config.Config {
	w.t.Helper()
	description := l.description
	if l.kind == "github_app" {
		more := "replaces_embedded = true\n  " + blocks + "\n\n  attribute \"app_id\""
		description = strings.Replace(description, `attribute "app_id"`, more, 1)
	}
	text := `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
` + strings.Replace(description, "$ERRORS", blocks, 1) + fmt.Sprintf(`
account %q "a" {
  base_url = %q
  %s
  deliver "memory" "main" { path = "target" }
}
`, l.kind, w.box.URL(l.upstream), strings.Replace(l.attributes, "$ERRORS", blocks, 1))
	dir := w.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, diags := config.Load(w.t.Context(), config.Options{
		Path: dir, Getenv: func(string) string { return "" }, Version: "1.0.0", Providers: all.Registry(),
		Embedded: upstreams.Sources(),
		Sinks:    sinks.NewRegistry(memorysink.Spec(func(string) *memorysink.Sink { return w.main })),
	})
	if diags.HasErrors() {
		w.t.Fatalf("the configuration is wrong: %+v", diags)
	}
	return cfg
}

// TestWrongErrorTableLocksNobodyOut makes a thousand applies, a minute apart, of a wrong
// secret by a description that does not recognize the answer to it.
func TestWrongErrorTableLocksNobodyOut(t *testing.T) {
	for _, l := range describedLogins(t, sandbox.New(sandbox.Options{})) {
		for name, blocks := range wrongTables(l.status) {
			t.Run(l.kind+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, refusalRow{upstream: l.upstream})
				w.locks(l)
				cfg := l.load(w, blocks)
				for range appliesOfWrongTable {
					w.applyConfig(cfg, engine.Request{})
					w.ahead.Add(int64(time.Minute))
				}
				w.wantUnlocked(l)
			})
		}
	}
}

// TestEditingAWrongErrorTableLocksNobodyOut has each apply use another table: that of
// somebody who tries to get it right, with the same wrong secret.
func TestEditingAWrongErrorTableLocksNobodyOut(t *testing.T) {
	for _, l := range describedLogins(t, sandbox.New(sandbox.Options{})) {
		t.Run(l.kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, refusalRow{upstream: l.upstream})
			w.locks(l)
			var edits []*config.Config
			for _, blocks := range wrongTables(l.status) {
				edits = append(edits, l.load(w, blocks))
			}
			for i := range appliesOfWrongTable {
				w.applyConfig(edits[i%len(edits)], engine.Request{})
				w.ahead.Add(int64(time.Minute))
			}
			w.wantUnlocked(l)
		})
	}
}

func (w *world) locks(l describedLogin) {
	w.t.Helper()
	if !w.box.Update(l.upstream, l.account, func(a *sandbox.Account) { a.LockAfter = lockingAfter }) {
		w.t.Fatalf("there is no account %q", l.account)
	}
}

func (w *world) wantUnlocked(l describedLogin) {
	w.t.Helper()
	w.box.Update(l.upstream, l.account, func(a *sandbox.Account) {
		if a.Locked {
			w.t.Error("the account is locked out")
		}
	})
	if n := w.box.Counters(l.upstream, l.account).Logins.Received; n == 0 || n >= lockingAfter {
		w.t.Errorf("%d logins", n)
	}
}
