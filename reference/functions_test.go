package reference_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/credsync/credsync/reference"
	"github.com/credsync/credsync/schema/functions"
)

func TestThePageNamesEveryFunction(t *testing.T) {
	page := string(reference.Language())
	all := functions.Table(functions.Options{})
	maps.Copy(all, functions.RequestTable(nil, nil))
	for name := range all {
		if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+name+"(") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range append(functions.OwnNames(), functions.RequestTimeNames()...) {
		if all[name].Description() == "" || !strings.Contains(page, "| `"+name+"(") {
			t.Errorf("%s has no description", name)
		}
	}
}
