package config_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

func TestAMissingVariableIsOneErrorWhereverItIsUsed(t *testing.T) {
	for name, src := range map[string]string{
		"settings":      "credsync {\n  project = var.v\n}\n",
		"formerly":      "credsync {\n  formerly = [local.v]\n}\nlocals {\n  v = var.v\n}\n",
		"audit":         "audit {\n  path = var.v\n}\n",
		"for_each":      "account \"bank\" \"a\" {\n  for_each = toset([var.v])\n  username = \"u\"\n  password = each.key\n}\n",
		"sink":          "sink \"vault\" \"main\" {\n  address = var.v\n}\n",
		"sink for_each": "sink \"vault\" \"main\" {\n  for_each = toset([var.v])\n  address = each.key\n}\n",
		"state":         vaultSink + "state \"vault\" \"main\" {\n  path = var.v\n}\n",
		"deliver":       vaultSink + "account \"bank\" \"a\" {\n  username = \"u\"\n  password = \"p\"\n  deliver \"vault\" \"main\" {\n    path = var.v\n  }\n}\n",
	} {
		list := problems(t, src+"variable \"v\" {\n  type = string\n}\n")
		if len(list) != 1 || list[0].Summary != "No value for required variable" {
			t.Errorf("%s: %s", name, text(list))
		}
	}
	data := "data \"vault\" \"d\" {\n  sink = \"main\"\n  path = \"x\"\n}\n"
	if list := problems(t, vaultSink+data+"credsync {\n  project = nonsensitive(data.vault.d.x)\n}\n"); len(list) != 1 || list[0].Summary != "Settings must be known" {
		t.Errorf("data: %s", text(list))
	}
}

func TestAMessageOfTheUserIsShownAsWritten(t *testing.T) {
	const src = "variable \"v\" {\n  type = string\n  validation {\n    condition = false\n    error_message = \"%s\"\n  }\n}\n"
	for message, want := range map[string]string{
		"iOS devices only":   `Variable "v": iOS devices only.`,
		"say yes!":           `Variable "v": say yes!`,
		"eBay, see https://": `Variable "v": eBay, see https://.`,
	} {
		list := problems(t, strings.Replace(src, "%s", message, 1), func(o *config.Options) { o.Inputs = inputs("v=x") })
		if len(list) != 1 || list[0].Detail != want {
			t.Errorf("%q: %s", message, text(list))
		}
	}
}

func TestAnEmptyVariableIsSaidToBeEmpty(t *testing.T) {
	src := "variable \"v\" {\n  type = string\n}\n"
	for set, want := range map[bool]string{true: "CREDSYNC_VAR_v is set, but empty", false: "no default and no value. Set it"} {
		list := problems(t, src, func(o *config.Options) { o.EnvIsSet = func(string) bool { return set } })
		if len(list) != 1 || !strings.Contains(list[0].Detail, want) {
			t.Errorf("%s", text(list))
		}
	}
}

func TestAMissingColumnIsToldWithThoseThereAre(t *testing.T) {
	for table, want := range map[string]string{
		`title,phone\ncoffee,1`:                `each.value has no attribute "name". It has phone, title.`,
		`\ufeffName,phone\ncoffee,1`:           `Did you mean "Name"? It has Name, phone.`,
		`coffee,+77001112233,pass\ntea,2,pass`: "It has 3 attributes. They are not shown",
	} {
		src := "account \"bank\" \"a\" {\n  for_each = { for row in csvdecode(\"" + table + "\") : \"x\" => row }\n" +
			"  username = each.value.name\n  password = \"p\"\n}\n"
		list := problems(t, src)
		if len(list) != 1 || !strings.Contains(list[0].Detail, want) || strings.Contains(list[0].Detail, "pass") {
			t.Errorf("%s: %s", table, text(list))
		}
	}
}
