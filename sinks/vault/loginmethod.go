package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// errNoToken means that nobody said how to log in.
var errNoToken = fmt.Errorf("%w: no Vault token is set: add an auth block to the sink, set VAULT_TOKEN, or run \"vault login\"", sinks.ErrDenied)

// loginMethod is how a token is come by.
type loginMethod struct {
	name string
	// path is that of the login request; "" for a token that was given.
	path string
	// body makes the login request. It reads files each time, since those
	// tokens are short-lived and replaced.
	body func() (map[string]any, error)
	// token is the given token.
	token credential.Secret
	// reread reads the given token again; nil if it cannot have changed.
	reread func() (credential.Secret, error)
	// optional tokens may be absent: an agent adds its own.
	optional bool
}

// method works out the auth block, or what stands in for it.
func (c connection) method() (loginMethod, error) {
	auth := c.auth()
	login := func(body func() (map[string]any, error)) (loginMethod, error) {
		name := auth.Label()
		return loginMethod{name: name, path: "auth/" + strings.Trim(auth.String("mount"), "/") + "/login", body: body}, nil
	}
	switch auth.Label() {
	case "", "token":
		return c.givenToken()
	case "approle":
		return login(func() (map[string]any, error) {
			secretID, err := c.secretOrFile(auth.Secret("secret_id"), "secret_id_file")
			if err != nil {
				return nil, err
			}
			body := map[string]any{"role_id": auth.String("role_id")}
			if !secretID.IsZero() {
				body["secret_id"] = secretID.Reveal()
			}
			return body, nil
		})
	case "kubernetes":
		return login(func() (map[string]any, error) {
			jwt, err := c.secretOrFile(credential.Secret{}, "token_path")
			return map[string]any{"role": auth.String("role"), "jwt": jwt.Reveal()}, err
		})
	case "jwt":
		return login(func() (map[string]any, error) {
			jwt, err := c.secretOrFile(auth.Secret("jwt"), "jwt_file")
			return map[string]any{"role": auth.String("role"), "jwt": jwt.Reveal()}, err
		})
	case "cert":
		return login(func() (map[string]any, error) {
			if name := auth.String("name"); name != "" {
				return map[string]any{"name": name}, nil
			}
			return map[string]any{}, nil
		})
	}
	return loginMethod{}, fmt.Errorf("auth %q is not a supported login method", auth.Label())
}

// givenToken looks where the vault CLI looks.
func (c connection) givenToken() (loginMethod, error) {
	m := loginMethod{name: "token", optional: c.getenv(api.EnvVaultAgentAddr) != ""}
	if auth := c.auth(); auth.Label() == "token" {
		m.token = auth.Secret("token")
	}
	if m.token.IsZero() {
		m.token = credential.NewSecret(c.getenv(api.EnvVaultToken))
		if fault := schema.FaultOfText(m.token.Reveal()); !m.token.IsZero() && fault != schema.NoTextFault {
			return m, fmt.Errorf("the environment variable %s %s; set it again, for example with %s=\"$(cat FILE)\", which drops a line break at the end", api.EnvVaultToken, fault, api.EnvVaultToken)
		}
	}
	if m.token.IsZero() && c.getenv("HOME") != "" {
		m.reread = func() (credential.Secret, error) {
			return cliToken(filepath.Join(c.getenv("HOME"), ".vault-token"))
		}
		var err error
		if m.token, err = m.reread(); err != nil {
			return m, err
		}
	}
	return m, nil
}

// cliToken is what "vault login" has left behind, or an agent; none where
// there is no such file.
func cliToken(path string) (credential.Secret, error) {
	token, err := readSecret(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return token, fmt.Errorf("read the Vault token: %w", err)
	}
	return token, nil
}

// secretOrFile returns a secret, or in its place the content of the file that an
// attribute names; a block has one of them only.
func (c connection) secretOrFile(s credential.Secret, fileAttribute string) (credential.Secret, error) {
	name := c.auth().String(fileAttribute)
	if name == "" {
		return s, nil
	}
	s, err := readSecret(c.file(name))
	if err != nil {
		return s, fmt.Errorf("auth %q, %s: %w", c.auth().Label(), fileAttribute, err)
	}
	if s.IsZero() {
		return s, fmt.Errorf("auth %q, %s: %s is empty", c.auth().Label(), fileAttribute, c.file(name))
	}
	return s, nil
}

// maxCredential is far above any token, secret id or chain of certificates, in
// bytes.
const maxCredential = 1 << 20

// readSecret reads a file that holds one secret, around which spaces do not matter.
func readSecret(path string) (credential.Secret, error) {
	b, err := regularfile.Read(path, maxCredential)
	if err != nil {
		return credential.Secret{}, err
	}
	text, err := inputtext.Decode(b)
	if err != nil {
		return credential.Secret{}, fmt.Errorf("%s %w", path, err)
	}
	text = strings.TrimSpace(text)
	if fault := schema.FaultOfText(text); text != "" && fault != schema.NoTextFault {
		return credential.Secret{}, fmt.Errorf("the content of %s %s; the file must hold the secret only", path, fault)
	}
	return credential.NewSecret(text), nil
}
