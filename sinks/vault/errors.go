package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/proxyenv"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// request is what an error tells about the call that failed.
type request struct {
	// op is what was being done, with its object: "write secret/shop/sagi".
	op     string
	client *api.Client
	// path of the API, and the capabilities needed there; for the policy that
	// a denial suggests. Empty for those of the token itself.
	path         string
	capabilities []string
	// needs are what else the target takes that it is about.
	needs []capabilityNeed
	// mount that the path is in.
	mount string
}

func (r request) String() string { return r.op + " " + r.where() }

// where is the Vault that was asked.
func (r request) where() string {
	s := "in Vault at " + r.client.Address()
	if ns := r.client.Namespace(); ns != "" {
		s += ", namespace " + ns
	}
	return s
}

// status is the HTTP status of an answer that was an error; 0 for none.
func status(err error) int {
	var resp *api.ResponseError
	if errors.As(err, &resp) {
		return resp.StatusCode
	}
	return 0
}

// vaultSays reports whether Vault's own error messages have that text.
func vaultSays(err error, text string) bool {
	var resp *api.ResponseError
	return errors.As(err, &resp) && !resp.RawError &&
		slices.ContainsFunc(resp.Errors, func(s string) bool { return strings.Contains(s, text) })
}

// vaultErrors is what Vault said: its list of error messages, which name paths and
// roles and no secret. What is not such a list, a proxy's page, is left out.
func vaultErrors(err error) string {
	var resp *api.ResponseError
	if !errors.As(err, &resp) {
		return "no answer"
	}
	text := ""
	if !resp.RawError {
		var lines []string
		for _, e := range resp.Errors {
			lines = append(lines, strings.Join(strings.Fields(e), " "))
		}
		text = strings.Join(lines, "; ")
	}
	if text == "" {
		return fmt.Sprintf("HTTP %d", resp.StatusCode)
	}
	return fmt.Sprintf("HTTP %d: %s", resp.StatusCode, text)
}

// describe gives an error its class and its advice.
func describe(ctx context.Context, err error, r request) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r, ctx.Err())
	}
	var resp *api.ResponseError
	if !errors.As(err, &resp) {
		return noAnswer(err, r)
	}
	switch code := resp.StatusCode; {
	case code == 400 && vaultSays(err, "check-and-set parameter did not match"):
		return fmt.Errorf("%s: %w", r, sinks.ErrConflict)
	case code == 403:
		return deniedError(err, r)
	case code == 404 && (vaultSays(err, "no handler for route") || vaultSays(err, "unsupported path")):
		return missingMount(r)
	case code == 503 && vaultSays(err, "sealed"):
		return fmt.Errorf("%s: %w: Vault is sealed; unseal it and run credsync again", r, sinks.ErrUnavailable)
	case code == 429 && vaultSays(err, "quota exceeded"):
		return fmt.Errorf("%s: %w: %s; lower the request rate with VAULT_RATE_LIMIT, such as VAULT_RATE_LIMIT=10, or have the quota raised", r, sinks.ErrUnavailable, vaultErrors(err))
	case code == 412, code == 429, code == 472, code == 473, code >= 500:
		return fmt.Errorf("%s: %w: %s; Vault may be starting, on standby or overloaded: run credsync again once it answers", r, sinks.ErrUnavailable, vaultErrors(err))
	}
	return fmt.Errorf("%s: %s", r, vaultErrors(err))
}

// invalidToken is what Vault says of a token that has expired, was revoked or
// never was.
const invalidToken = "invalid token"

func deniedError(err error, r request) error {
	if vaultSays(err, invalidToken) {
		return fmt.Errorf("%s: %w: %s: it has expired, was revoked or is mistyped; set a new one (auth block, VAULT_TOKEN or \"vault login\")", r, sinks.ErrDenied, invalidToken)
	}
	if r.path == "" {
		return fmt.Errorf("%s: %w: %s", r, sinks.ErrDenied, vaultErrors(err))
	}
	d := &sinks.Denial{Op: r.op, Where: r.where(), Needs: "the token's policy needs", Rules: r.rules()}
	if op, location, ok := strings.Cut(r.op, " "+r.mount+"/"); ok {
		d.Op, d.Locations = op, []string{r.mount + "/" + location}
	}
	return forbiddenPath{d}
}

// rules are all that what was asked for is a part of: who lacks one mostly lacks
// others, and should not meet them one by one.
func (r request) rules() []string {
	var paths []string
	needed := map[string][]string{}
	for _, n := range append([]capabilityNeed{{path: r.path, capabilities: r.capabilities}}, r.needs...) {
		if needed[n.path] == nil {
			paths = append(paths, n.path)
		}
		needed[n.path] = append(needed[n.path], n.capabilities...)
	}
	rules := make([]string, 0, len(paths))
	for _, path := range paths {
		slices.Sort(needed[path])
		rules = append(rules, policyRule(path, slices.Compact(needed[path])))
	}
	return rules
}

// forbiddenPath is a denial of one path to a token that is good, as opposed to a
// login or a token that was rejected.
type forbiddenPath struct{ error }

func (f forbiddenPath) Unwrap() error { return f.error }

func isForbidden(err error) bool {
	var f forbiddenPath
	return errors.As(err, &f)
}

func missingMount(r request) error {
	return fmt.Errorf("%s: no secrets engine is mounted at %q: correct mount (or namespace) in the sink block, or run \"vault secrets enable -path=%s -version=2 kv\"", r, r.mount, r.mount)
}

// policyRule is the piece of policy that allows something.
func policyRule(path string, capabilities []string) string {
	return fmt.Sprintf("path %q { capabilities = [\"%s\"] }", path, strings.Join(capabilities, "\", \""))
}

// errForeign is an answer with success that Vault's API does not give. The
// decoder's own error could quote it.
func errForeign(r request) error {
	return fmt.Errorf("%s: the answer is not from Vault's API: check address, and that no proxy answers in its place", r)
}

// noAnswer describes a request that got no answer, or none that makes sense.
// The URL that net/http puts before the cause is left out.
func noAnswer(err error, r request) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &mistyped) {
		return errForeign(r)
	}
	if err := redirectError(err, r); err != nil {
		return err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%s: %w: %w; %s", r, sinks.ErrUnavailable, err, advice(err, "check address and that this machine can reach it"))
}

// advice is what to do about a connection that failed; otherwise where the
// error does not tell.
func advice(err error, otherwise string) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		cert      *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		variable  proxyenv.Error
	)
	switch {
	case errors.As(err, &variable):
		return "correct it"
	case errors.As(err, &authority):
		return "set ca_pem, or VAULT_CACERT, to the certificate of the authority that signed Vault's certificate"
	case errors.As(err, &host):
		return "use a server name that is in Vault's certificate, or set VAULT_TLS_SERVER_NAME"
	case errors.As(err, &cert):
		return "replace Vault's certificate, which is not valid"
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS"):
		return "Vault does not use TLS at this address: start address with http:// if that is intended"
	case errors.Is(err, context.DeadlineExceeded):
		return "Vault did not answer in time: run credsync again, or raise VAULT_CLIENT_TIMEOUT"
	}
	return otherwise
}
