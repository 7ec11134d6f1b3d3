// Package vault is the sink that writes to a KV mount of HashiCorp Vault.
//
// In KV version 2 every write is a compare-and-set, and who owns a secret is
// marked in its custom metadata, so that delivering never reads the data.
// Version 1 has neither; see kv1.go.
//
// Sources: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and
// kv-v1, /vault/api-docs/auth/{token,approle,jwt,kubernetes,cert},
// /vault/api-docs/system/capabilities-self, and sys/internal/ui/mounts, which
// the vault CLI uses to tell the versions apart.
package vault

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// defaultAddress is the vault CLI's.
const defaultAddress = "https://127.0.0.1:8200"

// Spec describes the sink to the registry.
func Spec() *sinks.Spec {
	path := func(doc string) []schema.Attribute {
		return []schema.Attribute{{
			Name: "path", Type: cty.String, Required: true, Doc: doc,
			Check: func(v cty.Value) error { return checkPath(v.AsString()) },
		}}
	}
	return &sinks.Spec{
		Type: "vault",
		Doc: "A KV mount of HashiCorp Vault, version 2 or 1. Settings that are not in the block come from the `VAULT_*` environment variables, as for the vault CLI. " +
			"In version 2 credsync writes with compare-and-set, marks ownership in custom metadata (`managed-by`, `credsync-owner`), " +
			"and does not need `read` on delivered data. Version 1 has no compare-and-set and no metadata: the first write needs `adopt`, and the state cannot be kept there. " +
			"`credsync policy vault` prints the policy that a configuration needs.",
		Connection: connectionBlock(),
		Deliver:    schema.Block{Type: "deliver", Labels: []string{"vault", "name"}, Attributes: path("The secret's path below the mount, without `data/`.")},
		State:      schema.Block{Type: "state", Labels: []string{"vault", "name"}, Attributes: path("The path below the mount under which each account has a secret with its record.")},
		Data:       schema.Block{Type: "data", Labels: []string{"vault", "name"}, Attributes: path("The secret's path below the mount, without `data/`.")},
		Target:     target,
		Source:     target,
		Record:     record,
		Doubt:      doubt,
		New:        open,
		Policy:     policy(),
	}
}

func connectionBlock() schema.Block {
	return schema.Block{
		Type: "sink", Labels: []string{"vault", "name"},
		Attributes: []schema.Attribute{
			{
				Name: "address", Type: cty.String, Env: []string{"VAULT_ADDR"}, DefaultText: defaultAddress,
				Check: func(v cty.Value) error { return checkAddress(v.AsString()) },
				Doc:   "Vault's address: `https://…`, `http://…` or `unix://…`. VAULT_AGENT_ADDR takes precedence if it is set.",
			},
			{Name: "namespace", Type: cty.String, Env: []string{"VAULT_NAMESPACE"}, Doc: "The Vault Enterprise namespace."},
			{
				Name: "mount", Type: cty.String, Default: cty.StringVal("secret"), Doc: "The path that the KV secrets engine is mounted at.",
				Check: func(v cty.Value) error { return checkMount(strings.Trim(v.AsString(), "/")) },
			},
			{
				Name: "cluster", Type: cty.String, Check: oneWord, DefaultText: "the cluster id that Vault reports, otherwise the address",
				Doc: "The cluster's name, in one word. It is part of a target's identity, so use the same name in the sink blocks of replicas that share their data. " +
					"The default id comes from `sys/health`, which needs no permission; credsync uses the address if a gateway blocks it.",
			},
			{Name: "ca_pem", Type: cty.String, DefaultText: "VAULT_CACERT, VAULT_CACERT_BYTES or VAULT_CAPATH, otherwise the system's", Doc: "The PEM certificates of the authorities that may sign Vault's certificate."},
		},
		Blocks: []schema.Nested{authBlock()},
	}
}

func authBlock() schema.Nested {
	mount := func(name string) schema.Attribute {
		return schema.Attribute{Name: "mount", Type: cty.String, Default: cty.StringVal(name), Check: notEmpty, Doc: "The path that the auth method is mounted at."}
	}
	role := schema.Attribute{Name: "role", Type: cty.String, Required: true, Check: notEmpty, Doc: "The role to log in with."}
	variant := func(label, doc string, check func(schema.Values) error, attributes ...schema.Attribute) schema.Block {
		return schema.Block{Type: "auth", Labels: []string{label}, Doc: doc, Attributes: attributes, Check: check}
	}
	return schema.Nested{
		Block: schema.Block{
			Type: "auth", Labels: []string{"method"},
			Doc: "How credsync logs in. Without this block the token in VAULT_TOKEN or `~/.vault-token` is used.",
		},
		Max: 1,
		Variants: []schema.Block{
			variant("token", "An existing token.", nil, schema.Attribute{
				Name: "token", Type: cty.String, Sensitive: true, Env: []string{"VAULT_TOKEN"}, DefaultText: "`~/.vault-token`, which `vault login` writes", Doc: "The token.",
			}),
			variant("approle", "AppRole.", atMostOne("secret_id", "secret_id_file"),
				schema.Attribute{Name: "role_id", Type: cty.String, Required: true, Check: notEmpty, Doc: "The role's id."},
				schema.Attribute{Name: "secret_id", Type: cty.String, Sensitive: true, Doc: "The secret id. Leave it out for a role that needs none."},
				schema.Attribute{Name: "secret_id_file", Type: cty.String, Check: notEmpty, Doc: "A file with the secret id, read at each login."},
				mount("approle")),
			variant("kubernetes", "A Kubernetes service account.", nil, role,
				schema.Attribute{Name: "token_path", Type: cty.String, Default: cty.StringVal("/var/run/secrets/kubernetes.io/serviceaccount/token"), Check: notEmpty, Doc: "The file with the service account's token, read at each login."},
				mount("kubernetes")),
			variant("jwt", "A JSON Web Token, such as a CI system's.", exactlyOne("jwt", "jwt_file"), role,
				schema.Attribute{Name: "jwt", Type: cty.String, Sensitive: true, Doc: "The token."},
				schema.Attribute{
					Name:  "jwt_file",
					Type:  cty.String,
					Check: notEmpty,
					Doc:   "A file with the token, read at each login.",
				},
				mount("jwt"),
			),
			variant(
				"cert",
				"A TLS client certificate.",
				together("client_cert", "client_key"),
				schema.Attribute{
					Name: "name",
					Type: cty.String,
					Doc:  "The role to log in with. Without it Vault tries every role that matches the certificate.",
				},
				schema.Attribute{
					Name:        "client_cert",
					Type:        cty.String,
					DefaultText: "VAULT_CLIENT_CERT",
					Doc:         "The PEM certificate, or a file that contains it. A relative path starts at the configuration's directory; one in VAULT_CLIENT_CERT starts at the working directory, as for the vault CLI.",
				},
				schema.Attribute{
					Name:        "client_key",
					Type:        cty.String,
					Sensitive:   true,
					Text:        schema.Document,
					DefaultText: "VAULT_CLIENT_KEY",
					Doc:         "The certificate's private key in PEM, or a file that contains it.",
				},
				mount("cert"),
			),
		},
	}
}

func notEmpty(v cty.Value) error {
	if strings.TrimSpace(v.AsString()) == "" {
		return errors.New("it must not be empty")
	}
	return nil
}

// oneWord is for a name that others stand beside, with a space between.
func oneWord(v cty.Value) error {
	if strings.ContainsFunc(v.AsString(), unicode.IsSpace) {
		return fmt.Errorf("%q contains a space: remove it", v.AsString())
	}
	return notEmpty(v)
}

func atMostOne(a, b string) func(schema.Values) error {
	return func(v schema.Values) error {
		if v.IsSet(a) && v.IsSet(b) {
			return fmt.Errorf("%s and %s are both set: keep one of them", a, b)
		}
		return nil
	}
}

func exactlyOne(a, b string) func(schema.Values) error {
	return func(v schema.Values) error {
		if v.IsSet(a) == v.IsSet(b) {
			return fmt.Errorf("set either %s or %s", a, b)
		}
		return nil
	}
}

func together(a, b string) func(schema.Values) error {
	return func(v schema.Values) error {
		if v.IsSet(a) != v.IsSet(b) {
			return fmt.Errorf("%s and %s belong together: set both", a, b)
		}
		return nil
	}
}

// checkPath lets through what Vault stores under exactly that path. Odd but
// valid characters are escaped in the URL; what a path join or Vault would
// change or misread is refused.
func checkPath(p string) error {
	switch {
	case strings.TrimSpace(p) == "":
		return errors.New("it must not be empty")
	case strings.HasPrefix(p, "/"), strings.HasSuffix(p, "/"):
		return fmt.Errorf("%q begins or ends with a slash: remove it", p)
	case strings.Contains(p, ".."):
		return fmt.Errorf("%q contains two dots in a row, which Vault refuses: write the full path", p)
	case !utf8.ValidString(p):
		return errors.New("it is not UTF-8")
	}
	for segment := range strings.SplitSeq(p, "/") {
		switch {
		case segment == "":
			return fmt.Errorf("%q has an empty part between two slashes: remove one of them", p)
		case segment == ".":
			return fmt.Errorf("%q has a part \".\", which Vault does not support: remove it", p)
		case strings.TrimSpace(segment) != segment:
			return fmt.Errorf("%q has a part that begins or ends with a space: remove the space", p)
		}
	}
	if strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%q contains unprintable characters, which Vault refuses", p)
	}
	return nil
}

// checkMount refuses what no KV engine can be mounted at.
func checkMount(m string) error {
	first, _, _ := strings.Cut(m, "/")
	switch first {
	case "sys", "auth", "identity", "cubbyhole", "audit":
		return fmt.Errorf("%q is reserved for Vault and is not a KV mount: use the path of the KV secrets engine that \"vault secrets list\" shows, such as \"secret\"", first)
	}
	return checkPath(m)
}

// doubt finds the paths of Vault's HTTP API where those of "vault kv" are wanted.
func doubt(conn, block schema.Values) string {
	mount, path := mountOf(conn), block.String("path")
	for _, part := range []string{"data", "metadata"} {
		if short, ok := strings.CutSuffix(mount, "/"+part); ok {
			return fmt.Sprintf("The sink's mount %q ends in %q, which belongs to the paths of Vault's HTTP API: if the mount is %q, set mount = %q.", mount, "/"+part, short, short)
		}
		for _, prefix := range []string{mount + "/" + part + "/", part + "/"} {
			if short, ok := strings.CutPrefix(path, prefix); ok && mount != "" {
				return fmt.Sprintf("The path %q begins with %q, but paths are already relative to the mount %q: if you mean the path that \"vault kv get -mount=%s\" takes, set path = %q.", path, prefix, mount, mount, short)
			}
		}
	}
	if short, ok := strings.CutPrefix(path, mount+"/"); ok && mount != "" {
		return fmt.Sprintf("The path %q begins with the mount %q, but paths are already relative to the mount: if you mean %q, set path = %q.", path, mount, mount+"/"+short, short)
	}
	return ""
}

// target makes the target of a deliver or data block.
func target(conn, v schema.Values) (sinks.Target, error) {
	p := v.String("path")
	if err := checkPath(p); err != nil {
		return sinks.Target{}, fmt.Errorf("path: %w", err)
	}
	return sinks.Target{Path: p, Location: mountOf(conn) + "/" + p, Options: v}, nil
}

// record makes the target of a state record: the secret of that name below the
// state's path. What Vault would refuse or take for a level is written as %XX.
func record(conn, v schema.Values, name string) (sinks.Target, error) {
	t, err := target(conn, v)
	if err != nil || name == "" {
		return t, err
	}
	name = escape(name)
	t.Path += "/" + name
	t.Location += "/" + name
	return t, nil
}

func escape(name string) string {
	var b strings.Builder
	before := '.'
	for _, r := range name {
		if r == '/' || r == '%' || r == ' ' || r == '.' && before == '.' || !unicode.IsPrint(r) {
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func mountOf(conn schema.Values) string { return strings.Trim(conn.String("mount"), "/") }

// isState reports whether a target is, or is above, state records.
func isState(t sinks.Target) bool {
	return t.Options.Block() != nil && t.Options.Block().Type == "state"
}
