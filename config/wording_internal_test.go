package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
)

func TestATextIsMadeASentenceOnce(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "  ": "", "a": "A.", "a.": "A.", "a?": "A?", "a!": "A!", "a}": "A}", "éa": "Éa.", " a b ": "A b.",
	} {
		if got := sentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The words of the language may be quoted from a line that does not parse. Others may be
// a password's.
func TestTheLanguagesWordsMayBeQuoted(t *testing.T) {
	words := languageWords(Options{Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry()})
	for _, w := range []string{"for", "if", "endfor", "dynamic", "null", "true", "account", "deliver", "for_each", "required_version"} {
		if !words[w] {
			t.Errorf("%s is not a word of the language", w)
		}
	}
	if words["hunter2"] || words[""] {
		t.Error("anything is a word of the language")
	}
}

// As many names as can be read are listed, and none where one of them may be a value.
func TestNamesAreListedWhereTheyAreFewAndLookLikeNames(t *testing.T) {
	var names []string
	for i := range 21 {
		names = append(names, strings.Repeat("n", i+1))
	}
	for n, listed := range map[int]bool{0: false, 1: true, 20: true, 21: false} {
		text := attributesThereAre(names[:n])
		if strings.Contains(text, fmt.Sprint(n)) == listed || n > 0 && strings.Contains(text, names[n-1]) != listed {
			t.Errorf("%d names: %s", n, text)
		}
	}
	for name, listed := range map[string]bool{"a b": true, "a_b": true, "a-b": true, "a.b": true, "имя": true, "pa55": false, "p@ss": false, "": false} {
		if text := attributesThereAre([]string{"plain", name}); strings.Contains(text, "plain") != listed {
			t.Errorf("%q: %s", name, text)
		}
	}
}

// A name is suggested where it is so near that it must have been meant.
func TestNearNamesAreSuggested(t *testing.T) {
	for _, c := range []struct {
		given string
		known []string
		want  string
	}{
		{"username", []string{"password", "username"}, "username"},
		{"usernam", []string{"password", "username"}, "username"},
		{"usrnam", []string{"username"}, "username"},
		{"usrnm", []string{"username"}, ""},
		{"mian", []string{"main"}, "main"},
		{"niam", []string{"main"}, ""},
		{"malns", []string{"main"}, "main"},
		{"xlains", []string{"plain"}, "plain"},
		{"xlain", []string{"plane"}, ""},
		{"ab", []string{"b"}, ""},
		{"ab", []string{"bb", "aa"}, "aa"},
		{"abc", []string{"abd", "abc"}, "abc"},
		{"", []string{"ab", "abc"}, ""},
		{"x", nil, ""},
	} {
		if got := nearest(c.given, c.known); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.given, c.known, got, c.want)
		}
	}
	if got := didYouMean("usernam", []string{"username"}); got != ` Did you mean "username"?` {
		t.Errorf("%q", got)
	}
}
