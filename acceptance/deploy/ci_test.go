//go:build acceptance

package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/golang-jwt/jwt/v5"
)

const (
	ci           = root + "/deploy/ci/"
	sagiPassword = "secure_password"
	// tools are what stands in for the CI's own: they fail on any other use.
	goTool = `#!/bin/sh
[ "$*" = "install github.com/credsync/credsync/cmd/credsync@v9.8.7" ] || exit 64
mkdir -p "$GOBIN" && cp '%s' "$GOBIN/credsync"
`
	ghTool = `#!/bin/sh
[ "$*" = "pr comment 17 --edit-last --create-if-none --body-file plan.md" ] || exit 64
[ -n "$GH_TOKEN" ] && [ "$GH_REPO" = acme/credentials ] || exit 64
cp plan.md comment.md
`
)

// runner is a CI's machine with a checkout of deploy/ci/credsync.hcl, beside
// the Vault and the upstreams that it reaches.
type runner struct {
	t       *testing.T
	vault   *servers.VaultServer
	sandbox *sandbox.Sandbox
	// checkout, tools and temp are folders.
	checkout, tools, temp string
	key                   *ecdsa.PrivateKey
	issuer                string
	// issued has every token that the CI gave, none of which may be printed.
	issued []string
}

// newRunner sets Vault up as docs/ci.md says, for the roles of one CI.
func newRunner(t *testing.T, name, issuer string) *runner {
	t.Helper()
	r := &runner{
		t:        t,
		vault:    servers.Vault(t),
		sandbox:  newSandbox(t),
		checkout: t.TempDir(),
		tools:    t.TempDir(),
		temp:     t.TempDir(),
		issuer:   issuer,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	r.key = key
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	r.vault.EnableAuth("jwt", map[string]any{"jwt_validation_pubkeys": string(public), "bound_issuer": issuer})
	r.write(filepath.Join(r.checkout, "credsync.hcl"), read(t, ci+"credsync.hcl"))
	r.vault.Policy("credsync-plan", read(t, ci+"vault/plan.hcl"))
	r.vault.Policy("credsync-apply", r.leastPolicy())
	for _, role := range []string{"plan", "apply"} {
		var options map[string]any
		if err := json.Unmarshal([]byte(read(t, ci+"vault/"+name+"-"+role+".json")), &options); err != nil {
			t.Fatal(err)
		}
		r.vault.MustWrite("auth/jwt/role/credsync-"+role, options)
	}
	r.vault.MustWrite("secret/data/inputs/accounts", map[string]any{"data": map[string]any{
		"invoicebox_token": upstreamToken, "sagi_phone": "business_user@example.com", "sagi_password": sagiPassword,
	}})
	r.write(filepath.Join(r.tools, "go"), fmt.Sprintf(goTool, program))
	r.write(filepath.Join(r.tools, "gh"), ghTool)
	return r
}

// leastPolicy is the one that credsync prints for the configuration.
func (r *runner) leastPolicy() string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), program, "policy", "vault", "-C", r.checkout)
	cmd.Env = []string{"CREDSYNC_VAR_vault_jwt=unused"}
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("credsync policy vault: %v", err)
	}
	return string(out)
}

func (r *runner) write(path, text string) {
	r.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

// token is one that the CI issues.
func (r *runner) token(audience string, claims jwt.MapClaims) string {
	r.t.Helper()
	all := jwt.MapClaims{
		"iss": r.issuer,
		"aud": audience,
		"iat": time.Now().Add(-time.Minute).Unix(),
		"exp": time.Now().Add(5 * time.Minute).Unix(),
	}
	maps.Copy(all, claims)
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, all).SignedString(r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.issued = append(r.issued, token)
	return token
}

// bash runs a script in the checkout. What it prints and leaves must hold no
// secret.
func (r *runner) bash(script string, env map[string]string) error {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir = r.checkout
	all := map[string]string{
		"HOME": r.temp, "CI": "true", "PATH": r.tools + string(os.PathListSeparator) + os.Getenv("PATH"),
		"CREDSYNC_VAR_invoicebox_url": r.sandbox.URL("invoicebox"), "CREDSYNC_VAR_sagi_url": r.sandbox.URL("sagi"),
	}
	maps.Copy(all, env)
	for name, value := range all {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	r.wantNoSecret("the output", string(out))
	for _, name := range []string{"plan.txt", "credsync.plan", "comment.md"} {
		r.wantNoSecret(name, r.left(name))
	}
	return err
}

func (r *runner) wantNoSecret(where, text string) {
	r.t.Helper()
	for _, secret := range append([]string{upstreamToken, sagiPassword, "hvs."}, r.issued...) {
		if strings.Contains(text, secret) {
			r.t.Errorf("%s holds a secret", where)
		}
	}
}

// left is a file of the checkout; "" where there is none.
func (r *runner) left(name string) string {
	text, _ := os.ReadFile(filepath.Join(r.checkout, name))
	return string(text)
}

// pipeline is what both CIs are put through. A job runs as a branch or a pull
// request would.
type pipeline struct {
	plan, apply, applyAsPlan func() error
}

func (r *runner) follow(p pipeline) {
	r.t.Helper()
	if err := p.plan(); err != nil {
		r.t.Fatalf("plan: %v", err)
	}
	if text := r.left("plan.txt"); !strings.Contains(text, "account.sagi.coffee") || !strings.Contains(text, "2 to issue") {
		r.t.Errorf("the plan is\n%s", text)
	}
	if r.left("credsync.plan") == "" {
		r.t.Error("the plan was not saved")
	}
	if err := p.applyAsPlan(); err == nil || !strings.Contains(err.Error(), "permission denied") {
		r.t.Errorf("apply with the identity of a pull request: %v", err)
	}
	if r.vault.ReadKV2("secret", "shop/sagi") != nil || r.logins() != 0 {
		r.t.Error("something was done before the change was merged")
	}
	for range 2 {
		if err := p.apply(); err != nil {
			r.t.Fatalf("apply: %v", err)
		}
	}
	if got := r.vault.ReadKV2("secret", "shop/billing")["access_token"]; got != upstreamToken || r.vault.ReadKV2("secret", "shop/sagi") == nil {
		r.t.Error("the tokens are not in Vault")
	}
	if r.logins() != 1 {
		r.t.Errorf("%d logins, want 1", r.logins())
	}
	if err := p.plan(); err != nil || !strings.Contains(r.left("plan.txt"), "No changes") {
		r.t.Errorf("plan after apply: %v\n%s", err, r.left("plan.txt"))
	}
	r.write(filepath.Join(r.checkout, "credsync.hcl"), "\n  "+r.left("credsync.hcl")+"\nlocals{}\n")
	if err := p.plan(); err == nil {
		r.t.Error("a configuration that is not formatted passes")
	}
}

func (r *runner) logins() int {
	return r.sandbox.Counters("sagi", "business_user@example.com").Logins.Received
}
