package k8ssecret

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"k8s.io/apimachinery/pkg/util/validation"
)

// FuzzNames: a name that is accepted is the one that the API server sees, stays
// one segment of a URL, and has room for records' names behind it.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"sagi", "a.b", "..", ".", "a..b", "a/b", "%2f", "A", "ключ", "😀", "a_b", "-a", "a-", "a\x00", " a", "a\u202eb", "", strings.Repeat("a", 150), strings.Repeat("a", 254)} {
		f.Add(s)
	}
	record := "a-" + strings.Repeat("0", 91)
	f.Fuzz(func(t *testing.T, name string) {
		v := cty.StringVal(name)
		prefix, namespace := checkPrefix(v) == nil, checkNamespace(v) == nil
		if checkName(v) != nil {
			if prefix || namespace {
				t.Errorf("%q is a prefix (%v) or a namespace (%v), and no name", name, prefix, namespace)
			}
			return
		}
		u := url.URL{Scheme: "https", Host: "k8s", Path: "/api/v1/namespaces/shop/secrets/" + name}
		back, err := url.Parse(u.String())
		if err != nil || back.Path != u.Path || path.Base(back.Path) != name || u.EscapedPath() != u.Path ||
			path.Clean(u.Path) != u.Path {
			t.Errorf("%q arrives as %v, %v", name, back, err)
		}
		if prefix {
			full := recordName(name, record)
			if p := validation.IsDNS1123Subdomain(full); len(p) > 0 {
				t.Errorf("the record %q: %v", full, p)
			}
			if p := validation.IsValidLabelValue(stateMark(name)); len(p) > 0 {
				t.Errorf("the label %q: %v", stateMark(name), p)
			}
		}
	})
}
