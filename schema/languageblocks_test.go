package schema_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

func tables() []*schema.Block {
	return []*schema.Block{
		schema.SettingsBlock(), schema.AuditBlock(), schema.NotifyBlock(), schema.MovedBlock(),
		schema.ImportBlock(), schema.VariableBlock(), schema.LocalsBlock(), schema.SinkCommon(), schema.StateCommon(),
		schema.DataCommon(), schema.DeliverCommon(), schema.AccountCommon(), schema.HTTPBlock(),
	}
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func TestTablesOfTheLanguageAreSound(t *testing.T) {
	for _, b := range tables() {
		checkTable(t, b)
	}
}

func checkTable(t *testing.T, b *schema.Block) {
	t.Helper()
	if !nameForm.MatchString(b.Type) || b.Doc == "" {
		t.Errorf("block %q: needs a name and a Doc", b.Type)
	}
	seen := map[string]bool{}
	for _, a := range b.Attributes {
		where := b.Type + "." + a.Name
		if !nameForm.MatchString(a.Name) || seen[a.Name] {
			t.Errorf("%s: bad or repeated name", where)
		}
		seen[a.Name] = true
		if !strings.HasSuffix(a.Doc, ".") {
			t.Errorf("%s: Doc is no sentence", where)
		}
		if a.Required && (a.Default != cty.NilVal || a.DefaultText != "") {
			t.Errorf("%s: required, and yet has a default", where)
		}
		if a.Default != cty.NilVal {
			checkDefault(t, where, a)
		}
	}
	for i := range b.Blocks {
		if seen[b.Blocks[i].Type] {
			t.Errorf("%s: both an attribute and a block", b.Blocks[i].Type)
		}
		checkTable(t, &b.Blocks[i].Block)
	}
}

func checkDefault(t *testing.T, where string, a schema.Attribute) {
	t.Helper()
	v, err := convert.Convert(a.Default, a.Type)
	if err != nil || !v.RawEquals(a.Default) {
		t.Errorf("%s: the default is not of the type", where)
	}
	if len(a.OneOf) > 0 && !slices.Contains(a.OneOf, a.Default.AsString()) {
		t.Errorf("%s: the default is none of OneOf", where)
	}
	if a.Check != nil {
		if err := a.Check(a.Default); err != nil {
			t.Errorf("%s: the default: %v", where, err)
		}
	}
	if a.Sensitive {
		t.Errorf("%s: a default is no secret", where)
	}
}

func TestTablesAreNotShared(t *testing.T) {
	schema.AccountCommon().Attributes[0].Name = "changed"
	if schema.AccountCommon().Attributes[0].Name == "changed" {
		t.Error("a caller can change another's table")
	}
}

const certificate = `-----BEGIN CERTIFICATE-----
MIIBdDCCARqgAwIBAgIUP7XaMsTCmH9uAqd0LYoRhXYVrJUwCgYIKoZIzj0EAwIw
-----END CERTIFICATE-----
`

func TestChecksOfTheLanguage(t *testing.T) {
	headers := func(kv ...string) cty.Value {
		m := map[string]cty.Value{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = cty.StringVal(kv[i+1])
		}
		return cty.MapVal(m)
	}
	s, n := cty.StringVal, cty.NumberFloatVal
	list := func(v ...cty.Value) cty.Value { return cty.ListVal(v) }
	cases := []struct {
		block     *schema.Block
		attribute string
		good, bad []cty.Value
	}{
		{schema.SettingsBlock(), "project", []cty.Value{s("payments"), s("a.b_c-9")}, []cty.Value{s(""), s("a/b"), s("-a"), s(strings.Repeat("a", 64)), s("ä")}},
		{schema.SettingsBlock(), "schedule", []cty.Value{s("*/10 * * * *"), s("0 3 * * 1-5"), s("@hourly")}, []cty.Value{s("@reboot"), s("* * * *"), s("0 0 0 * * *"), s("60 * * * *")}},
		{schema.HTTPBlock(), "timeout", []cty.Value{s("100ms"), s("10m")}, []cty.Value{s("0s"), s("11m"), s("x"), s("99ms")}},
		{schema.HTTPBlock(), "max_attempts", []cty.Value{n(1), n(10)}, []cty.Value{n(0), n(11), n(1.5), n(-1)}},
		{schema.HTTPBlock(), "requests_per_second", []cty.Value{n(0.1), n(100)}, []cty.Value{n(0), n(-1), n(10001)}},
		{
			schema.HTTPBlock(),
			"proxy",
			[]cty.Value{s("http://u:p@proxy:3128"), s("socks5://proxy:1080")},
			[]cty.Value{s("proxy:3128"), s("ftp://x"), s("http://"), s("::")},
		},
		{
			schema.HTTPBlock(),
			"ca_pem",
			nil,
			[]cty.Value{
				s(""),
				s("x"),
				s(certificate),
				s("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"),
			},
		},
		{
			schema.HTTPBlock(),
			"headers",
			[]cty.Value{headers("X-Key", "k"), cty.MapValEmpty(cty.String)},
			[]cty.Value{headers("X Key", "k"), headers("X", "a\nb"), headers("", "k")},
		},
		{
			schema.SettingsBlock(),
			"formerly",
			[]cty.Value{list(s("shop")), list(s("a"), s("b"))},
			[]cty.Value{list(s("a"), s("a")), list(s("a/b")), list(cty.NullVal(cty.String))},
		},
		{
			schema.NotifyBlock(),
			"url",
			[]cty.Value{s("https://hooks.example.com/x"), s("http://hooks.example.com?key=x")},
			[]cty.Value{s("hooks.example.com"), s("ftp://h"), s("https://u:p@h"), s("https://h/#x"), s("")},
		},
		{
			schema.NotifyBlock(),
			"on",
			[]cty.Value{cty.SetVal([]cty.Value{s("blocked")})},
			[]cty.Value{cty.SetValEmpty(cty.String), cty.SetVal([]cty.Value{s("blocked"), cty.NullVal(cty.String)})},
		},
		{schema.NotifyBlock(), "after_failures", []cty.Value{n(1), n(1000)}, []cty.Value{n(0), n(1001), n(2.5)}},
		{
			schema.NotifyBlock(),
			"timeout",
			[]cty.Value{s("100ms"), s("30s")},
			[]cty.Value{s("99ms"), s("31s"), s("soon")},
		},
		{
			schema.ImportBlock(),
			"expires_at",
			[]cty.Value{s("2026-01-31T15:04:05Z"), s("2026-01-31T20:04:05.5+05:00")},
			[]cty.Value{s(""), s("2026-01-31"), s("2026-01-31T15:04:05")},
		},
		{
			schema.ImportBlock(),
			"outputs",
			[]cty.Value{cty.EmptyObjectVal, cty.MapVal(map[string]cty.Value{"a": s("b")})},
			[]cty.Value{s("x"), list(s("x"))},
		},
		{
			schema.AccountCommon(),
			"rotate_before",
			[]cty.Value{s("48h"), s("25%")},
			[]cty.Value{s("0%"), s("100%"), s("soon")},
		},
	}
	for _, tc := range cases {
		a, _ := tc.block.Attribute(tc.attribute)
		for _, v := range tc.good {
			if err := a.Check(v); err != nil {
				t.Errorf("%s %#v: %v", a.Name, v, err)
			}
		}
		for _, v := range tc.bad {
			if err := a.Check(v); err == nil {
				t.Errorf("%s %#v: no error", a.Name, v)
			}
		}
	}
}

func TestChecksOfSensitiveAttributesDoNotQuoteThem(t *testing.T) {
	proxy, _ := schema.HTTPBlock().Attribute("proxy")
	headers, _ := schema.HTTPBlock().Attribute("headers")
	webhook, _ := schema.NotifyBlock().Attribute("url")
	expires, _ := schema.ImportBlock().Attribute("expires_at")
	for name, err := range map[string]error{
		"proxy":        proxy.Check(cty.StringVal("ftp://u:canary@h")),
		"header name":  headers.Check(cty.MapVal(map[string]cty.Value{"can ary": cty.StringVal("x")})),
		"webhook":      webhook.Check(cty.StringVal("https://u:canary@h")),
		"time":         expires.Check(cty.StringVal("canary")),
		"header value": headers.Check(cty.MapVal(map[string]cty.Value{"X": cty.StringVal("canary\n")})),
	} {
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "can ary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVariantHasCommonRowsAndItsOwn(t *testing.T) {
	order := []string{}
	check := func(name string) func(schema.Values) error {
		return func(schema.Values) error { order = append(order, name); return nil }
	}
	n := schema.Nested{
		Block: schema.Block{Type: "auth", Attributes: []schema.Attribute{{Name: "mount", Type: cty.String}}, Check: check("common")},
		Variants: []schema.Block{
			{Type: "token", Attributes: []schema.Attribute{{Name: "token", Type: cty.String}}, Check: check("own")},
			{Type: "auth", Labels: []string{"jwt"}},
		},
	}
	if diff := cmp.Diff([]string{"token", "jwt"}, n.VariantLabels()); diff != "" {
		t.Error(diff)
	}
	v, ok := n.Variant("token")
	if !ok || v.Type != "auth" || len(v.Attributes) != 2 || v.Check(schema.Values{}) != nil {
		t.Errorf("%+v", v)
	}
	if diff := cmp.Diff([]string{"common", "own"}, order); diff != "" {
		t.Error(diff)
	}
	if _, ok := n.Variant("none"); ok || len(n.Block.Attributes) != 1 {
		t.Error("an unknown variant was found, or the common table was changed")
	}
}

func TestVariantStopsAtTheFirstFailedCheck(t *testing.T) {
	first := errors.New("first")
	n := schema.Nested{
		Block:    schema.Block{Type: "auth", Check: func(schema.Values) error { return first }},
		Variants: []schema.Block{{Type: "token", Check: func(schema.Values) error { return errors.New("second") }}},
	}
	v, _ := n.Variant("token")
	if err := v.Check(schema.Values{}); !errors.Is(err, first) {
		t.Error(err)
	}
}

func TestValuesDoNotPrintThemselves(t *testing.T) {
	b := &schema.Block{Type: "account", Attributes: []schema.Attribute{{Name: "password", Type: cty.String, Sensitive: true}}}
	v := schema.NewValues(b, "", map[string]cty.Value{"password": cty.StringVal("canary")}, nil)
	holder := struct{ V schema.Values }{v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		for _, value := range []any{v, &v, holder, &holder, schema.Values{}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, "canary") {
				t.Errorf("%s prints the password", verb)
			}
		}
	}
}

// Whoever sees a webhook's address can send messages with it, so that plain HTTP needs
// permission.
func TestAPlainWebhookNeedsPermission(t *testing.T) {
	block := schema.NotifyBlock()
	for _, c := range []struct {
		url     cty.Value
		allowed cty.Value
		good    bool
	}{
		{cty.StringVal("https://hooks.example.com/x"), cty.False, true}, {cty.StringVal("http://hooks.example.com/x"), cty.False, false},
		{cty.StringVal("http://hooks.example.com/x"), cty.True, true}, {cty.StringVal("http://127.0.0.1:8080/x"), cty.False, true},
		{cty.UnknownVal(cty.String), cty.False, true}, {cty.StringVal("http://hooks.example.com/x"), cty.UnknownVal(cty.Bool), true},
	} {
		if err := block.Check(schema.NewValues(block, "", map[string]cty.Value{"url": c.url, "allow_plain_http": c.allowed},
			nil)); (err == nil) != c.good {
			t.Errorf("%#v, allowed %#v: %v", c.url, c.allowed, err)
		}
	}
}

func TestAProjectIsNotItsOwnPredecessor(t *testing.T) {
	block := schema.SettingsBlock()
	names := func(n ...string) cty.Value {
		var list []cty.Value
		for _, one := range n {
			list = append(list, cty.StringVal(one))
		}
		return cty.ListVal(list)
	}
	for _, c := range []struct {
		project, formerly cty.Value
		good              bool
	}{
		{cty.StringVal("a"), names("b"), true}, {cty.StringVal("a"), names("b", "a"), false},
		{cty.UnknownVal(cty.String), names("a"), true}, {cty.StringVal("a"), cty.UnknownVal(cty.List(cty.String)), true},
	} {
		if err := block.Check(schema.NewValues(block, "", map[string]cty.Value{"project": c.project, "formerly": c.formerly},
			nil)); (err == nil) != c.good {
			t.Errorf("%#v, formerly %#v: %v", c.project, c.formerly, err)
		}
	}
}

// What a notify block asks for is spelt as it is documented, and sent so to its receivers.
func TestTheKindsOfEvents(t *testing.T) {
	if want := []string{"blocked", "failing", "expiring", "recovered"}; !slices.Equal(schema.EventKinds, want) || schema.EventTest != "test" {
		t.Errorf("%q, %q", schema.EventKinds, schema.EventTest)
	}
}
