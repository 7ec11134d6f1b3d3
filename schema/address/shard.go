package address

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Shard is the part of the accounts that one of several runners works on.
type Shard struct {
	// Index counts from 0 and is below Count.
	Index, Count int
}

// maxShards bounds Count: more runners than accounts help nobody.
const maxShards = 10000

// ParseShard reads "I/N", or "N" with the index taken from elsewhere: the
// index that a Kubernetes Indexed Job gives each of its pods.
func ParseShard(s, index string) (*Shard, error) {
	i, n, both := strings.Cut(s, "/")
	if !both {
		i, n = index, s
		if index == "" {
			return nil, fmt.Errorf("%q is not a shard: write I/N, such as 0/4 for the first of four, or run in an Indexed Job, which sets JOB_COMPLETION_INDEX", s)
		}
	}
	shard := &Shard{}
	var err, err2 error
	shard.Index, err = strconv.Atoi(i)
	shard.Count, err2 = strconv.Atoi(n)
	if err != nil || err2 != nil || shard.Index < 0 || shard.Count < 1 || shard.Count > maxShards ||
		shard.Index >= shard.Count {
		return nil, fmt.Errorf(
			"%q is not a shard: write I/N with I from 0 to N-1, such as 0/4 for the first of four",
			i+"/"+n,
		)
	}
	return shard, nil
}

// Has reports whether an account belongs to the shard. It depends on nothing
// but the address, and another shard takes accounts only from those there are:
// of N shards, adding one moves one account in N+1.
func (s *Shard) Has(address string) bool {
	return s == nil || jump(address, s.Count) == s.Index
}

// jump is the jump consistent hash of Lamping and Veach, arXiv:1406.2294.
func jump(address string, buckets int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(address))
	key := h.Sum64()
	b, j := int64(-1), int64(0)
	for j < int64(buckets) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(b)
}
