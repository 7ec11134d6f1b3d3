package main

import (
	"encoding/json"
	"strings"
	"testing"

	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
)

func TestProvidersCommandKnowsEveryProvider(t *testing.T) {
	list := command(t, nil, []string{"providers"})
	asJSON := command(t, nil, []string{"providers", "--json"})
	var tables []reference.ProviderJSON
	if err := json.Unmarshal([]byte(asJSON.stdout), &tables); err != nil {
		t.Fatal(err)
	}
	names := allproviders.Registry().Names()
	if len(tables) != len(names) {
		t.Errorf("%d tables of %d providers", len(tables), len(names))
	}
	for i, name := range names {
		if !strings.Contains(list.stdout, name) {
			t.Errorf("%s is not listed", name)
		}
		if tables[i].Name != name || len(tables[i].Attributes) == 0 || len(tables[i].Outputs) == 0 {
			t.Errorf("table %d is %+v", i, tables[i])
		}
		one := command(t, nil, []string{"providers", name})
		for _, a := range tables[i].Attributes {
			if one.code != 0 || !strings.Contains(one.stdout, "`"+a.Name+"`") {
				t.Errorf("the reference of %s lacks %s", name, a.Name)
			}
		}
	}
	if got := command(t, nil, []string{"providers", "nobody"}); got.code != 1 || !strings.Contains(got.stderr, "There is no provider") {
		t.Errorf("%+v", got)
	}
}
