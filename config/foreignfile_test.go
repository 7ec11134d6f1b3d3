package config_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

// A file of another tool beside the configuration is one mistake, not one for each of
// its blocks.
func TestFilesOfOtherToolsAreNamedOnce(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string
	}{
		"Vault policy": {
			"path \"secret/data/a\" {\n  capabilities = [\"read\"]\n}\n\npath \"secret/data/b\" {\n  capabilities = [\"read\"]\n}\n",
			[]string{"It looks like a Vault policy."},
		},
		"one rule":     {"path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n", []string{"It looks like a Vault policy."}},
		"Vault Agent":  {"pid_file = \"x\"\n\nauto_auth {\n}\n", []string{"It looks like a configuration of Vault Agent."}},
		"Nomad":        {"job \"shop\" {\n}\n", []string{"It looks like a Nomad job."}},
		"unknown tool": {"gizmo {\n}\n\nwidget {\n}\n\nzebra = 1\n", []string{"is not a credsync configuration"}},
		"one unknown":  {"gizmo {\n}\n", []string{`"gizmo"`}},
		"a slip":       {"acount \"bank\" \"a\" {\n}\n", []string{`Did you mean "account"?`}},
		"Terraform":    {"resource \"bank\" \"a\" {\n}\n\npath \"x\" {\n}\n", []string{"Use account blocks to declare accounts.", `"path"`}},
		"among blocks": {"path \"x\" {\n}\n\nlocals {\n}\n", []string{`"path"`}},
		"state block":  {"path \"x\" {\n}\n\nstate \"file\" \"a\" {\n}\n", []string{`"path"`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"main.hcl": "sink \"file\" \"a\" {\n}\n", "other.hcl": tt.file} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, list := config.Load(context.Background(), options(dir, nil))
			if len(list) != len(tt.want) {
				t.Fatalf("%d messages, want %d: %v", len(list), len(tt.want), list)
			}
			for i, want := range tt.want {
				if said := list[i].Summary + "; " + list[i].Detail; !strings.Contains(said, want) {
					t.Errorf("%q does not say %q", said, want)
				}
				if list[i].Range == nil || filepath.Base(list[i].Range.Filename) != "other.hcl" {
					t.Errorf("%v does not name the file", list[i].Range)
				}
			}
		})
	}
}
