//go:build bench

package bench

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/sandbox"
)

// configForm is how a configuration of many accounts is written.
type configForm string

const (
	fromCSV  configForm = "csv"
	fromYAML configForm = "yaml"
	inBlocks configForm = "blocks"
)

// storagePlace is where a configuration delivers to and keeps its state.
type storagePlace string

const (
	inVault      storagePlace = "vault"
	inKubernetes storagePlace = "k8ssecret"
	inFiles      storagePlace = "file"
)

// fleet is a configuration of many accounts of one upstream.
type fleet struct {
	provider string
	accounts int
	form     configForm
	place    storagePlace
	// namespaces of the targets and of the state, in Kubernetes.
	targets, state string
}

// credentials are the arguments of an account block, with %s for its name.
var credentials = map[string]string{
	"invoicebox":  `token    = %s`,
	"sagi":        "phone    = %s\n  password = \"secure_password\"",
	"bifit_kassa": "username = %s\n  password = \"secure_password\"",
	"bereke":      "username   = %s\n  password   = \"bank_password\"\n  public_key = file(\"bereke.pem\")",
	"astana_plat": "login    = %s\n  password = \"password\"",
}

// key names an account of the configuration, login the same one at the
// upstream.
func (f fleet) key(i int) string   { return fmt.Sprintf("a%05d", i) }
func (f fleet) login(i int) string { return logins[f.provider](i) }

var logins = map[string]func(int) string{
	"invoicebox":  func(i int) string { return fmt.Sprintf("b37c4c689295904ed21eee5d9a%06d", i) },
	"sagi":        func(i int) string { return fmt.Sprintf("user%05d@example.com", i) },
	"bifit_kassa": func(i int) string { return fmt.Sprintf("790%08d", i) },
	"bereke":      func(i int) string { return fmt.Sprintf("user%05d", i) },
	"astana_plat": func(i int) string { return fmt.Sprintf("login%05d", i) },
}

// files are the configuration, by name.
func (f fleet) files() map[string]string {
	files := map[string]string{}
	var text strings.Builder
	text.WriteString(f.head())
	switch f.form {
	case inBlocks:
		for i := range f.accounts {
			fmt.Fprintf(&text, "\naccount %q %q {\n%s}\n", f.provider, f.key(i), f.body(fmt.Sprintf("%q", f.login(i)), f.key(i)))
		}
	case fromYAML:
		files["accounts.yaml"] = f.rows("", "%s: %q\n")
		text.WriteString(f.instances(`yamldecode(file("accounts.yaml"))`))
	default:
		files["accounts.csv"] = f.rows("name,login\n", "%s,%s\n")
		text.WriteString(f.instances(`{ for r in csvdecode(file("accounts.csv")) : r.name => r.login }`))
	}
	files["main.hcl"] = text.String()
	if f.provider == "bereke" {
		files["bereke.pem"] = sandbox.BerekePublicKey(0)
	}
	return files
}

func (f fleet) rows(head, format string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range f.accounts {
		fmt.Fprintf(&b, format, f.key(i), f.login(i))
	}
	return b.String()
}

func (f fleet) instances(all string) string {
	return fmt.Sprintf("\naccount %q \"fleet\" {\n  for_each = %s\n%s}\n", f.provider, all, f.body("each.value", "${each.key}"))
}

func (f fleet) body(login, key string) string {
	target := fmt.Sprintf("path = \"shop/%s\"", key)
	if f.place == inKubernetes {
		target = fmt.Sprintf("name = \"%s\"", key)
	}
	return fmt.Sprintf("  base_url = var.url\n  %s\n  deliver %q \"main\" { %s }\n", fmt.Sprintf(credentials[f.provider], login), f.place, target)
}

func (f fleet) head() string {
	head := "variable \"url\" { type = string }\n"
	switch f.place {
	case inVault:
		return head + "sink \"vault\" \"main\" {}\nstate \"vault\" \"main\" { path = \"state\" }\n"
	case inKubernetes:
		return head + fmt.Sprintf("sink \"k8ssecret\" \"main\" { namespace = %q }\nstate \"k8ssecret\" \"main\" { namespace = %q }\n", f.targets, f.state)
	}
	return head + "sink \"file\" \"main\" { dir = \"out\" }\n"
}
