package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realCommand runs the program as it is, with an empty environment.
func realCommand(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, environment{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, now: newClock().now,
	})
	return result{code, stdout.String(), stderr.String()}
}

func TestValidateWarnsOfAStateBesideTargets(t *testing.T) {
	dir := t.TempDir()
	write := func(namespace string) {
		t.Helper()
		text := `
sink "k8ssecret" "shop" { namespace = "shop" }
state "k8ssecret" "shop" { namespace = "` + namespace + `" }
account "invoicebox" "billing" {
  token = "b37c4c689295904ed21eee5d9a48d42e"
  deliver "k8ssecret" "shop" { name = "billing" }
}`
		if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, warned := range map[string]bool{"shop": true, "credsync": false} {
		write(namespace)
		got := realCommand(t, "validate", dir)
		if got.code != 0 || strings.Contains(got.stderr, "The state shares its location") != warned {
			t.Errorf("state in %s: %+v", namespace, got)
		}
	}
}
