package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed are the words that a shell would offer.
func completed(t *testing.T, args ...string) []string {
	t.Helper()
	r := command(t, nil, append([]string{"__complete"}, args...))
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	var words []string
	for line := range strings.Lines(r.stdout) {
		word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !strings.HasPrefix(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

func TestShellsCompleteWhatTheConfigurationHas(t *testing.T) {
	dir := t.TempDir()
	const src = `
variable "password" { sensitive = true }
sink "vault" "main" { address = "https://vault.example.com" }
sink "vault" "other" { address = "https://vault.example.com" }
sink "file" "out" { dir = "out" }
data "vault" "d" {
  sink = "main"
  path = "d"
}
notify "webhook" "oncall" { url = var.password }
notify "webhook" "slack" { url = data.vault.d.slack }
account "sagi" "coffee" {
  phone    = data.vault.d.phone
  password = var.password
}
account "sagi" "shop" {
  for_each = toset(["almaty", "kz/as tana"])
  mistake  = each.key
}
account "bereke" "main" {
  for_each = nonsensitive(data.vault.d.companies)
}
`
	file := filepath.Join(dir, "main.hcl")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want []string
	}{
		"all accounts":                    {[]string{"-C", dir, "login", ""}, []string{"bereke.main", "sagi.coffee", "sagi.shop[almaty]", `sagi.shop["kz/as tana"]`}},
		"begun":                           {[]string{"-C", dir, "state", "show", "sagi.s"}, []string{"sagi.shop[almaty]", `sagi.shop["kz/as tana"]`}},
		"begun with a quote":              {[]string{"-C", dir, "state", "rm", `sagi.shop["a`}, []string{`sagi.shop["almaty"]`}},
		"begun in full":                   {[]string{"-C", dir, "state", "unlock", "account.sagi.c"}, []string{"account.sagi.coffee"}},
		"one account is enough":           {[]string{"-C", dir, "state", "show", "sagi.coffee", ""}, nil},
		"the others":                      {[]string{"-C", dir, "verify", "sagi.coffee", "sagi.c"}, nil},
		"a flag, by the path":             {[]string{"plan", file, "--target", "sagi.c"}, []string{"sagi.coffee"}},
		"a flag, by -C":                   {[]string{"apply", "-C", dir, "--replace", "b"}, []string{"bereke.main"}},
		"sinks of the type":               {[]string{"-C", dir, "policy", "vault", ""}, []string{"main", "other"}},
		"sinks but those given":           {[]string{"-C", dir, "policy", "vault", "main", ""}, []string{"other"}},
		"notify blocks":                   {[]string{"-C", dir, "notify", "test", ""}, []string{"oncall", "slack"}},
		"notify blocks but those given":   {[]string{"-C", dir, "notify", "test", "oncall", ""}, []string{"slack"}},
		"providers":                       {[]string{"providers", ""}, knownProviders()},
		"levels":                          {[]string{"plan", "--log-level", ""}, []string{"trace", "debug", "info", "warn", "error", "off"}},
		"where there is no configuration": {[]string{"-C", filepath.Join(dir, "nothing"), "login", ""}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := completed(t, tt.args...)
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("completed %q, want %q", got, tt.want)
			}
		})
	}
}
