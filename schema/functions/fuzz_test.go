package functions_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema/functions"
	"github.com/zclconf/go-cty/cty"
)

// FuzzCSVDecode: whatever a table of accounts looks like, it is read as it is
// or refused.
func FuzzCSVDecode(f *testing.F) {
	for _, s := range []string{"a,b\n1,2", "", "a", "a,a\n1,2", "a,b\n1", "\"a\nb\",c\n1,2", "a,b\r\n1,2\r\n", "\ufeffa,b\n1,2", ",\n,", "a\n\xff", "\"", "a,\"b\"c\n", "a\x00b\n1", strings.Repeat("a,", 300)} {
		f.Add(s)
	}
	decode := functions.Table(functions.Options{Dir: f.TempDir(), Getenv: func(string) string { return "" }})["csvdecode"]
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decode.Call([]cty.Value{cty.StringVal(text)})
		if err != nil {
			return
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
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
