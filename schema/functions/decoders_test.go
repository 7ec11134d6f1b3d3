package functions_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema/functions"
	"github.com/zclconf/go-cty/cty"
)

// decomposed is "é" as two characters, which the language would make one of.
const decomposed = "cafe\u0301"

func TestTextEntersOneWay(t *testing.T) {
	dir := t.TempDir()
	table := functions.Table(functions.Options{Dir: dir, Getenv: func(string) string { return "" }})
	call := func(name, arg string) (cty.Value, error) { return table[name].Call([]cty.Value{cty.StringVal(arg)}) }
	file := func(content string) (cty.Value, error) {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return call("file", "f")
	}
	base64decode := func(content string) (cty.Value, error) {
		return call("base64decode", base64.StdEncoding.EncodeToString([]byte(content)))
	}
	for name, tc := range map[string]struct {
		read  func(string) (cty.Value, error)
		text  string
		want  string
		error string
	}{
		"file":               {read: file, text: "пароль\n", want: "пароль\n"},
		"file, marked":       {read: file, text: "\ufeffx", want: "x"},
		"file, marked twice": {read: file, text: "\ufeff\ufeffx", want: "\ufeffx"},
		"file, decomposed":   {read: file, text: decomposed, error: "normal form C"},
		"file, windows-1251": {read: file, text: "\xef\xe0\xf0", error: "iconv -f WINDOWS-1251"},
		"file, UTF-16":       {read: file, text: "\xff\xfep\x00", error: "UTF-16"},
		"base64":             {read: base64decode, text: "\ufeffx", want: "x"},
		"base64, decomposed": {read: base64decode, text: decomposed, error: "normal form C"},
		"base64, other":      {read: base64decode, text: "\xef\xe0", error: "not UTF-8"},
		"url, decomposed":    {read: func(s string) (cty.Value, error) { return call("urldecode", s) }, text: "e%CC%81", error: "normal form C"},
		"json, escaped":      {read: func(s string) (cty.Value, error) { return call("jsondecode", s) }, text: `"e\u0301"`, error: "normal form C"},
		"json, half":         {read: func(s string) (cty.Value, error) { return call("jsondecode", s) }, text: `"\ud83d!"`, error: "lone surrogate"},
		"json, marked":       {read: func(s string) (cty.Value, error) { return call("jsondecode", s) }, text: "\ufeff\"x\"", want: "x"},
		"json, escapes":      {read: func(s string) (cty.Value, error) { return call("jsondecode", s) }, text: `"\u0078\ud83d\ude00"`, want: "x😀"},
		"yaml, escaped":      {read: func(s string) (cty.Value, error) { return call("yamldecode", s) }, text: `"e\u0301"`, error: "normal form C"},
		"yaml, marked":       {read: func(s string) (cty.Value, error) { return call("yamldecode", s) }, text: "\ufeffx", want: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := tc.read(tc.text)
			if tc.error != "" {
				if err == nil || !strings.Contains(err.Error(), tc.error) {
					t.Fatalf("error %v, want %q", err, tc.error)
				}
				return
			}
			if err != nil || v.AsString() != tc.want {
				t.Errorf("%#v, %v; want %q", v, err, tc.want)
			}
		})
	}
}

func TestTablesOfSpreadsheets(t *testing.T) {
	decode := functions.Table(functions.Options{Dir: t.TempDir(), Getenv: func(string) string { return "" }})["csvdecode"]
	for text, want := range map[string]string{
		"name,phone\ncoffee,1":         "",
		"\ufeffname,phone\r\ncoffee,1": "",
		"name,phone\rcoffee,1\r":       "",
		"name;phone\ncoffee;1":         "semicolons",
		"sep=;\nname;phone":            "semicolons",
		"name\tphone\ncoffee\t1":       "tabs",
	} {
		v, err := decode.Call([]cty.Value{cty.StringVal(text)})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "coffee") {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
			continue
		}
		if err != nil || v.LengthInt() != 1 || v.Index(cty.Zero).GetAttr("name").AsString() != "coffee" {
			t.Errorf("%q: %#v, %v", text, v, err)
		}
	}
}

func TestAnEmptyVariableIsNotToldToBeSet(t *testing.T) {
	env := functions.Table(functions.Options{
		Dir: t.TempDir(), Getenv: func(string) string { return "" }, EnvIsSet: func(name string) bool { return name == "EMPTY" },
	})["env"]
	for name, want := range map[string]string{"EMPTY": "is set, but empty", "UNSET": "is not set"} {
		if _, err := env.Call([]cty.Value{cty.StringVal(name)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
