package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/reference"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/credsync/credsync/upstreams"
)

// knownProviders are those that are built in, and the types of accounts that describe
// their upstream.
func knownProviders() []string {
	names := allproviders.Registry().With(described.InlineSpecs()...).Names()
	return slices.Sorted(slices.Values(slices.Concat(names, upstreams.Names())))
}

func TestProvidersCommandKnowsEveryProvider(t *testing.T) {
	list := command(t, nil, []string{"providers"})
	asJSON := command(t, nil, []string{"providers", "--json"})
	var tables []reference.ProviderJSON
	if err := json.Unmarshal([]byte(asJSON.stdout), &tables); err != nil {
		t.Fatal(err)
	}
	names := knownProviders()
	if len(tables) != len(names) {
		t.Errorf("%d tables of %d providers", len(tables), len(names))
	}
	for i, name := range names {
		if !strings.Contains(list.stdout, name) {
			t.Errorf("%s is not listed", name)
		}
		if tables[i].Name != name || len(tables[i].Attributes) == 0 || len(tables[i].Outputs) == 0 {
			t.Errorf("table %d is %+v", i, tables[i])
		}
		one := command(t, nil, []string{"providers", name})
		for _, a := range tables[i].Attributes {
			if one.code != 0 || !strings.Contains(one.stdout, "  "+a.Name+"  <") {
				t.Errorf("the reference of %s lacks %s", name, a.Name)
			}
		}
	}
	if got := command(t, nil, []string{"providers", "nobody"}); got.code != 1 || !strings.Contains(got.stderr, "Unknown provider") {
		t.Errorf("%+v", got)
	}
}

func TestSinksCommandKnowsEverySink(t *testing.T) {
	list := command(t, nil, []string{"sinks"})
	asJSON := command(t, nil, []string{"sinks", "--json"})
	var tables []reference.SinkJSON
	if err := json.Unmarshal([]byte(asJSON.stdout), &tables); err != nil {
		t.Fatal(err)
	}
	names := allsinks.Registry().Names()
	if len(tables) != len(names) {
		t.Fatalf("%d tables of %d sinks", len(tables), len(names))
	}
	for i, name := range names {
		if !strings.Contains(list.stdout, name) {
			t.Errorf("%s is not listed", name)
		}
		one := command(t, nil, []string{"sinks", name})
		for _, b := range tables[i].Blocks {
			for _, a := range b.Attributes {
				if one.code != 0 || !strings.Contains(one.stdout, "  "+a.Name+"  <") {
					t.Errorf("the reference of %s lacks %s of %s", name, a.Name, b.Type)
				}
			}
		}
	}
	if got := command(t, nil, []string{"sinks", "k8s"}); got.code != 1 || !strings.Contains(got.stderr, "Did you mean k8ssecret?") {
		t.Errorf("%+v", got)
	}
}

// A terminal shows neither Markdown nor lines of any length.
func TestReferenceFitsATerminal(t *testing.T) {
	for noun, names := range map[string][]string{"providers": knownProviders(), "sinks": allsinks.Registry().Names()} {
		for _, args := range append([][]string{{noun}}, each(noun, names)...) {
			got := command(t, nil, args)
			for line := range strings.Lines(got.stdout) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 || strings.Contains(line, "`") ||
					strings.HasPrefix(line, "|") {
					t.Errorf("%v: %d columns, or Markdown: %s", args, n, line)
				}
			}
		}
	}
}

func each(noun string, names []string) (args [][]string) {
	for _, name := range names {
		args = append(args, []string{noun, name})
	}
	return args
}
