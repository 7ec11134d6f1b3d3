package functions_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhatWouldBeTooMuchIsRefusedBeforeItIsMade(t *testing.T) {
	laughs := `a0: &a0 [x,x,x,x,x,x,x,x,x]\n`
	for i := 1; i < 9; i++ {
		alias := fmt.Sprintf("*a%d,", i-1)
		laughs += fmt.Sprintf(`a%d: &a%d [%s]\n`, i, i, strings.TrimSuffix(strings.Repeat(alias, 9), ","))
	}
	ctx := context(t)
	for src, want := range map[string]string{
		`setproduct(range(1000), range(1000), range(1000))`:                                      "elements",
		`indent(2000000000, "a\nb")`:                                                             "64 MiB",
		`indent(1000000, join("\n", range(1000)))`:                                               "64 MiB",
		`join(join("", range(1000)), [for i in range(10): join("", range(1000))])`:               "",
		`join(indent(100000, "a\nb"), range(1000))`:                                              "64 MiB",
		`replace(indent(100000, "a\nb"), " ", indent(100000, "a\nb"))`:                           "64 MiB",
		`replace(indent(100000, "a\nb"), "/ /", indent(100000, "a\nb"))`:                         "64 MiB",
		fmt.Sprintf(`replace(indent(100000, "a\nb"), "/.*/", "%s")`, strings.Repeat("$0", 1000)): "64 MiB",
		`yamldecode("` + laughs + `")`:                                                           "elements",
		`yamldecode("` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `")`:              "nested",
		`jsondecode("` + strings.Repeat("[", 4<<20) + `")`:                                       "nested",
		`jsondecode("` + strings.Repeat(`{\"a\":`, 201) + "0" + strings.Repeat("}", 201) + `")`:  "nested",
		`jsondecode("` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `")`:              "",
		`jsondecode("[` + strings.Repeat("[],", 1000) + `{}]")`:                                  "",
		`jsondecode("\"` + strings.Repeat("[", 300) + `\\\"[[\"")`:                               "",
		`"${jsondecode("[1e100000000]")[0]}"`:                                                    "exponent",
		`"${jsondecode("-1.5E+00100000000")}"`:                                                   "exponent",
		`"${jsondecode("1e-100000000")}"`:                                                        "exponent",
		`jsondecode("[1e9999, 1e0000001, true, \"1e100000000\"]")`:                               "",
		`jsondecode("` + strings.Repeat("1", 1001) + `")`:                                        "digits",
		`jsondecode("\"` + strings.Repeat("1", 1001) + `\"")`:                                    "",
		`yamldecode("1e100000000")`:                                                              "exponent",
		`yamldecode("\"1e100000000\"")`:                                                          "",
		`"${tonumber("1e100000000")}"`:                                                           "exponent",
		`tonumber("1e9999")`:                                                                     "",
		`yamldecode("5e12345ab")`:                                                                "",
		`yamldecode("a: ` + strings.Repeat("1", 1001) + `")`:                                     "digits",
		`yamldecode("&a [*a]")`:                                                                  "",
		`yamldecode("{canary")`:                                                                  "not valid YAML",
	} {
		_, problems := evaluate(t, ctx, src)
		if problems.HasErrors() != (want != "") && !strings.Contains(src, "*a]") {
			t.Errorf("%.60s: %v", src, problems)
		}
		if problems.HasErrors() && (!strings.Contains(problems.Error(), want) || strings.Contains(problems.Error(), "canary")) {
			t.Errorf("%.60s: got %.300q, want %q", src, problems.Error(), want)
		}
	}
}
