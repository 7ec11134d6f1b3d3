package config_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

func TestValuesThatAreGivenAsText(t *testing.T) {
	const src = `
variable "list" {
  type    = list(string)
  default = []
}
variable "shop" {
  type    = object({ id = number, name = optional(string, "unnamed") })
  default = { id = 1 }
}
variable "flag" {
  type     = bool
  default  = true
  nullable = false
}
variable "any" {
  default = "x"
}
variable "pin" {
  type      = list(number)
  default   = [1]
  sensitive = true
}
account "bank" "a" {
  username = "${join("+", var.list)} ${var.shop.id} ${var.shop.name} ${var.flag} ${var.any}"
  password = "p"
}
`
	for _, c := range []struct {
		arg, want, wrong string
	}{
		{"list=[]", " 1 unnamed true x", ""},
		{`list=["a", "b"]`, "a+b 1 unnamed true x", ""},
		{" list =[1]", "1 1 unnamed true x", ""},
		{`shop={ id = "7" }`, " 7 unnamed true x", ""},
		{`shop={ id = 7, name = "n" }`, " 7 n true x", ""},
		{"flag=false", " 1 unnamed false x", ""},
		{"any=[1]", " 1 unnamed true [1]", ""},
		{"any=a=b", " 1 unnamed true a=b", ""},
		{"any=", " 1 unnamed true ", ""},
		{"list=[", "", `The value of variable "list" given by --var is not a valid expression.`},
		{"list=upper(1)", "", `The value of variable "list" given by --var is not a valid expression.`},
		{"list=" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "", "is not a valid expression"},
		{"list=[\"e\u0301\"]", "", "is not a valid expression"},
		{"list=[\"\xff\"]", "", "is not a valid expression"},
		{"any=\xff", "", `The value of variable "any" given by --var is not`},
		{"any=e\u0301", "", `The value of variable "any" given by --var`},
		{"list=null", "", "null"},
		{"shop={ name = 1 }", "", `attribute "id" is required`},
		{"flag=maybe", "", "bool required"},
		{"pin=[\"canary-pin\"]", "", "list(number) required"},
		{"lst=[]", "", `A value for the variable "lst" was given by --var, but the configuration does not declare it. Did you mean "list"?`},
		{"no value", "", "A --var option must be a variable's name, an equals sign and its value"},
		{"1x=2", "", "A --var option must be a variable's name"},
	} {
		with := func(o *config.Options) { o.Inputs = []config.Input{{Var: c.arg}} }
		if c.wrong == "" {
			if got := load(t, src, with).Accounts[0].Values.String("username"); got != c.want {
				t.Errorf("%s: %q, want %q", c.arg, got, c.want)
			}
			continue
		}
		list := problems(t, src, with)
		if len(list) != 1 || !strings.Contains(list[0].Detail, c.wrong) || strings.Contains(everything(t, list), "canary-pin") {
			t.Errorf("%.40s: %s", c.arg, text(list))
		}
	}
}

func TestNullInAVariablesFile(t *testing.T) {
	const src = "variable \"a\" {\n default = \"d\"\n nullable = false\n}\nvariable \"b\" {\n default = \"d\"\n}\nvariable \"c\" {\n nullable = false\n}\naccount \"bank\" \"x\" {\n username = \"${var.a} ${var.b == null} ${var.c}\"\n password = \"p\"\n}\n"
	for values, want := range map[string]string{"a = null\nb = null\nc = \"c\"\n": "d true c", "a = null\nb = null\nc = null\n": ""} {
		dir := write(t, map[string]string{"main.hcl": src, "x.auto.credvars": values})
		c, list := config.Load(t.Context(), options(dir, nil))
		switch {
		case want == "" && (len(list) != 1 || !strings.Contains(list[0].Detail, `is not valid for the variable "c"`) ||
			!strings.Contains(list[0].Detail, "it must not be null") || list[0].Range == nil):
			t.Errorf("%s: %s", values, text(list))
		case want != "" && (len(list) > 0 || c.Accounts[0].Values.String("username") != want):
			t.Errorf("%s: %s", values, text(list))
		}
	}
}

// A variable of the environment that is set to nothing may have been meant as a value.
func TestAnEmptyVariableOfTheEnvironmentIsNoValue(t *testing.T) {
	for _, set := range []bool{true, false} {
		list := problems(t, "variable \"x\" {\n}\n", func(o *config.Options) {
			o.EnvIsSet = func(name string) bool { return set && name == "CREDSYNC_VAR_x" }
		})
		if len(list) != 1 || strings.Contains(list[0].Detail, "no value: the environment variable CREDSYNC_VAR_x is set, but empty.") != set || list[0].Range == nil {
			t.Errorf("set %t: %s", set, text(list))
		}
	}
}

func TestFilesOfVariablesThatAreWrong(t *testing.T) {
	const src = "variable \"x\" {\n default = 1\n}\n"
	for content, want := range map[string]string{
		"x = y\n":          `The value of variable "x" must be a literal`,
		"x = upper(\"a\")": `The value of variable "x" must be a literal`,
		"x {\n}\n":         "A variables file has lines of the form name = value, and no blocks.",
		"x = \"canary":     "cannot be parsed",
	} {
		dir := write(t, map[string]string{"main.hcl": src, "x.auto.credvars": content})
		_, list := config.Load(t.Context(), options(dir, nil))
		if !list.HasErrors() ||
			!strings.Contains(strings.ReplaceAll(text(list), "\n│ ", " "), want) && want != "cannot be parsed" ||
			strings.Contains(everything(t, list), "canary") {
			t.Errorf("%q: %s", content, text(list))
		}
	}
	dir := write(t, map[string]string{"main.hcl": src, "x.auto.credvars": "xx = 1\n"})
	_, list := config.Load(t.Context(), options(dir, nil))
	if len(list) != 1 || list.HasErrors() || !strings.Contains(list[0].Detail, `gives a value to the variable "xx"`) || list[0].Range == nil {
		t.Error(text(list))
	}
}
