package main

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/reference"
	"mvdan.cc/sh/v3/shell"
)

// An example is copied: its command, its flags and its arguments have to be right.
func TestExamplesOfHelpAreCommandLines(t *testing.T) {
	have := map[string]bool{}
	for _, c := range reference.Documented(commands()) {
		name := strings.TrimPrefix(c.CommandPath(), "credsync ")
		have[name] = true
		if len(examples[name]) == 0 && name != "version" && !strings.HasPrefix(name, "completion") {
			t.Errorf("%s has no example", name)
		}
		if strings.Contains(c.Example, "credsync "+name) == (len(examples[name]) == 0) {
			t.Errorf("the help of %s shows %q", name, c.Example)
		}
	}
	for name, lines := range examples {
		if !have[name] {
			t.Errorf("there is no command %q", name)
		}
		for _, line := range lines {
			for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == '&' || r == '>' }) {
				words, err := shell.Fields(part, nil)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				if len(words) == 0 || words[0] != "credsync" {
					continue
				}
				c, rest, err := commands().Find(words[1:])
				if err == nil {
					err = c.ParseFlags(rest)
				}
				if err == nil {
					err = c.ValidateArgs(c.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
}
