package engine_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/google/go-cmp/cmp"
)

func TestChangesBetweenSeesEveryPartOfAnAccount(t *testing.T) {
	const two = oneAccount + `
account "fake" "b" {
  user     = "u"
  password = "pw"
  deliver "memory" "main" { path = "b" }
}
`
	a, b := []string{"account.fake.a"}, []string{"account.fake.b"}
	for _, tt := range []struct {
		name, old, new string
		want           engine.Changes
	}{
		{"nothing", "x", "x", engine.Changes{}},
		{"a comment", `user     = "u"`, "# ours\n  user = \"u\"", engine.Changes{}},
		{"a secret", `password = "pw"`, `password = "pw2"`, engine.Changes{Changed: a}},
		{"a policy", `user     = "u"`, "user = \"u\"\n  rotate_before = \"1h\"", engine.Changes{Changed: a}},
		{"the http block", `user     = "u"`, "user = \"u\"\n  http {\n    timeout = \"5s\"\n  }", engine.Changes{Changed: a}},
		{"a place", `{ path = "a" }`, `{ path = "c" }`, engine.Changes{Changed: a}},
		{"a mapping", `{ path = "a" }`, "{\n    path = \"a\"\n    data = { T = token.access_token }\n  }", engine.Changes{Changed: a}},
		{"adoption", `{ path = "a" }`, "{\n    path = \"a\"\n    adopt = true\n  }", engine.Changes{Changed: a}},
		{"the sink of both", `"main" {}`, `"main" { name = "other" }`, engine.Changes{Changed: append(a, b...)}},
		{"a name", `"fake" "a"`, `"fake" "c"`, engine.Changes{Added: []string{"account.fake.c"}, Removed: a}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := newWorld(t, two).config()
			after := newWorld(t, strings.Replace(two, tt.old, tt.new, 1)).config()
			got := engine.ChangesBetween(before, after)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Empty() != (tt.name == "nothing" || tt.name == "a comment") {
				t.Errorf("Empty is %t", got.Empty())
			}
		})
	}
}

// A mapping is also changed by what it refers to.
func TestChangesBetweenSeesAMappingThroughALocal(t *testing.T) {
	const hcl = `
locals { prefix = "old" }
` + oneAccount
	mapped := strings.Replace(hcl, `{ path = "a" }`, "{\n    path = \"a\"\n    data = { T = \"${local.prefix}-${token.group_id}\" }\n  }", 1)
	got := engine.ChangesBetween(newWorld(t, mapped).config(), newWorld(t, strings.Replace(mapped, `"old"`, `"new"`, 1)).config())
	if len(got.Changed) != 1 {
		t.Errorf("%+v", got)
	}
}
