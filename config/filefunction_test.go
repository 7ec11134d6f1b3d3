package config_test

import (
	"context"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

// Most secrets come from a file or from the environment, so that the commonest
// mistake is a wrong name. A name is no secret; what it leads to is.
func TestMissingFileOfASecretIsNamed(t *testing.T) {
	for name, tc := range map[string]struct{ before, password, want, never string }{
		"file":                {"", `file("missing.pem")`, "missing.pem", ""},
		"filebase64":          {"", `filebase64("missing.p12")`, "missing.p12", ""},
		"inside another call": {"", `trimspace(file("keys/missing.pem"))`, "keys/missing.pem", ""},
		"a directory":         {"", `file(".")`, "is a directory", ""},
		"not text":            {"", `file("binary")`, "binary is UTF-16 text", "\xff"},
		"environment":         {"", `env("NOT_SET")`, "NOT_SET", ""},
		"named by a variable": {"variable \"path\" {\n default = \"missing.pem\"\n}\n", `file(var.path)`, "var.path", ""},
		"in a local":          {"locals {\n key = file(\"missing.pem\")\n}\n", `local.key`, "missing.pem", ""},
		"local by a variable": {"variable \"path\" {\n default = \"missing.pem\"\n}\nlocals {\n key = file(var.path)\n}\n", `local.key`, "var.path", ""},
		"named by a secret":   {"", `file(env("SECRET"))`, "Details are left out", canary},
		"named by sensitive":  {"", `file(sensitive("` + canary + `"))`, "Details are left out", canary},
		"another call fails":  {"", `parseint(file("secret.txt"), 10)`, "Details are left out", canary},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{
				"main.hcl":   tc.before + "account \"bank\" \"a\" {\n  username = \"u\"\n  password = " + tc.password + "\n}\n",
				"secret.txt": canary, "binary": "\xff\xfe",
			})
			_, list := config.Load(context.Background(), options(dir, map[string]string{"SECRET": canary}))
			if !list.HasErrors() {
				t.Fatal("no error was found")
			}
			all := everything(t, list)
			if !strings.Contains(all, tc.want) {
				t.Errorf("%q is not named:\n%s", tc.want, text(list))
			}
			if tc.never != "" && strings.Contains(all, tc.never) {
				t.Errorf("the secret was shown:\n%s", text(list))
			}
		})
	}
}
