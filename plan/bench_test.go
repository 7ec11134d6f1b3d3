package plan_test

import (
	"testing"

	"github.com/credsync/credsync/plan"
)

func BenchmarkDecide(b *testing.B) {
	a := good()
	b.ReportAllocs()
	for b.Loop() {
		if plan.Decide(a).Action != plan.None {
			b.Fatal("there is something to do")
		}
	}
}
