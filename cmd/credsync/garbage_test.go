package main

import "testing"

func TestGarbageLiesLongerWhereThereAreFewerAccounts(t *testing.T) {
	for accounts, want := range map[int]int{0: 400, 1: 400, 2_500: 400, 5_000: 200, 10_000: 100, 1_000_000: 100} {
		if got := growthFor(accounts); got != want {
			t.Errorf("%d accounts: the heap may grow by %d %%, want %d %%", accounts, got, want)
		}
	}
}
