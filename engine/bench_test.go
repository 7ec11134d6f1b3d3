package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
)

// BenchmarkPlan plans many accounts with nothing to do, in memory.
func BenchmarkPlan(b *testing.B) {
	const n = 10000
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, "%q,", fmt.Sprint(i))
	}
	w := newWorld(b, strings.Replace(manyAccounts, `"1", "2", "3", "4", "5"`, names.String(), 1))
	w.bulk = map[string]bool{"main": true, "state": true}
	w.apply()
	e := w.engine()
	b.ReportAllocs()
	for b.Loop() {
		p := e.Plan(b.Context(), engine.Request{Offline: true})
		if len(p.Accounts) != n || p.Accounts[0].Action != plan.None {
			b.Fatal("there is something to do")
		}
	}
}
