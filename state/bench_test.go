package state_test

import (
	"testing"

	"github.com/credsync/credsync/state"
)

func BenchmarkCodec(b *testing.B) {
	record := full()
	b.ReportAllocs()
	for b.Loop() {
		text, err := state.Encode(record)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := state.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
