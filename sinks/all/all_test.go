package all_test

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks/all"
	"github.com/google/go-cmp/cmp"
)

func TestRegistry(t *testing.T) {
	if diff := cmp.Diff([]string{"file", "k8ssecret", "vault"}, all.Registry().Names()); diff != "" {
		t.Error(diff)
	}
}

// TestTablesAreWhole: what the reference is generated from has no gaps.
func TestTablesAreWhole(t *testing.T) {
	r := all.Registry()
	for _, name := range r.Names() {
		spec, _ := r.Lookup(name)
		if spec.Doc == "" || spec.Target == nil || spec.Record == nil || spec.Source == nil || spec.New == nil {
			t.Errorf("%s: the spec is not complete", name)
		}
		if p := spec.Policy; p != nil && (p.Name == "" || p.Short == "" || p.Long == "" || p.Print == nil) {
			t.Errorf("%s: the policy is not complete", name)
		}
		for _, block := range []schema.Block{spec.Connection, spec.Deliver, spec.State, spec.Data} {
			checkBlock(t, name+"."+block.Type, block)
		}
	}
}

func checkBlock(t *testing.T, name string, b schema.Block) {
	t.Helper()
	var seen []string
	for _, a := range b.Attributes {
		if a.Doc == "" || slices.Contains(seen, a.Name) {
			t.Errorf("%s.%s: no Doc, or twice", name, a.Name)
		}
		seen = append(seen, a.Name)
	}
	for _, n := range b.Blocks {
		for _, v := range append(n.Variants, n.Block) {
			checkBlock(t, name+"."+n.Type, v)
		}
	}
}
