package leak

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

// commandsThatStayUp are the commands that do not end by themselves, with their tests.
var commandsThatStayUp = map[string]func(*testing.T){"run": TestNothingLeaksByTheDaemon}

// prosper applies until every account works, so that every secret has been
// used, and has the tokens searched for from then on.
func (e *accountEstate) prosper() {
	e.t.Helper()
	first := e.run("first apply", "apply", "--auto-approve", "--log-format", "json")
	if first.code != 3 {
		e.t.Fatalf("exit code %d, want 3, since one account wants a code:\n%s%s", first.code, first.stdout, first.stderr)
	}
	e.run("send the code", "login", e.withCode, "--send-only")
	e.addTokens()
	e.run("wrong code", "login", e.withCode, "--code-file", e.write("000111000", "inputs", "wrong-code"))
	code := e.write(e.Digits("SMS code", "", 9)+"\n", "inputs", "code")
	if r := e.run("right code", "login", e.withCode, "--code-file", code); r.code != 0 {
		e.t.Fatalf("exit code %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	if n := e.addTokens(); n < 2*e.accounts {
		e.t.Fatalf("%d tokens of %d accounts in targets and state", n, e.accounts)
	}
	if r := e.run("all is well", "plan", "--detailed-exitcode"); r.code != 0 {
		e.t.Fatalf("exit code %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	files, err := filepath.Glob(e.path("targets", "*.json"))
	if err != nil || len(files) != e.accounts {
		e.t.Fatalf("%d targets of %d accounts: %v", len(files), e.accounts, err)
	}
}

func TestNothingLeaksWhereAllIsWell(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	e.prosper()
	e.everyCommand("all is well", nil)

	// Tokens that expire at once, so that they are refreshed.
	for _, a := range e.sandbox.Accounts() {
		e.sandbox.Update(
			a.Upstream,
			a.Name,
			func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(time.Second) },
		)
	}
	e.run("replace", "apply", "--auto-approve", "--replace", "sagi.slots", "--replace", "bifit_kassa.plain")
	e.addTokens()
	refreshed := func() bool {
		e.run("refresh", "apply", "--auto-approve", "--json")
		return e.sandbox.Counters("sagi", e.Secret("sagi.phone")).Refreshes.Accepted > 0
	}
	for deadline := time.Now().Add(time.Minute); !refreshed(); {
		if time.Now().After(deadline) {
			t.Fatal("no token was refreshed within a minute")
		}
	}
	e.addTokens()
	if whole {
		e.everyCommand("tokens have expired", nil)
	}
	t.Logf("%d runs, %d secrets", e.runs, len(e.Names()))
}

// Upstreams and everything between them and us may repeat what they are sent,
// in any form and at any place of an answer.
func TestNothingLeaksByHostileUpstreams(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	nothing := e.keep("targets", "state")
	e.prosper()
	good := e.keep("targets", "state")
	code := e.write(e.Word("code"), "inputs", "some-code")
	for i, h := range secretEchoes() {
		if !whole && i%31 != 0 {
			continue
		}
		log := []string{"--log-format", []string{"text", "json"}[i%2]}
		for _, begin := range []struct {
			name    string
			restore func()
		}{{"no state", nothing}, {"good state", good}} {
			begin.restore()
			e.front.answerWith(h)
			what := h.name + ", " + begin.name
			e.run(what, append([]string{"apply", "--auto-approve", "--json"}, log...)...)
			e.run(what, append([]string{"status"}, log...)...)
			e.run(what, append([]string{"login", e.withCode, "--send-only"}, log...)...)
			e.run(what, append([]string{"login", e.withCode, "--code-file", code}, log...)...)
			if n := e.front.answerWith(nil); n == 0 {
				t.Errorf("%s: no request came", what)
			}
		}
	}
	t.Logf("%d runs, %d secrets, %d kinds of answers", e.runs, len(e.Names()), len(secretEchoes()))
}

func TestNothingLeaksByAnyCommandWhenUpstreamsAreHostile(t *testing.T) {
	inTheWholeHunt(t)
	t.Parallel()
	e := newEstate(t)
	nothing := e.keep("targets", "state")
	e.prosper()
	good := e.keep("targets", "state")
	for _, h := range []*secretEcho{
		{"texts at 401", echoForms[0].form, inTexts(401)}, {"not HTTP", echoForms[0].form, broken(raws[0])},
	} {
		e.front.answerWith(h)
		e.everyCommand(h.name+", good state", good)
		e.everyCommand(h.name+", no state", nothing)
	}
	t.Logf("%d runs", e.runs)
}

// The state can be damaged, out of reach, or someone else's. Then tokens go to
// emergency files, which are where secrets belong, and nowhere else.
func TestNothingLeaksByABrokenState(t *testing.T) {
	inTheWholeHunt(t)
	t.Parallel()
	e := newEstate(t)
	e.prosper()
	good := e.keep("targets", "state")
	each := func(change func(file string, content []byte) []byte) {
		files, err := filepath.Glob(e.path("state", "*.json"))
		e.must(err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			e.must(err)
			e.must(os.WriteFile(file, change(file, content), 0o600))
		}
	}
	for name, change := range map[string]func(string, []byte) []byte{
		"cut short":        func(_ string, b []byte) []byte { return b[:len(b)/2] },
		"a field changed":  instead(`\"issued_at\":\"`, `\"issued_at\":\"x`),
		"another type":     instead(`\"access_token\":\"`, `\"access_token\":7,\"x\":\"`),
		"an unknown field": instead(`\"provider\":\"`, `\"unknown\":\"`+e.Word("unknown field in the state")+`\",\"provider\":\"`),
		"only a secret":    func(string, []byte) []byte { return []byte(e.Secret("stray secret in the state")) },
	} {
		good()
		each(change)
		broken := e.keep("targets", "state")
		e.everyCommand("state "+name, broken)
	}
	t.Logf("%d runs", e.runs)
}

// instead returns a change of a file that must have what is to be replaced.
func instead(old, replacement string) func(string, []byte) []byte {
	return func(file string, b []byte) []byte {
		if !strings.Contains(string(b), old) {
			panic(file + " has no " + old)
		}
		return []byte(strings.ReplaceAll(string(b), old, replacement))
	}
}

// Configurations that are wrong in ways that have to do with secrets.
func TestNothingLeaksByBrokenConfigurations(t *testing.T) {
	inTheWholeHunt(t)
	const begin = "account \"sagi\" \"a\" {\n  phone = \"p\"\n"
	for name, text := range map[string]func(secret string) string{
		"user info in base_url": func(s string) string {
			return begin + "  password = \"x\"\n  base_url = \"https://user:" + s + "@127.0.0.1:1\"\n}\n"
		},
		"secret for base_url": func(s string) string { return begin + "  password = \"x\"\n  base_url = sensitive(\"" + s + "\")\n}\n" },
		"query in base_url": func(s string) string {
			return begin + "  password = \"x\"\n  base_url = \"https://127.0.0.1:1/?token=" + s + "\"\n}\n"
		},
		"proxy that is no URL": func(s string) string {
			return begin + "  password = \"x\"\n  http {\n    proxy = \"http://u:" + s + "@%zz\"\n  }\n}\n"
		},
		"proxy of another scheme": func(s string) string {
			return begin + "  password = \"x\"\n  http {\n    proxy = \"ftp://u:" + s + "@127.0.0.1\"\n  }\n}\n"
		},
		"proxy that is not there": func(s string) string {
			return begin + "  password = \"x\"\n  base_url = \"http://127.0.0.1:1\"\n  http {\n    max_attempts = 1\n    proxy = \"http://u:" + s + "@127.0.0.1:1\"\n  }\n}\n"
		},
		"SOCKS proxy not there": func(s string) string {
			return begin + "  password = \"x\"\n  base_url = \"http://127.0.0.1:1\"\n  http {\n    max_attempts = 1\n    proxy = \"socks5://u:" + s + "@127.0.0.1:1\"\n  }\n}\n"
		},
		"header that is none": func(s string) string {
			return begin + "  password = \"x\"\n  http {\n    headers = { X = \"" + s + "\\n\" }\n  }\n}\n"
		},
		"secret for a header name": func(s string) string {
			return begin + "  password = \"x\"\n  http {\n    headers = { \"" + s + " a\" = \"x\" }\n  }\n}\n"
		},
		"not quoted":     func(s string) string { return begin + "  password = " + s + "\n}\n" },
		"not closed":     func(s string) string { return begin + "  password = \"" + s + "\n}\n" },
		"wrong type":     func(s string) string { return begin + "  password = [\"" + s + "\"]\n}\n" },
		"misspelt":       func(s string) string { return begin + "  pasword = \"" + s + "\"\n}\n" },
		"wrong provider": func(s string) string { return "account \"sgai\" \"a\" {\n  password = \"" + s + "\"\n}\n" },
		"key that is none": func(s string) string {
			return "account \"bereke\" \"a\" {\n  base_url = \"https://127.0.0.1:1\"\n  username = \"u\"\n  password = \"p\"\n  public_key = \"-----BEGIN PUBLIC KEY-----\\n" + s + "\\n-----END PUBLIC KEY-----\"\n}\n"
		},
		"basic_auth without colon": func(s string) string {
			return "account \"bereke\" \"a\" {\n  base_url = \"https://127.0.0.1:1\"\n  username = \"u\"\n  password = \"p\"\n  public_key_url = \"https://127.0.0.1:1\"\n  basic_auth = \"" + s + "\"\n}\n"
		},
		"username of wrong form": func(s string) string {
			return "account \"bifit_kassa\" \"a\" {\n  username = \"" + s + "\"\n  password = \"p\"\n}\n"
		},
		"token of wrong form": func(s string) string { return "account \"invoicebox\" \"a\" {\n  token = \"" + s + "\"\n}\n" },
		"certificate that is none": func(s string) string {
			return "account \"astana_plat\" \"a\" {\n  base_url = \"https://127.0.0.1:1\"\n  certificate {\n    cert_pem = \"" + s + "\"\n    key_pem = \"" + s + "\"\n  }\n}\n"
		},
		"PKCS#12 that is none": func(s string) string {
			return "account \"astana_plat\" \"a\" {\n  base_url = \"https://127.0.0.1:1\"\n  certificate {\n    pkcs12_base64 = \"" + s + "\"\n    pkcs12_password = \"" + s + "\"\n  }\n}\n"
		},
		"age identity that is none": func(s string) string {
			return "sink \"file\" \"f\" {}\nstate \"file\" \"f\" {\n  age_recipient = \"age1x\"\n  age_identity = \"" + s + "\"\n}\n"
		},
		"secret as the path of a sink": func(s string) string { return "sink \"file\" \"f\" {\n  dir = sensitive(\"" + s + "\")\n}\n" },
		"secret as a key of for_each": func(s string) string {
			return "account \"sagi\" \"a\" {\n  for_each = toset([sensitive(\"" + s + "\")])\n  phone = \"p\"\n  password = each.key\n}\n"
		},
		"parse": func(s string) string { return begin + "  password = tostring(parseint(\"" + s + "\", 10))\n}\n" },
		"variable of wrong type": func(s string) string {
			return "variable \"v\" {\n  type = number\n  sensitive = true\n  default = \"" + s + "\"\n}\n"
		},
		"Vault address with user info": func(s string) string {
			return "sink \"vault\" \"v\" {\n  address = \"http://u:" + s + "@127.0.0.1:1\"\n}\nstate \"vault\" \"v\" {\n  path = \"p\"\n}\n"
		},
		"JSON": func(s string) string {
			return "{\"account\": {\"sagi\": {\"a\": {\"phone\": \"p\", \"pasword\": \"" + s + "\"}}}}"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHunt(t)
			h.args = []string{"-C", h.path("config"), "--log-level", "trace"}
			file := "main.hcl"
			if name == "JSON" {
				file = "main.hcl.json"
			}
			h.write(text(h.Word("secret")), "config", file)
			failed := false
			for _, args := range [][]string{
				{"validate"}, {"validate", "--json"}, {"fmt", "--check", "--diff"}, {"plan"}, {"plan", "--json"}, {"apply", "--auto-approve", "--json"},
				{"status"}, {"login", "sagi.a", "--send-only"}, {"policy", "vault"}, {"policy", "kubernetes"}, {"state", "recover", "x"},
			} {
				failed = h.run(name, args...).code != 0 || failed
			}
			if !failed {
				t.Error("no command failed")
			}
		})
	}
}

// What is typed where something else belongs may be a secret too.
func TestNothingLeaksByWrongArguments(t *testing.T) {
	inTheWholeHunt(t)
	h := newHunt(t)
	s := h.Word("argument")
	for _, args := range [][]string{
		{"plan", "--var", s}, {"plan", "--var", "=" + s}, {"plan", "--var", "undeclared=" + s}, {"plan", "--var=" + s}, {"plan", "--variable=x=" + s},
		{"plan", "--vra", "x=" + s}, {"plan", "--json=" + s}, {"apply", "--concurrency=" + s}, {"apply", "--pasword=" + s}, {"plan", "-v=" + s},
		{"login", "a.b", "--code=" + s, "--send-only"}, {"login", "a.b", "--coed=" + s}, {"apply", "--auto-approve=" + s},
	} {
		if r := h.run("wrong arguments", args...); r.code != 1 {
			t.Errorf("%q ended with %d", args, r.code)
		}
	}
}

// TestEncryptedState hunts for the age identity, and for the state's content
// where that is encrypted.
func TestEncryptedState(t *testing.T) {
	inTheWholeHunt(t)
	t.Parallel()
	recipient, identity := ageKeys(t)
	for name, text := range map[string]string{
		"right": identity, "another": func() string { _, other := ageKeys(t); return other }(),
		"wrong letter": identity[:40] + "!" + identity[41:],
	} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			e.Add("state.file.age_identity", strings.TrimPrefix(identity, "AGE-SECRET-KEY-1"))
			e.Add("given identity", strings.TrimPrefix(text, "AGE-SECRET-KEY-1"))
			e.encrypt(recipient, identity)
			e.run("encrypted", "apply", "--auto-approve")
			e.encrypt(recipient, text)
			e.everyCommand(name, nil)

			// A state that takes nothing once the logins are made.
			e.must(os.RemoveAll(e.path("state")))
			e.write("in the way", "state")
			e.everyCommand(name+", no place for the state", nil)
		})
	}
}

func (e *accountEstate) encrypt(recipient, identity string) {
	block := fmt.Sprintf("state \"file\" \"state\" {\n  path = \".\"\n  age_recipient = %q\n  age_identity = %q\n}\n", recipient, identity)
	e.write(strings.Replace(e.config.String(), "state \"file\" \"state\" {\n  path = \".\"\n}\n", block, 1), "config", "main.hcl")
}
