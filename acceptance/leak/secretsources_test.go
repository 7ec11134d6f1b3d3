package leak

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	providers "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	sinks "github.com/credsync/credsync/sinks/all"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// source is a place that a value of the configuration can come from. put
// brings a secret there, and returns the expression that reads it and blocks
// that it needs.
type source struct {
	name string
	put  func(h *hunt, secret string) (expression, blocks string)
}

// sources are all such places. A new one is a row.
var sources = []source{
	{"literal", func(_ *hunt, s string) (string, string) { return quoted(s), "" }},
	{"heredoc", func(_ *hunt, s string) (string, string) { return "chomp(<<EOT\n" + s + "\nEOT\n)", "" }},
	{"local", func(_ *hunt, s string) (string, string) { return "local.l", "locals {\n  l = " + quoted(s) + "\n}\n" }},
	{"var flag", func(h *hunt, s string) (string, string) {
		h.args = append(h.args, "--var", "by_flag="+s)
		return "var.by_flag", variable("by_flag", "")
	}},
	{"var flag, not declared sensitive", func(h *hunt, s string) (string, string) {
		h.args = append(h.args, "--var", "plain="+s)
		return "var.plain", "variable \"plain\" {\n  type = string\n}\n"
	}},
	{"var file", func(h *hunt, s string) (string, string) {
		h.args = append(h.args, "--var-file", h.write("by_file = "+quoted(s)+"\n", "inputs", "some.credvars"))
		return "var.by_file", variable("by_file", "")
	}},
	{"automatic var file", func(h *hunt, s string) (string, string) {
		h.write("by_auto = "+quoted(s)+"\n", "config", "some.auto.credvars")
		return "var.by_auto", variable("by_auto", "")
	}},
	{"automatic var file in JSON", func(h *hunt, s string) (string, string) {
		h.write(asJSON(map[string]string{"by_json": s}), "config", "some.auto.credvars.json")
		return "var.by_json", variable("by_json", "")
	}},
	{"variable of the environment", func(h *hunt, s string) (string, string) {
		h.env = append(h.env, "CREDSYNC_VAR_by_env="+s)
		return "var.by_env", variable("by_env", "")
	}},
	{"default", func(_ *hunt, s string) (string, string) { return "var.by_default", variable("by_default", s) }},
	{"env function", func(h *hunt, s string) (string, string) {
		h.env = append(h.env, "SOME_SECRET="+s)
		return `env("SOME_SECRET")`, ""
	}},
	{"file function", func(h *hunt, s string) (string, string) {
		return "file(" + quoted(h.write(s, "inputs", "file")) + ")", ""
	}},
	{"filebase64 function", func(h *hunt, s string) (string, string) {
		return "base64decode(filebase64(" + quoted(h.write(s, "inputs", "file64")) + "))", ""
	}},
	{"jsondecode of a file", func(h *hunt, s string) (string, string) {
		return "jsondecode(file(" + quoted(h.write(asJSON(map[string]string{"a": s}), "inputs", "a.json")) + ")).a", ""
	}},
	{"rows of a table", func(h *hunt, s string) (string, string) {
		h.write("name,password\nalmaty,\""+strings.ReplaceAll(s, `"`, `""`)+"\"\n", "inputs", "table.csv")
		return "each.value.password\n  for_each = { for r in csvdecode(file(" + quoted(h.path("inputs", "table.csv")) + ")) : r.name => r }", ""
	}},
	{"data source", func(h *hunt, s string) (string, string) {
		h.write(asJSON(map[string]string{"a": s}), "inputs", "data.json")
		return "data.file.inputs.a", "data \"file\" \"inputs\" {\n  sink = \"inputs\"\n  path = \"data.json\"\n}\n"
	}},
	{"sensitive function", func(_ *hunt, s string) (string, string) { return "sensitive(" + quoted(s) + ")", "" }},
	{"template", func(_ *hunt, s string) (string, string) { return quoted(s[:5])[:6] + "${" + quoted(s[5:]) + "}\"", "" }},
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func variable(name, value string) string {
	if value != "" {
		value = "  default   = " + quoted(value) + "\n"
	}
	return "variable \"" + name + "\" {\n  type      = string\n  sensitive = true\n" + value + "}\n"
}

// accountEstate is a hunt with an account for each source and each sensitive
// attribute, all of which work.
type accountEstate struct {
	*hunt
	sandbox *sandbox.Sandbox
	front   *frontServer
	config  strings.Builder
	// withCode is the address of the account that wants a code.
	withCode string
	accounts int
}

// httpBlock is in every account: failures must be quick.
const httpBlock = "  http {\n    max_attempts = 1\n    timeout      = \"5s\"\n%s  }\n"

func newEstate(t *testing.T) *accountEstate {
	e := &accountEstate{hunt: newHunt(t), sandbox: sandbox.New(sandbox.Options{MaxHang: 2 * time.Minute})}
	if err := e.sandbox.StartTLS("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.sandbox.Close() })
	e.front = newFront(t, e.sandbox.Handler(), e.Set)
	fmt.Fprintf(&e.config, "credsync {\n  project = \"leak\"\n}\nsink \"file\" \"targets\" {\n  dir = %s\n}\nsink \"file\" \"inputs\" {\n  dir = %s\n}\nsink \"file\" \"state\" {\n  dir = %s\n}\nstate \"file\" \"state\" {\n  path = \".\"\n}\n",
		quoted(e.path("targets")), quoted(e.path("inputs")), quoted(e.path("state")))
	e.addSources()
	e.addSagi()
	e.addBifit()
	e.addBereke()
	e.addInvoicebox()
	e.addAstana()
	e.addHTTP()
	e.write(e.config.String(), "config", "main.hcl")
	e.args = append(e.args, "-C", e.path("config"))
	return e
}

// account writes an account block. body has its attributes; http what is in
// its http block besides.
func (e *accountEstate) account(provider, name, baseURL, body, http string) {
	e.accounts++
	fmt.Fprintf(&e.config, "account %q %q {\n  base_url = %q\n%s"+httpBlock+"  deliver \"file\" \"targets\" {\n    path = \"%s-%s%s.json\"\n  }\n}\n",
		provider, name, baseURL, body, http, provider, name, map[bool]string{true: "-${each.key}"}[strings.Contains(body, "for_each")])
}

func (e *accountEstate) sagiUser(phone, password, license string) {
	e.must(e.sandbox.SetAccount(sandbox.Account{Upstream: "sagi", Name: phone, Password: password, Sagi: &sandbox.SagiAccount{
		LicenseKey: license, OrganizationID: "1", Role: "administrator",
		Branches: []sandbox.SagiBranch{{ID: "11", Name: "Branch", GroupID: "3", SubscriptionActive: true}},
	}}))
}

func (e *accountEstate) addSources() {
	for i, s := range sources {
		secret := e.Secret("source " + s.name)
		expression, blocks := s.put(e.hunt, secret)
		phone := fmt.Sprint("source-", i)
		e.sagiUser(phone, secret, "")
		e.config.WriteString(blocks)
		e.account("sagi", phone, e.front.url("sagi"), "  phone    = \""+phone+"\"\n  password = "+expression+"\n", "")
	}
}

func (e *accountEstate) addSagi() {
	phone, password, license := e.Secret("sagi.phone"), e.Secret("sagi.password"), e.Secret("sagi.license_key")
	e.sagiUser(phone, password, license)
	e.account("sagi", "slots", e.front.url("sagi"), "  phone = "+quoted(phone)+"\n  password = "+quoted(password)+"\n  license_key = "+quoted(license)+"\n", "")
}

func (e *accountEstate) addBifit() {
	for _, name := range []string{"plain", "code", "hash"} {
		username, password := e.Digits("bifit_kassa.username "+name, "7", 10), e.Secret("bifit_kassa.password "+name)
		id, secret, code := e.Word("bifit_kassa.client_id "+name), e.Secret("bifit_kassa.client_secret "+name), ""
		if name == "code" {
			code = e.Digits("SMS code", "", 9)
			e.withCode = "bifit_kassa.code"
		}
		credential := "password = " + quoted(password)
		if name == "hash" {
			digest := sha256.Sum256([]byte(password))
			e.Add("bifit_kassa.password_hash", hex.EncodeToString(digest[:]))
			credential = "password_hash = " + quoted(hex.EncodeToString(digest[:]))
		}
		e.must(
			e.sandbox.SetAccount(
				sandbox.Account{
					Upstream: "bifit_kassa",
					Name:     username,
					Password: password,
					BifitKassa: &sandbox.BifitKassaAccount{
						UserID: "4567", ClientID: id, ClientSecret: secret, SecondFactor: code != "", Code: code,
					},
				},
			),
		)
		e.account("bifit_kassa", name, e.front.url("bifit_kassa"), "  username = "+quoted(username)+"\n  "+credential+
			"\n  client_id = "+quoted(id)+"\n  client_secret = "+quoted(secret)+"\n", "")
	}
}

// addBereke has a user for each account: to the bank two logins of one user at
// the same time are a violation.
func (e *accountEstate) addBereke() {
	key := sandbox.BerekePublicKey(0)
	e.Add("bereke.public_key", pemBody(key))
	for name, how := range map[string]string{
		"key": "public_key = " + quoted(key), "key-url": "public_key_url = " + quoted(e.front.url("bereke")+"/auth/public-key"),
	} {
		username, password, fingerprint := e.Secret(
			"bereke.username "+name,
		), e.Secret(
			"bereke.password "+name,
		), e.Word(
			"bereke.device_fingerprint "+name,
		)
		e.must(
			e.sandbox.SetAccount(
				sandbox.Account{Upstream: "bereke", Name: username, Password: password, Bereke: &sandbox.BerekeAccount{
					UserID: "111", Role: "ANONYMOUS", Customers: []sandbox.BerekeCustomer{{ID: "111111", Name: "Customer"}}, Full: true,
				}},
			),
		)
		e.account(
			"bereke",
			name,
			e.front.url("bereke"),
			"  username = "+quoted(username)+"\n  password = "+quoted(password)+
				"\n  device_fingerprint = "+quoted(fingerprint)+"\n  "+how+"\n",
			"",
		)
	}
}

func (e *accountEstate) addInvoicebox() {
	token := e.Hex("invoicebox.token", 40)
	e.must(
		e.sandbox.SetAccount(
			sandbox.Account{
				Upstream:   "invoicebox",
				Name:       "demo",
				Token:      token,
				Invoicebox: &sandbox.InvoiceboxAccount{UserID: "01771533"},
			},
		),
	)
	e.account("invoicebox", "token", e.front.url("invoicebox"), "  token = "+quoted(token)+"\n", "")
}

func (e *accountEstate) addAstana() {
	login, password := e.Secret("astana_plat.login"), e.Secret("astana_plat.password")
	e.must(
		e.sandbox.SetAccount(
			sandbox.Account{
				Upstream:   "astana_plat",
				Name:       login,
				Password:   password,
				AstanaPlat: &sandbox.AstanaPlatAccount{},
			},
		),
	)
	e.account(
		"astana_plat",
		"password",
		e.front.url("astana_plat"),
		"  login = "+quoted(login)+"\n  password = "+quoted(password)+"\n",
		"",
	)
	ca := "    ca_pem = " + quoted(e.sandbox.CAPEM()) + "\n"
	for _, name := range []string{"pem", "pkcs12"} {
		e.must(
			e.sandbox.SetAccount(
				sandbox.Account{
					Upstream:   "astana_plat",
					Name:       name,
					AstanaPlat: &sandbox.AstanaPlatAccount{Certificate: name},
				},
			),
		)
		certPEM, keyPEM, err := e.sandbox.IssueCertificate(
			sandbox.ClientCertificate{CommonName: name, NotAfter: time.Now().AddDate(1, 0, 0)},
		)
		e.must(err)
		key := e.addKey("astana_plat.certificate.key_pem "+name, certPEM, keyPEM)
		block := e.pemBlock(certPEM, key)
		if name == "pkcs12" {
			block = e.pkcs12Block(certPEM, key)
		}
		e.account("astana_plat", name, e.sandbox.TLSURL("astana_plat"), "  certificate {\n"+block+"  }\n", ca)
	}
}

// addKey has a private key searched for: its number, in any encoding, and its
// PEM.
func (e *accountEstate) addKey(name, certPEM, keyPEM string) *ecdsa.PrivateKey {
	block, _ := pem.Decode([]byte(keyPEM))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	}
	e.must(err)
	key := parsed.(*ecdsa.PrivateKey)
	number, err := key.Bytes()
	e.must(err)
	e.Add(name, string(number))
	e.Add("astana_plat.certificate.cert_pem "+name, pemBody(certPEM))
	e.Public(e.sandbox.CAPEM())
	return key
}

func (e *accountEstate) pemBlock(certPEM string, key *ecdsa.PrivateKey) string {
	password := e.Secret("astana_plat.certificate.key_password")
	der, err := pkcs8.MarshalPrivateKey(
		key,
		[]byte(password),
		&pkcs8.Opts{
			Cipher:  pkcs8.AES256CBC,
			KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 16, HMACHash: crypto.SHA256},
		},
	)
	e.must(err)
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
	e.Add("astana_plat.certificate.key_pem", pemBody(encrypted))
	return "    cert_pem = " + quoted(certPEM) + "\n    key_pem = " + quoted(encrypted) + "\n    key_password = " + quoted(password) + "\n"
}

func (e *accountEstate) pkcs12Block(certPEM string, key *ecdsa.PrivateKey) string {
	password := e.Word("astana_plat.certificate.pkcs12_password")
	block, _ := pem.Decode([]byte(certPEM))
	cert, err := x509.ParseCertificate(block.Bytes)
	e.must(err)
	der, err := pkcs12.Modern.WithRand(rand.Reader).Encode(key, cert, nil, password)
	e.must(err)
	text := base64.StdEncoding.EncodeToString(der)
	e.Add("astana_plat.certificate.pkcs12_base64", text[200:])
	return "    pkcs12_base64 = " + quoted(text) + "\n    pkcs12_password = " + quoted(password) + "\n"
}

// addHTTP adds a proxy of an account, headers, and a proxy of the environment.
func (e *accountEstate) addHTTP() {
	proxy := func(name string) string {
		return "http://user:" + e.Word(name) + "@" + strings.TrimPrefix(e.front.url(""), "http://")
	}
	user := func(name string) string {
		e.sagiUser(name, "password of the proxied", "")
		return "  phone = \"" + name + "\"\n  password = \"password of the proxied\"\n"
	}
	e.account("sagi", "proxy", e.front.url("sagi"), user("proxied"), "    proxy = "+quoted(proxy("http.proxy"))+"\n")
	e.account("sagi", "headers", e.front.url("sagi"), user("headed"), "    headers = { X-Gateway-Key = "+quoted(e.Word("http.headers"))+" }\n")
	e.account("sagi", "environment-proxy", "http://upstream.invalid/sagi", user("proxied by the environment"), "    allow_plain_http = true\n")
	e.env = append(e.env, "HTTP_PROXY="+proxy("HTTP_PROXY"), "HTTPS_PROXY="+proxy("HTTPS_PROXY"))
}

func pemBody(text string) string {
	block, _ := pem.Decode([]byte(text))
	return base64.StdEncoding.EncodeToString(block.Bytes)
}

// addTokens has everything searched for that upstreams have handed out: what
// targets and the state hold.
func (e *accountEstate) addTokens() int {
	n := 0
	for _, dir := range []string{"targets", "state"} {
		files, err := filepath.Glob(e.path(dir, "*.json"))
		e.must(err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			e.must(err)
			var v any
			e.must(json.Unmarshal(content, &v))
			n += e.addTokensIn(filepath.Base(file), v)
		}
	}
	return n
}

// addTokensIn walks through JSON and takes the fields that are secret.
func (e *accountEstate) addTokensIn(name string, v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += e.addTokensIn(name, item)
		}
	case map[string]any:
		for field, item := range v {
			text, isText := item.(string)
			switch {
			case field == "record" && isText:
				var record any
				e.must(json.Unmarshal([]byte(text), &record))
				n += e.addTokensIn(name, record)
			case isText && slices.Contains([]string{"access_token", "refresh_token", "key", "jti"}, field):
				e.addToken(field+" in "+name, text)
				n++
			case field == "challenge":
				if id, ok := item.(map[string]any)["id"].(string); ok {
					e.Add("session id in "+name, id)
				}
			default:
				n += e.addTokensIn(name, item)
			}
		}
	}
	return n
}

// addToken leaves out the head of a JWT, which is the same for all.
func (e *accountEstate) addToken(name, token string) {
	if head, rest, ok := strings.Cut(token, "."); ok && strings.HasPrefix(head, "eyJ") {
		token = rest
	}
	e.Add(name, token)
}

// TestEverySensitiveAttributeIsHunted compares the table rows with what is
// hunted for here and in the other files of this folder.
func TestEverySensitiveAttributeIsHunted(t *testing.T) {
	hunted := newEstate(t).Names()
	// These have hunts of their own: TestNothingLeaksByBrokenConfigurations,
	// TestNothingLeaksByAHostileVault and TestEncryptedState.
	hunted = append(hunted,
		"bereke.basic_auth",
		"sink.vault.auth.token.token", "sink.vault.auth.approle.secret_id", "sink.vault.auth.jwt.jwt", "sink.vault.auth.cert.client_key",
		"state.file.age_identity",
	)
	check := func(prefix string, b schema.Block) {
		for _, name := range sensitive(prefix, b) {
			if !slices.ContainsFunc(
				hunted,
				func(have string) bool { return have == name || strings.HasPrefix(have, name+" ") },
			) {
				t.Errorf("nothing hunts for %s", name)
			}
		}
	}
	registry := providers.Registry()
	for _, name := range registry.Names() {
		spec, _ := registry.Lookup(name)
		b := schema.Block{Type: name, Attributes: spec.Attributes, Blocks: spec.Blocks}
		check(name, b)
	}
	check("http", *schema.HTTPBlock())
	sinkRegistry := sinks.Registry()
	for _, name := range sinkRegistry.Names() {
		spec, _ := sinkRegistry.Lookup(name)
		check("sink."+name, spec.Connection)
		check("deliver."+name, spec.Deliver)
		check("state."+name, spec.State)
		check("data."+name, spec.Data)
	}
}

// sensitive returns the sensitive attributes of a block and those in it.
func sensitive(prefix string, b schema.Block) (names []string) {
	for _, a := range b.Attributes {
		if a.Sensitive {
			names = append(names, prefix+"."+a.Name)
		}
	}
	for _, nested := range b.Blocks {
		names = append(names, sensitive(prefix+"."+nested.Type, nested.Block)...)
		for _, v := range nested.Variants {
			names = append(names, sensitive(prefix+"."+nested.Type+"."+v.Labels[0], v)...)
		}
	}
	return names
}
