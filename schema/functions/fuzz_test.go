package functions_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/schema/functions"
	"github.com/zclconf/go-cty/cty"
)

// FuzzCSVDecode: whatever a table of accounts looks like, it is read as it is
// or refused.
func FuzzCSVDecode(f *testing.F) {
	for _, s := range []string{"a,b\n1,2", "", "a", "a,a\n1,2", "a,b\n1", "\"a\nb\",c\n1,2", "a,b\r\n1,2\r\n", "\ufeffa,b\n1,2", ",\n,", "a\n\xff", "\"", "a,\"b\"c\n", "a\x00b\n1", strings.Repeat("a,", 300), "a,b\r1,2\r", "a;b\n1;2", "a\tb\n1\t2", "\ufeff\ufeffa"} {
		f.Add(s)
	}
	decode := functions.Table(functions.Options{Dir: f.TempDir(), Getenv: func(string) string { return "" }})["csvdecode"]
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decode.Call([]cty.Value{cty.StringVal(text)})
		if err != nil {
			return
		}
		lines := strings.TrimPrefix(cty.StringVal(text).AsString(), "\ufeff")
		if !strings.Contains(lines, "\n") {
			lines = strings.ReplaceAll(lines, "\r", "\n")
		}
		rows, err := csv.NewReader(strings.NewReader(lines)).ReadAll()
		if err != nil {
			t.Fatalf("it is read, and is no CSV: %v", err)
		}
		if got := v.LengthInt(); got != len(rows)-1 {
			t.Errorf("%d rows, want %d", got, len(rows)-1)
		}
		if columns := len(v.Type().ElementType().AttributeTypes()); columns != len(rows[0]) {
			t.Errorf("%d columns, want %d", columns, len(rows[0]))
		}
	})
}

// FuzzDecodedTextIsWhatWasWritten: no decoder gives a text that differs from what its
// input says, be it by normalization or by characters in place of others.
func FuzzDecodedTextIsWhatWasWritten(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u0065\u0301"`, `"\ud83d"`, `"\ud83d\ude00"`, `"\ufffd"`, "\ufeff\"x\"", `"\ufeffx"`, `"e\\u0301"`, "\"\ufffd\"", `"\uFFFD"`} {
		f.Add(s)
	}
	decode := functions.Table(functions.Options{Dir: f.TempDir(), Getenv: func(string) string { return "" }})
	f.Fuzz(func(t *testing.T, text string) {
		encoded := cty.StringVal(base64.StdEncoding.EncodeToString([]byte(text)))
		if v, err := decode["base64decode"].Call([]cty.Value{encoded}); err == nil {
			if got := v.AsString(); got != strings.TrimPrefix(text, "\ufeff") {
				t.Errorf("base64decode of %q is %q", text, got)
			}
		}
		if inputtext.Check(text) != nil {
			return
		}
		v, err := decode["jsondecode"].Call([]cty.Value{cty.StringVal(text)})
		if err != nil || v.Type() != cty.String || v.IsNull() {
			return
		}
		var want string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &want); err != nil || v.AsString() != want {
			t.Errorf("jsondecode of %q is %q (%v)", text, v.AsString(), err)
		}
	})
}
