//go:build bench

package bench

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/credsync/credsync/schema/address"
)

// shards splits a first apply over four processes.
func shards(t *testing.T, b *table) {
	const n = 4
	f := fleet{provider: "sagi", accounts: small(), form: fromCSV, place: inVault}
	v, s, p := vaultFleet(t, f)
	defer v.Stop()
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { p.run("apply", "--auto-approve", fmt.Sprintf("--shard=%d/%d", i, n)) })
	}
	wait.Wait()
	twice := 0
	for i := range f.accounts {
		if s.Counters("sagi", f.login(i)).Logins.Received != 1 {
			twice++
		}
	}
	b.add(twice == 0, fmt.Sprintf("%d accounts over %d shards at the same time", f.accounts, n), "one login each", "%d accounts with another number of logins", twice)
	f.accounts = *large
	least, most, moved := split(f, n)
	b.add(float64(most) <= 1.15*float64(f.accounts)/n, fmt.Sprintf("evenness of %d shards of %d accounts", n, f.accounts), "even", "%d to %d accounts", least, most)
	b.add(float64(moved) <= 1.15*float64(f.accounts)/(n+1), "accounts that move when a shard is added", "few", "%d of %d, at least %d have to", moved, f.accounts, f.accounts/(n+1))
}

// split counts the accounts of each of n shards, and those that move when one
// is added.
func split(f fleet, n int) (least, most, moved int) {
	sizes := make([]int, n)
	for i := range f.accounts {
		address := fmt.Sprintf("account.%s.fleet[%q]", f.provider, f.key(i))
		before := shardOf(address, n)
		sizes[before]++
		if shardOf(address, n+1) != before {
			moved++
		}
	}
	return slices.Min(sizes), slices.Max(sizes), moved
}

func shardOf(account string, n int) int {
	for i := range n {
		if (&address.Shard{Index: i, Count: n}).Has(account) {
			return i
		}
	}
	return -1
}
