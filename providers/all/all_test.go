package all_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func TestEveryProviderIsFullyDescribed(t *testing.T) {
	registry := all.Registry()
	emulated := sandbox.New(sandbox.Options{}).Upstreams()
	for _, name := range registry.Names() {
		t.Run(name, func(t *testing.T) {
			spec, _ := registry.Lookup(name)
			if spec.Doc == "" || spec.Source == "" || spec.New == nil {
				t.Error("Doc, Source or New is missing")
			}
			if _, ok := spec.Block().Attribute("base_url"); !ok {
				t.Error("there is no base_url")
			}
			if spec.RotateBefore != "" {
				if err := schema.CheckWindow(cty.StringVal(spec.RotateBefore)); err != nil {
					t.Error(err)
				}
			}
			if spec.Static == (spec.RotateBefore != "") {
				t.Error("a token is either static or rotated")
			}
			for _, a := range spec.Attributes {
				if a.Doc == "" {
					t.Errorf("%s has no doc", a.Name)
				}
				if a.Endpoint != strings.HasSuffix(a.Name, "_url") {
					t.Errorf("%s: what names a host that is contacted ends in _url and is marked as an endpoint", a.Name)
				}
				if a.Default != cty.NilVal && a.Check != nil && a.Check(a.Default) != nil {
					t.Errorf("the default of %s is refused", a.Name)
				}
			}
			for _, o := range spec.Outputs {
				if o.Doc == "" {
					t.Errorf("output %s has no doc", o.Name)
				}
			}
			if !slices.Contains(emulated, name) {
				t.Error("no emulator")
			}
		})
	}
}
