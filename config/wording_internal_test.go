package config

import (
	"fmt"
	"strings"
	"testing"
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
