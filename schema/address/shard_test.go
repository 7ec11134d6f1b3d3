package address

import (
	"fmt"
	"testing"
)

func TestShardsSplitEvenlyAndMoveFewAccounts(t *testing.T) {
	const accounts = 10000
	address := func(i int) string { return fmt.Sprintf("account.sagi.shop[%q]", fmt.Sprint(i)) }
	for n := 1; n <= 8; n++ {
		counts := make([]int, n)
		moved := 0
		for i := range accounts {
			before := jump(address(i), n)
			counts[before]++
			if after := jump(address(i), n+1); after != before {
				moved++
				if after != n {
					t.Fatalf("account %d moved from shard %d to %d, which was there before", i, before, after)
				}
			}
		}
		for shard, c := range counts {
			if fair := accounts / n; c < fair*9/10 || c > fair*11/10 {
				t.Errorf("shard %d of %d has %d accounts, want about %d", shard, n, c, fair)
			}
		}
		if want := accounts / (n + 1); moved > want*11/10 {
			t.Errorf("adding a shard to %d moved %d accounts, want about %d", n, moved, want)
		}
	}
}

func TestEveryAccountIsInExactlyOneShard(t *testing.T) {
	for i := range 100 {
		address := fmt.Sprint("account.x.a", i)
		in := 0
		for index := range 4 {
			if (&Shard{index, 4}).Has(address) {
				in++
			}
		}
		if in != 1 {
			t.Errorf("%s is in %d shards", address, in)
		}
	}
	if !(*Shard)(nil).Has("account.x.a") {
		t.Error("without shards, an account is left out")
	}
}

func TestParseShard(t *testing.T) {
	for _, tt := range []struct {
		text, index string
		want        Shard
		bad         bool
	}{
		{"0/4", "", Shard{0, 4}, false},
		{"3/4", "1", Shard{3, 4}, false},
		{"4", "2", Shard{2, 4}, false},
		{"4", "", Shard{}, true},
		{"4/4", "", Shard{}, true},
		{"-1/4", "", Shard{}, true},
		{"1/0", "", Shard{}, true},
		{"a/b", "", Shard{}, true},
		{"0/99999999", "", Shard{}, true},
		{"", "", Shard{}, true},
	} {
		got, err := ParseShard(tt.text, tt.index)
		if (err != nil) != tt.bad || err == nil && *got != tt.want {
			t.Errorf("ParseShard(%q, %q) = %v, %v", tt.text, tt.index, got, err)
		}
	}
}
