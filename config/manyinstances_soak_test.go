//go:build soak

package config_test

import (
	"context"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

const many = `
sink "file" "out" { dir = "out" }
account "bank" "a" {
  for_each = toset([for i in setproduct(range(1000), range(100)) : "${i[0]}-${i[1]}"])
  username = each.key
  password = "p"
  deliver "file" "out" { path = "${each.key}.json" }
}
`

func TestSoakManyInstances(t *testing.T) {
	c := load(t, many)
	if len(c.Accounts) != 100_000 {
		t.Errorf("%d accounts, want 100,000", len(c.Accounts))
	}
}

// What is asked for here takes hours and all memory.
func TestSoakInstancesWithoutEnd(t *testing.T) {
	for name, forEach := range map[string]string{
		"loops in loops": `[for i in flatten([for x in range(1000) : [for y in range(1000) : [for z in range(10) : "s-${x}-${y}-${z}"]]]) : i]`,
		"setproduct":     `[for i in setproduct(range(1000), range(1000), range(10)) : "${i[0]}-${i[1]}-${i[2]}"]`,
	} {
		t.Run(name, func(t *testing.T) {
			src := "account \"bank\" \"a\" {\n for_each = toset(" + forEach + ")\n username = each.key\n password = \"p\"\n}\n"
			_, list := config.Load(context.Background(), options(write(t, map[string]string{"main.hcl": src}), nil))
			if said := text(list); !list.HasErrors() || !strings.Contains(said, "more than") {
				t.Errorf("got %.500s", said)
			}
		})
	}
}
