package keyedhash_test

import (
	"testing"

	"github.com/credsync/credsync/internal/keyedhash"
)

func sum(key string, parts ...string) string {
	h := keyedhash.New([]byte(key))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum()
}

// What joins to the same text, or is empty in between, is another list.
func TestListsThatDifferHaveOtherSums(t *testing.T) {
	sums := map[string]string{}
	for name, got := range map[string]string{
		"ab c":      sum("key", "ab", "c"),
		"a bc":      sum("key", "a", "bc"),
		"abc":       sum("key", "abc"),
		"abc empty": sum("key", "abc", ""),
		"empty abc": sum("key", "", "abc"),
		"nothing":   sum("key"),
		"empty":     sum("key", ""),
		"other key": sum("other", "abc"),
	} {
		if other, twice := sums[got]; twice {
			t.Errorf("%s and %s have one sum", name, other)
		}
		sums[got] = name
	}
	if again := sum("key", "abc"); sums[again] != "abc" {
		t.Error("one list has two sums")
	}
}

// What is in states that were written before must still match.
func TestSumIsThatOfStatesInUse(t *testing.T) {
	const want = "6792a685701881d31208bf28ad5cbe35d0ea5cc4f15c4689af94fe1602c421e3"
	if got := sum("key", "ab", "c"); got != want {
		t.Errorf("the sum is %s, want %s", got, want)
	}
}
