package functions_test

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func context(t *testing.T) *hcl.EvalContext {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"a.txt": "text\n", "b.bin": "\xff\xfe", "c.txt": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string {
		return map[string]string{"SET": "value", "DECOMPOSED": "e\u0301", "BINARY": "\xff"}[name]
	}
	return &hcl.EvalContext{Functions: functions.Table(functions.Options{Dir: dir, Getenv: getenv})}
}

func evaluate(t *testing.T, ctx *hcl.EvalContext, src string) (cty.Value, hcl.Diagnostics) {
	t.Helper()
	expr, problems := hclsyntax.ParseExpression([]byte(src), "test", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatalf("%s: %s", src, problems)
	}
	return expr.Value(ctx)
}

// segment is a part of a JWT.
func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// calls has one good call at least of every function, with its result.
func calls() map[string]string {
	return map[string]string{
		`abs(-3)`: `3`, `ceil(1.2)`: `2`, `floor(1.8)`: `1`, `log(8, 2)`: `3`, `max(1, 3, 2)`: `3`, `min(1, 3, 2)`: `1`,
		`parseint("ff", 16)`: `255`, `pow(2, 10)`: `1024`, `signum(-5)`: `-1`, `sum([1, 2, 3])`: `6`,
		`chomp("a\n")`: `"a"`, `format("%s-%03d", "a", 7)`: `"a-007"`, `formatlist("%s!", ["a", "b"])`: `tolist(["a!", "b!"])`,
		`indent(2, "a\nb")`: `"a\n  b"`, `join("-", ["a", "b"])`: `"a-b"`, `lower("A")`: `"a"`, `upper("a")`: `"A"`,
		`regex("[0-9]+", "ab12")`: `"12"`, `regexall("[0-9]", "1a2")`: `tolist(["1", "2"])`,
		`replace("a.b", ".", "-")`: `"a-b"`, `replace("abc", "/[ab]/", "x")`: `"xxc"`, `split(",", "a,b")`: `tolist(["a", "b"])`,
		`strrev("abc")`: `"cba"`, `substr("hello", 1, 3)`: `"ell"`, `title("ab cd")`: `"Ab Cd"`, `trim("xax", "x")`: `"a"`,
		`trimprefix("ab", "a")`: `"b"`, `trimsuffix("ab", "b")`: `"a"`, `trimspace(" a ")`: `"a"`,
		`startswith("ab", "a")`: `true`, `endswith("ab", "a")`: `false`, `strcontains("abc", "b")`: `true`,
		`alltrue([true, false])`: `false`, `alltrue([])`: `true`, `anytrue([false, true])`: `true`, `anytrue([])`: `false`,
		`chunklist(["a", "b", "c"], 2)`: `tolist([tolist(["a", "b"]), tolist(["c"])])`, `coalesce("", null, "a")`: `"a"`,
		`coalescelist([], ["a"])`: `["a"]`, `compact(["a", ""])`: `tolist(["a"])`, `concat(["a"], ["b"])`: `["a", "b"]`,
		`contains(["a"], "a")`: `true`, `distinct(["a", "a"])`: `tolist(["a"])`, `element(["a", "b"], 3)`: `"b"`,
		`flatten([["a"], ["b"]])`: `["a", "b"]`, `index(["a", "b"], "b")`: `1`, `keys({ b = 1, a = 2 })`: `["a", "b"]`,
		`length("añb")`: `3`, `length([1, 2])`: `2`, `length({ a = 1 })`: `1`, `length(toset(["a"]))`: `1`,
		`lookup({ a = "x" }, "b", "y")`: `"y"`, `matchkeys(["i", "j"], ["a", "b"], ["b"])`: `tolist(["j"])`,
		`merge({ a = 1 }, { b = 2 })`: `{ a = 1, b = 2 }`, `one(["a"])`: `"a"`, `one([])`: `null`, `range(3)`: `tolist([0, 1, 2])`,
		`reverse(["a", "b"])`: `["b", "a"]`, `setintersection(["a", "b"], ["b"])`: `toset(["b"])`,
		`setproduct(["a"], ["b"])`: `tolist([["a", "b"]])`, `setsubtract(["a", "b"], ["b"])`: `toset(["a"])`,
		`setunion(["a"], ["b"])`: `toset(["a", "b"])`, `slice(["a", "b", "c"], 1, 2)`: `["b"]`, `sort(["b", "a"])`: `tolist(["a", "b"])`,
		`transpose({ x = ["1", "2"], y = ["1"] })`: `tomap({ "1" = tolist(["x", "y"]), "2" = tolist(["x"]) })`,
		`values({ b = 1, a = 2 })`:                 `[2, 1]`, `zipmap(["a"], ["x"])`: `{ a = "x" }`,
		`base64encode("a")`: `"YQ=="`, `base64decode("YQ==")`: `"a"`, `csvdecode("a,b\n1,2")`: `tolist([{ a = "1", b = "2" }])`,
		`jsondecode("{\"a\":[1]}")`: `{ a = [1] }`, `jsonencode({ a = 1 })`: `"{\"a\":1}"`, `urlencode("a b&")`: `"a+b%26"`,
		`urldecode("a+b%26")`: `"a b&"`, `yamldecode("a: [1]")`: `{ a = [1] }`, `yamlencode({ a = 1 })`: `"\"a\": 1\n"`,
		`basename("a/b")`: `"b"`, `dirname("a/b")`: `"a"`, `fileexists("a.txt")`: `true`, `fileexists("none")`: `false`,
		`file("a.txt")`: `"text\n"`, `filebase64("b.bin")`: `"//4="`, `fileset(".", "*.txt")`: `toset(["a.txt", "c.txt"])`,
		`formatdate("YYYY", "2026-01-02T03:04:05Z")`: `"2026"`, `timeadd("2026-01-02T03:04:05Z", "1h")`: `"2026-01-02T04:04:05Z"`,
		`timecmp("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00")`: `0`,
		`md5("a")`:                  `"0cc175b9c0f1b6a831c399e269772661"`,
		`sha1("a")`:                 `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`,
		`sha256("a")`:               `"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`,
		`substr(sha512("a"), 0, 8)`: `"1f40fc92"`, `base64sha256("a")`: `"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="`,
		`substr(base64sha512("a"), 0, 8)`:                                     `"H0D8ktok"`,
		`hmacsha1("what do ya want for nothing?", "Jefe")`:                    `"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"`,
		`hmacsha256("what do ya want for nothing?", "Jefe")`:                  `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`,
		"hmacsha256(\"Hi There\", \"" + strings.Repeat("\\u000b", 20) + "\")": `"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"`,
		`base64hmacsha256("what do ya want for nothing?", "Jefe")`:            `"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="`,
		`base64urlencode("a?b>~~")`:                                           `"YT9iPn5-"`, `base64urlencode("a")`: `"YQ"`, `base64urlencode("")`: `""`,
		`jwtclaims("eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.")`: `{
			iss = "joe", exp = 1300819380, "http://example.com/is_root" = true }`,
		`jwtclaims("x.` + segment(`{"id":12345678901234567890.5,"a":[1,null]}`) + `==.x")`: `{ id = 12345678901234567890.5, a = [1, null] }`,
		`jwtclaims("x.` + segment(`{}`) + `.x")`:                                           `{}`,
		`can(jsondecode("{"))`:                                                             `false`, `try(jsondecode("{"), "x")`: `"x"`, `try(env("UNSET"), "x")`: `"x"`,
		`nonsensitive(env("SET"))`: `"value"`, `issensitive(env("SET"))`: `true`, `issensitive("a")`: `false`, `nonsensitive(sensitive("a"))`: `"a"`,
		`tobool("true")`: `true`, `tonumber("1")`: `1`, `tostring(1)`: `"1"`, `tolist(["a", 1])`: `tolist(["a", "1"])`,
		`tomap({ a = 1 })`: `tomap({ a = 1 })`, `toset(["a", "a"])`: `toset(["a"])`, `toset(["a", true])`: `toset(["true", "a"])`,
	}
}

func TestFunctionsGiveWhatTerraformGives(t *testing.T) {
	ctx := context(t)
	for src, wantSrc := range calls() {
		got, problems := evaluate(t, ctx, src)
		want, _ := evaluate(t, ctx, wantSrc)
		if problems.HasErrors() ||
			!got.RawEquals(want) && !got.Equals(want).True() && !(got.IsNull() && want.IsNull()) {
			t.Errorf("%s = %#v, want %#v %v", src, got, want, problems)
		}
	}
}

func TestEveryFunctionIsTried(t *testing.T) {
	all := strings.Join(slices.Collect(maps.Keys(calls())), "\n")
	for _, name := range slices.Sorted(maps.Keys(functions.Table(functions.Options{}))) {
		if !strings.Contains(all, name+"(") {
			t.Errorf("no call of %s is tested", name)
		}
	}
}

func TestFunctionsGiveTheSameTwice(t *testing.T) {
	ctx := context(t)
	for src := range calls() {
		first, _ := evaluate(t, ctx, src)
		for range 10 {
			if again, problems := evaluate(t, ctx, src); problems.HasErrors() || !again.RawEquals(first) {
				t.Errorf("%s = %#v, then %#v %v", src, first, again, problems)
			}
		}
	}
}

func TestImpureFunctionsAreAbsent(t *testing.T) {
	table := functions.Table(functions.Options{})
	for _, name := range append(functions.RequestTimeNames(), "plantimestamp", "bcrypt") {
		if _, ok := table[name]; ok {
			t.Errorf("%s would make two plans of one configuration differ", name)
		}
	}
}

// What is made of a sensitive value is sensitive, whatever the function.
func TestFunctionsKeepSensitivity(t *testing.T) {
	ctx := context(t)
	declassify := []string{"nonsensitive", "issensitive", "can"}
	for src := range calls() {
		name, rest, _ := strings.Cut(src, "(")
		if slices.Contains(declassify, name) || strings.HasPrefix(rest, ")") {
			continue
		}
		expr, _ := hclsyntax.ParseExpression([]byte(src), "test", hcl.InitialPos)
		call := expr.(*hclsyntax.FunctionCallExpr)
		for i := range call.Args {
			args := slices.Clone(call.Args)
			args[i] = &hclsyntax.FunctionCallExpr{Name: "sensitive", Args: []hclsyntax.Expression{call.Args[i]}}
			marked := *call
			marked.Args = args
			if name == "try" && i > 0 {
				continue
			}
			got, problems := marked.Value(ctx)
			if problems.HasErrors() {
				if name != "try" && name != "coalesce" {
					t.Errorf("%s, argument %d: %s", src, i, problems)
				}
				continue
			}
			if name == "try" {
				continue // its value is that of the first argument that works
			}
			if !got.ContainsMarked() {
				t.Errorf("%s with a sensitive argument %d gives a value that is not", src, i)
			}
		}
	}
}

func TestFunctionsRefuseWhatTheyCannotDo(t *testing.T) {
	ctx := context(t)
	for src, want := range map[string]string{
		`env("UNSET")`:            "UNSET is not set or empty",
		`env("DECOMPOSED")`:       "normal form C",
		`env("BINARY")`:           "is not UTF-8 text",
		`file("none")`:            "there is no file at",
		`file("b.bin")`:           "UTF-16 text; save it as UTF-8, or use filebase64",
		`file(".")`:               "is a directory",
		`file("/dev/null")`:       "is not a regular file",
		`fileexists(".")`:         "is not a regular file",
		`fileset(".", "[")`:       "not a valid pattern",
		`jwtclaims("canary")`:     "it is not a JWT",
		`jwtclaims("canary.?.x")`: "it is not a JWT",
		`jwtclaims("a.b.c.d.e")`:  "encrypted JWT",
		`jwtclaims("x.` + segment("canary") + `.x")`:                          "not a JSON object",
		`jwtclaims("x.` + segment(`{"canary":1} x`) + `.x")`:                  "not a JSON object",
		`jwtclaims("x.` + segment(`{"a":canary}`) + `.x")`:                    "not a JSON object",
		`jwtclaims("x.` + segment("[1]") + `.x")`:                             "not a JSON object",
		`jwtclaims("x.` + segment("null") + `.x")`:                            "not a JSON object",
		`jwtclaims("x.` + segment("\xff") + `.x")`:                            "not UTF-8",
		`jwtclaims("x.` + segment(`{"a":"e\u0301"}`) + `.x")`:                 "normal form C",
		`jwtclaims("x.` + segment(`{"a":`+strings.Repeat("[", 5000)) + `.x")`: "nested",
		`jwtclaims("x.` + segment(`{"a":1e100000000}`) + `.x")`:               "exponent",
		`jwtclaims("x.` + segment("{}]") + `.x")`:                             "closes",
		`jsondecode("{}]")`:            "closes",
		`jsondecode("1 } ...")`:        "closes",
		`jwtclaims(null)`:              "must not be null",
		`hmacsha256("a", null)`:        "must not be null",
		`base64decode("?")`:            "not valid base64",
		`base64decode("/w==")`:         "not UTF-8",
		`urldecode("%zz")`:             "not valid percent-encoding",
		`urldecode("%ff")`:             "not UTF-8",
		`replace("a", "/(/", "b")`:     "not a valid regular expression",
		`timecmp("x", "y")`:            "RFC 3339",
		`coalesce("", null)`:           "every argument is null or an empty string",
		`coalesce([], "a")`:            "the same type",
		`index(["a"], "b")`:            "no such element",
		`index("a", "b")`:              "must be a list",
		`length(1)`:                    "must be a string",
		`one(["a", "b"])`:              "one element or none",
		`one("a")`:                     "one element or none",
		`sum([1, null])`:               "must not have null",
		`matchkeys(["a"], [], ["b"])`:  "the same length",
		`transpose({ a = null })`:      "must not have null",
		`tonumber("]")`:                "cannot convert",
		`tonumber("x")`:                "cannot convert",
		`toset("x")`:                   "cannot convert",
		`tolist({ a = 1, b = "x" }.c)`: "does not have an attribute",
	} {
		_, problems := evaluate(t, ctx, src)
		if !problems.HasErrors() || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: got %v, want %q", src, problems, want)
		}
	}
}

func TestErrorsOfDecodersDoNotQuoteTheirInput(t *testing.T) {
	ctx := context(t)
	for _, src := range []string{
		`jwtclaims("CANARY")`, `jwtclaims("a.CANARY!.c")`, `jwtclaims("a.` + segment("CANARY") + `.c")`, `jwtclaims("a.` + segment(`{"a":CANARY}`) + `.c")`,
		`jwtclaims("a.` + segment(`{"CANARY":1,"CANARY":"a"}`) + `.c")`,
		`base64decode("CANARY!")`, `urldecode("CANARY%zz")`, `timecmp("CANARY", "x")`, `replace("a", "/CANARY(/", "")`,
	} {
		if _, problems := evaluate(t, ctx, src); !problems.HasErrors() || strings.Contains(problems.Error(), "CANARY") {
			t.Errorf("%s: %v", src, problems)
		}
	}
}

func TestUnknownArgumentsGiveUnknownResults(t *testing.T) {
	ctx := context(t)
	ctx.Variables = map[string]cty.Value{
		"s": cty.UnknownVal(
			cty.String,
		), "l": cty.UnknownVal(cty.List(cty.String)), "m": cty.UnknownVal(cty.Map(cty.List(cty.String))),
		"b": cty.UnknownVal(cty.Bool), "d": cty.DynamicVal,
	}
	for _, src := range []string{
		`env(s)`, `file(s)`, `fileset(s, "*")`, `length(s)`, `length(l)`, `length(d)`, `coalesce(s, "x")`, `alltrue([b, true])`, `anytrue([false, b])`,
		`index([s], "x")`, `matchkeys(["a"], [s], ["b"])`, `transpose(m)`, `one(l)`, `one(d)`, `sum(d)`, `toset(d)`, `tonumber(s)`, `tonumber(d)`, `tolist(l)`, `base64sha256(s)`,
		`hmacsha1(s, "k")`, `hmacsha256("t", s)`, `base64hmacsha256(s, s)`, `base64urlencode(s)`, `jwtclaims(s)`, `jwtclaims(d)`,
	} {
		got, problems := evaluate(t, ctx, src)
		if problems.HasErrors() || got.IsWhollyKnown() {
			t.Errorf("%s = %#v %v", src, got, problems)
		}
	}
}

func TestFunctionsKeepSensitivityOfElements(t *testing.T) {
	ctx := context(t)
	for _, src := range []string{
		`zipmap([sensitive("a")], ["x"])`, `zipmap(["a"], [sensitive("x")])`, `join("", [sensitive("a")])`, `flatten([[sensitive("a")]])`,
		`concat([sensitive("a")], ["b"])`, `merge({ a = sensitive("x") }, {})`, `values({ a = sensitive("x") })`, `toset([sensitive("a")])`,
		`lookup({ a = sensitive("x") }, "a", "")`, `element([sensitive("a")], 0)`, `jsonencode([sensitive("a")])`, `yamlencode([sensitive("a")])`,
		`formatlist("%s", [sensitive("a")])`, `setproduct([sensitive("a")], ["b"])`, `transpose({ a = [sensitive("x")] })`, `distinct([sensitive("a")])`,
		`contains([sensitive("a")], "a")`, `index([sensitive("a")], "a")`, `one([sensitive("a")])`, `matchkeys([sensitive("a")], ["b"], ["b"])`,
		`matchkeys(["a"], [sensitive("b")], ["b"])`, `sort([sensitive("a")])`, `reverse([sensitive("a")])`, `compact([sensitive("a")])`,
		`chunklist([sensitive("a")], 1)`, `slice([sensitive("a")], 0, 1)`, `sum([sensitive(1)])`, `max(sensitive(1), 2)`, `coalescelist([], [sensitive("a")])`,
		`setunion([sensitive("a")], ["b"])`, `setsubtract([sensitive("a")], ["b"])`, `setintersection([sensitive("a")], ["a"])`, `alltrue([sensitive(true)])`,
	} {
		got, problems := evaluate(t, ctx, src)
		if problems.HasErrors() {
			t.Errorf("%s: %s", src, problems)
		} else if !got.ContainsMarked() {
			t.Errorf("%s gives a value that is not sensitive", src)
		}
	}
}
