package config_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
)

// instance is an account with something of all that is worked out once for the
// instances of a block, or may not be. It says EACH for the key and VALUE for
// the value.
const instance = `
  username = VALUE
  password = var.password
  base_url = "https://${var.host}"
  padding  = EACH == "b" ? "oaep_sha1" : null
  enabled  = local.enabled
  http {
    timeout = "5s"
    headers = { "X-Key" = EACH, "X-Host" = var.host }
  }
  certificate {
    cert_pem = "cert"
    key_pem  = var.password
  }
  deliver "file" "out" {
    path  = "one/${EACH}"
    adopt = true
  }
  deliver "vault" "main" {
    path = "two/${EACH}"
    data = { T = token.access_token, K = "fixed" }
  }
  deliver "vault" "main" {
    path = "three/${account.address}"
    data = { (EACH) = token.access_token, N = EACH == "b" ? null : account.name }
  }
  dynamic "deliver" {
    for_each = ["x", EACH]
    labels   = ["file", "out"]
    content {
      path = "four/${EACH}/${deliver.key}"
      data = { V = deliver.value, T = token.access_token }
    }
  }
`

const aroundInstances = vaultSink + `
variable "password" {
  default   = "hunter2"
  sensitive = true
}
variable "host" {
  default = "bank.example.com"
}
locals {
  enabled = var.host != ""
}
sink "file" "out" {
}
`

// described is all of an account but for its address and where it stands.
func described(t *testing.T, a *config.Account) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, a.Name, a.Enabled, a.RotateBefore, values(a.HTTP), values(a.Values))
	for _, d := range a.Deliveries {
		data, list := d.Render(token())
		fmt.Fprintln(&b, d.Sink.Name, d.Adopt, d.Target.Path, d.Target.Location, values(d.Target.Options), text(list))
		for _, key := range []string{"T", "K", "N", "V", "a", "b", "c", "access_token", "group_id"} {
			if secret, ok := data[key]; ok {
				fmt.Fprintf(&b, "%s=%q ", key, secret.Reveal())
			}
		}
	}
	quoted := strconv.Quote(a.Address)
	return strings.NewReplacer(a.Address, "ADDRESS", quoted[1:len(quoted)-1], "ADDRESS").Replace(b.String())
}

func values(v schema.Values) string {
	var b strings.Builder
	for _, a := range v.Block().Attributes {
		fmt.Fprintf(&b, "%s=%#v ", a.Name, v.Raw(a.Name))
	}
	for _, n := range v.Block().Blocks {
		for _, inner := range v.Nested(n.Type) {
			b.WriteString(n.Type + "{" + values(inner) + "}")
		}
	}
	return b.String()
}

// An instance of a for_each is what a block of its own would be.
func TestInstancesAreWhatBlocksOfTheirOwnWouldBe(t *testing.T) {
	each := strings.NewReplacer("EACH", "each.key", "VALUE", "each.value").Replace(instance)
	together := load(t, aroundInstances+"account \"bank\" \"x\" {\n for_each = { a = \"u1\", b = \"u2\", c = \"u3\" }\n"+each+"}\n")
	if len(together.Accounts) != 3 {
		t.Fatalf("%d accounts", len(together.Accounts))
	}
	for i, key := range []string{"a", "b", "c"} {
		own := strings.NewReplacer("${EACH}", key, "EACH", fmt.Sprintf("%q", key), "VALUE", fmt.Sprintf("\"u%d\"", i+1)).Replace(instance)
		alone := load(t, aroundInstances+"account \"bank\" \"x\" {\n"+own+"}\n")
		if got, want := described(t, together.Accounts[i]), described(t, alone.Accounts[0]); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", key, got, want)
		}
	}
}

// What one instance has right or wrong says nothing of the others.
func TestMistakesOfSomeInstancesAreReported(t *testing.T) {
	const src = aroundInstances + `
account "bank" "x" {
  for_each = { a = "48h", b = "soon", c = "later" }
  username = "u"
  password = var.password
  rotate_before = each.value
  deliver "file" "out" {
    path = each.key
    data = each.key == "b" ? null : { T = token.access_token }
  }
}
`
	said := text(problems(t, src))
	for _, want := range []string{"soon", "later", "must not be null", `account.bank.x["b"]`, `account.bank.x["c"]`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if strings.Contains(said, `account.bank.x["a"]`) {
		t.Errorf("nothing is wrong with a:\n%s", said)
	}
}

func TestRequiredArgumentsOfDynamicBlocksAreMissed(t *testing.T) {
	list := problems(t, aroundInstances+"account \"bank\" \"x\" {\n for_each = toset([\"a\", \"b\"])\n username = \"u\"\n password = \"p\"\n dynamic \"deliver\" {\n  content {\n   path = \"x\"\n  }\n }\n}\n")
	if len(list) != 2 || !strings.Contains(text(list), `"for_each" is required`) || !strings.Contains(text(list), `"labels" is required`) {
		t.Error(text(list))
	}
}

// Many targets in one directory are all looked at.
func TestEachTargetBelowAnotherIsReported(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": aroundInstances + `
account "bank" "x" {
  for_each = toset(["d/e/1", "d/e/2", "d/e", "f/1", "f/2"])
  username = "u"
  password = "p"
  deliver "file" "out" {
    path = each.key
  }
}
`})
	_, list := config.Load(context.Background(), options(dir, nil))
	if len(list) != 2 || strings.Count(text(list), "One target inside another") != 2 {
		t.Error(text(list))
	}
}
