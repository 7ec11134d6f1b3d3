package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicyOfTheReadme: the sample in the README is what the command prints of
// the example.
func TestPolicyOfTheReadme(t *testing.T) {
	dir := t.TempDir()
	example, err := os.ReadFile("../../examples/vault.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), example, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(
		t.Context(),
		[]string{
			"policy",
			"vault",
			"-C",
			dir,
			"--var",
			"sagi_url=https://s.example.com",
			"--var",
			"invoicebox_url=https://i.example.com",
		},
		environment{
			stdin: strings.NewReader(
				"",
			), stdout: &stdout, stderr: &stderr, now: newClock().now, getenv: func(string) string { return "" },
		},
	)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "### The least a Vault token needs")
	_, sample, _ := strings.Cut(section, "```hcl\n")
	sample, _, found := strings.Cut(sample, "```\n")
	if !found || sample == "" {
		t.Fatal("the README has no sample of a policy")
	}
	for rule := range strings.SplitSeq(strings.TrimSpace(sample), "\n\n") {
		if !strings.Contains(stdout.String(), rule+"\n") {
			t.Errorf("the command does not print\n%s\nbut\n%s", rule, stdout.String())
		}
	}
}
