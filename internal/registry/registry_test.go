package registry_test

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/internal/registry"
)

func name(s string) string { return s }

func TestTypesAreFoundByTheirNames(t *testing.T) {
	r := registry.New("letters", name, "b", "a")
	if got, ok := r.Lookup("a"); !ok || got != "a" {
		t.Errorf("a is %q, %t", got, ok)
	}
	if _, ok := r.Lookup("c"); ok {
		t.Error("c is known")
	}
	if got := r.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("names %q", got)
	}
}

func TestANameGivenTwiceIsABug(t *testing.T) {
	defer func() {
		if said := recover(); said != `letters: "a" is registered twice` {
			t.Errorf("said %v", said)
		}
	}()
	registry.New("letters", name, "a", "a")
}
