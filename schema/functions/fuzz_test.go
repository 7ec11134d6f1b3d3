package functions_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
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

// FuzzJWTClaims: whatever an upstream sends as a token, its claims are what it says, or an
// error that quotes nothing of it.
func FuzzJWTClaims(f *testing.F) {
	for _, s := range []string{`{}`, `{"exp":1300819380}`, `{"a":[{"b":null}],"c":"\u0065\u0301"}`, `{"a":1,"a":2}`, `{"a":1,"a":"b"}`,
		`{"a":1e9999}`, `{"a":1e-10000}`, `[]`, `null`, `{"a":12345678901234567890.123}`, "\ufeff{}", `{"":0}`, `{"a":"\ud83d"}`, `{`, `{} {}`} {
		f.Add("e30."+base64.RawURLEncoding.EncodeToString([]byte(s))+".c2ln", s)
	}
	f.Add("", "")
	f.Add("a.b.c.d.e", "{}")
	decode := functions.Table(functions.Options{})["jwtclaims"]
	f.Fuzz(func(t *testing.T, token, claims string) {
		for _, text := range []string{token, "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"} {
			v, err := decode.Call([]cty.Value{cty.StringVal(text)})
			var refusal functions.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Errorf("%q: the error may quote the token: %v", text, err)
			}
			if err == nil && (!v.Type().IsObjectType() || v.IsNull() || !v.IsWhollyKnown()) {
				t.Errorf("%q: %#v", text, v)
			}
			if err == nil && text != token {
				sameAsJSON(t, strings.TrimPrefix(claims, inputtext.BOM), v)
			}
		}
	})
}

// sameAsJSON compares a value with what the standard library reads.
func sameAsJSON(t *testing.T, text string, got cty.Value) {
	t.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("it is read, and is no object: %v", err)
	}
	if len(want) != len(got.Type().AttributeTypes()) {
		t.Errorf("%q: %#v", text, got)
	}
	for name, raw := range want {
		v := got.GetAttr(cty.NormalizeString(name))
		var s string
		if json.Unmarshal(raw, &s) == nil && string(raw) != "null" && v.AsString() != s {
			t.Errorf("%q of %q is %#v", name, text, v)
		}
		if number, err := cty.ParseNumberVal(string(raw)); err == nil && !v.RawEquals(number) {
			t.Errorf("%q of %q is %#v", name, text, v)
		}
	}
}
