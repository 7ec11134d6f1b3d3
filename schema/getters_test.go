package schema_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// everyType has an attribute of each type.
func everyType() *schema.Block {
	return &schema.Block{
		Type: "x",
		Attributes: []schema.Attribute{
			{
				Name: "text",
				Type: cty.String,
			}, {Name: "secret", Type: cty.String, Sensitive: true}, {Name: "flag", Type: cty.Bool, Default: cty.True},
			{
				Name: "number",
				Type: cty.Number,
			}, {Name: "duration", Type: cty.String}, {Name: "list", Type: cty.List(cty.String)},
			{Name: "map", Type: cty.Map(cty.String)}, {Name: "secrets", Type: cty.Map(cty.String), Sensitive: true},
		},
		Blocks: []schema.Nested{
			{Block: schema.Block{Type: "inner", Attributes: []schema.Attribute{{Name: "a", Type: cty.String}}}},
		},
	}
}

func TestWhatAttributesRead(t *testing.T) {
	text := func(s ...string) []cty.Value {
		var list []cty.Value
		for _, one := range s {
			list = append(list, cty.StringVal(one))
		}
		return append(list, cty.NullVal(cty.String))
	}
	v := schema.NewValues(everyType(), "label", map[string]cty.Value{
		"text": cty.StringVal("t"), "secret": cty.StringVal("s").Mark("sensitive"), "flag": cty.False, "number": cty.NumberFloatVal(7.5), "duration": cty.StringVal("1d12h"),
		"list": cty.ListVal(text("a", "b")), "map": cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v"), "none": cty.NullVal(cty.String)}),
		"secrets": cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v").Mark("sensitive")}),
	}, nil)
	got := fmt.Sprint(
		v.String("text"),
		v.Secret("secret").Reveal(),
		v.Bool("flag"),
		v.Int("number"),
		v.Float("number"),
		v.Duration("duration"),
		v.Strings("list"),
		v.StringMap("map"),
		v.Secrets("secrets")["k"].Reveal(),
		v.Label(),
	)
	if want := fmt.Sprint("t", "s", false, 7, 7.5, 36*time.Hour, []string{"a", "b"}, map[string]string{"k": "v"}, "v", "label"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if l := v.WithLabel("other"); l.Label() != "other" || v.Label() != "label" || l.Block() != v.Block() {
		t.Error("a label is set in place")
	}
	if !v.AllKnown() || !v.Has("text") || v.Has("none") || (schema.Values{}).Has("text") {
		t.Error("what there is is not known")
	}
	if v.Raw("secret").IsMarked() || v.Raw("secrets").Index(cty.StringVal("k")).IsMarked() {
		t.Error("marks are left")
	}
}

// What is null, and what is not known yet, reads as nothing.
func TestWhatIsNotThereReadsAsNothing(t *testing.T) {
	unknown := map[string]cty.Value{}
	for _, a := range everyType().Attributes {
		unknown[a.Name] = cty.UnknownVal(a.Type)
	}
	unknown["list"] = cty.ListVal([]cty.Value{cty.UnknownVal(cty.String)})
	for name, attrs := range map[string]map[string]cty.Value{"null": nil, "unknown": unknown} {
		v := schema.NewValues(everyType(), "", attrs, nil)
		if v.String("text") != "" || !v.Secret("secret").IsZero() || v.Bool("flag") != (name == "null") || v.Int("number") != 0 || v.Float("number") != 0 ||
			v.Duration("duration") != 0 ||
			v.Strings("list") != nil || len(v.StringMap("map")) != 0 || v.Secrets("secrets") != nil || len(v.Nested("inner")) != 0 {
			t.Errorf("%s: there is something", name)
		}
		for _, a := range everyType().Attributes {
			if set := v.IsSet(a.Name); set != (name == "unknown" || a.Name == "flag") || v.Known(a.Name) != (name == "null") {
				t.Errorf("%s: %s is set: %t, known: %t", name, a.Name, set, v.Known(a.Name))
			}
		}
		if v.AllKnown() != (name == "null") {
			t.Errorf("%s: all known is %t", name, v.AllKnown())
		}
	}
	inner := &everyType().Blocks[0].Block
	for value, want := range map[cty.Value]bool{cty.StringVal("x"): true, cty.UnknownVal(cty.String): false} {
		v := schema.NewValues(
			everyType(),
			"",
			nil,
			map[string][]schema.Values{"inner": {schema.NewValues(inner, "", map[string]cty.Value{"a": value}, nil)}},
		)
		if v.AllKnown() != want || len(v.Nested("inner")) != 1 {
			t.Errorf("a block within of %#v: all known is %t", value, v.AllKnown())
		}
	}
}

// A caller that asks for what a table does not have, or in the clear for what is
// sensitive, has a bug.
func TestWrongUsesPanic(t *testing.T) {
	v := schema.NewValues(
		everyType(),
		"",
		map[string]cty.Value{
			"text":     cty.StringVal("t"),
			"secret":   cty.StringVal("hunter2"),
			"secrets":  cty.MapVal(map[string]cty.Value{"k": cty.StringVal("hunter2")}),
			"duration": cty.StringVal("soon"),
		},
		nil,
	)
	for name, wrong := range map[string]func(){
		"a name that there is not":   func() { _ = v.String("none") },
		"another type":               func() { v.Bool("text") },
		"a secret as text":           func() { _ = v.String("secret") },
		"secrets as text":            func() { v.StringMap("secrets") },
		"what is no duration":        func() { v.Duration("duration") },
		"an attribute that is none":  func() { schema.NewValues(everyType(), "", map[string]cty.Value{"none": cty.True}, nil) },
		"another number of them":     func() { schema.ValuesInOrder(everyType(), "", nil, nil) },
		"a table that there is none": func() { (schema.Values{}).Raw("text") },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || strings.Contains(fmt.Sprint(r), "hunter2") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			wrong()
		}()
	}
}

func TestDurationsAndWindows(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "0d": 0, "65535d": 65535 * 24 * time.Hour,
		"": -1, "1": -1, "-1h": -1, "+1h": -1, "1d-1h": -1, "-1d": -1, "d": -1, "1.5d": -1, "1d1d": -1, "65536d": -1, "1 h": -1, "x": -1,
	} {
		got, err := schema.ParseDuration(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
		if (schema.CheckDuration(cty.StringVal(text)) != nil) != (want < 0) {
			t.Errorf("%q is checked otherwise than it is read", text)
		}
	}
	for text, want := range map[string]time.Duration{"48h": 48 * time.Hour, "25%": 15 * time.Minute, "0.5%": 18 * time.Second,
		"99.9%": 59*time.Minute + 56*time.Second + 400*time.Millisecond, "0%": -1, "100%": -1, "-5%": -1, "NaN%": -1, "%": -1, "": -1, "x": -1} {
		w, err := schema.ParseWindow(text)
		if (err != nil) != (want < 0) || err == nil && w.Of(time.Hour) != want {
			t.Errorf("%q: %s, %v", text, w.Of(time.Hour), err)
		}
		if (schema.CheckWindow(cty.StringVal(text)) != nil) != (want < 0) {
			t.Errorf("%q is checked otherwise than it is read", text)
		}
	}
}

func TestFaultsOfTexts(t *testing.T) {
	for text, want := range map[string]schema.TextFault{
		"hunter2": schema.NoTextFault, "two words": schema.NoTextFault, "": schema.EmptyText, "a\ufffd": schema.ReplacedCharacter,
		"\ufeffa": schema.LeadingMark,
		"a\n":     schema.EndingLineBreak, "a\r\n": schema.EndingLineBreak, "\n": schema.EndingLineBreak, "a\nb": schema.InnerLineBreak,
		"a\vb": schema.InnerLineBreak, "a\u2028": schema.InnerLineBreak, "a\nb\n": schema.InnerLineBreak,
		" a": schema.SurroundingSpace, "a\t": schema.SurroundingSpace, "a\u200b": schema.SurroundingSpace, "a\u00a0": schema.SurroundingSpace,
		"a\ufeff": schema.SurroundingSpace,
	} {
		if got := schema.FaultOfText(text); got != want {
			t.Errorf("%q %s, want that it %s", text, got, want)
		}
	}
	said := map[string]bool{}
	for f := schema.NoTextFault; f <= schema.SurroundingSpace; f++ {
		said[f.String()] = true
	}
	if len(said) != 7 || said[""] {
		t.Errorf("two faults are told alike: %q", slices.Collect(maps.Keys(said)))
	}
}

func TestOnlySensitiveTextsAreLookedAt(t *testing.T) {
	text, empty := cty.StringVal("a\n"), cty.StringVal("")
	key := cty.StringVal("-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n")
	half := cty.StringVal("-----BEGIN PRIVATE KEY-----\nYWJj\n")
	for _, c := range []struct {
		name string
		row  schema.Attribute
		v    cty.Value
		want schema.TextFault
	}{
		{"a text", schema.Attribute{Sensitive: true}, text, schema.EndingLineBreak},
		{"what is no secret", schema.Attribute{}, text, schema.NoTextFault},
		{"a document", schema.Attribute{Sensitive: true, Text: schema.Document}, text, schema.NoTextFault},
		{"a key of a described upstream", schema.Attribute{Sensitive: true, Text: schema.OneLineOrPEM}, key, schema.NoTextFault},
		{"a password of one", schema.Attribute{Sensitive: true, Text: schema.OneLineOrPEM}, text, schema.EndingLineBreak},
		{"half a key of one", schema.Attribute{Sensitive: true, Text: schema.OneLineOrPEM}, half, schema.InnerLineBreak},
		{"a key for a password", schema.Attribute{Sensitive: true}, key, schema.InnerLineBreak},
		{"an empty document", schema.Attribute{Sensitive: true, Text: schema.Document}, empty, schema.EmptyText},
		{"an empty text", schema.Attribute{Sensitive: true}, empty, schema.EmptyText},
		{"one that may be", schema.Attribute{Sensitive: true, MayBeEmpty: true}, empty, schema.NoTextFault},
		{"one of a list", schema.Attribute{Sensitive: true},
			cty.ListVal([]cty.Value{cty.NullVal(cty.String), cty.StringVal("a"), text}), schema.EndingLineBreak},
		{"one of a set", schema.Attribute{Sensitive: true}, cty.SetVal([]cty.Value{text}), schema.EndingLineBreak},
		{"one of a map", schema.Attribute{Sensitive: true}, cty.MapVal(map[string]cty.Value{"k": text}), schema.EndingLineBreak},
		{"good ones", schema.Attribute{Sensitive: true}, cty.ListVal([]cty.Value{cty.StringVal("a")}), schema.NoTextFault},
		{"numbers", schema.Attribute{Sensitive: true}, cty.ListVal([]cty.Value{cty.Zero}), schema.NoTextFault},
	} {
		if got := c.row.TextFault(c.v); got != c.want {
			t.Errorf("%s %s", c.name, got)
		}
	}
}

func TestTablesFindTheirRows(t *testing.T) {
	b := everyType()
	if a, ok := b.Attribute("number"); !ok || a.Type != cty.Number {
		t.Errorf("%+v", a)
	}
	if _, ok := b.Attribute("none"); ok || !b.HasBlock("inner") || b.HasBlock("outer") {
		t.Error("a table has what it has not")
	}
	if schema.CheckNotEmpty(cty.StringVal("")) == nil || schema.CheckNotEmpty(cty.StringVal("x")) != nil {
		t.Error("what is empty passes")
	}
}

func TestValuesAreKeptWithoutSecrets(t *testing.T) {
	table := &schema.Block{
		Type: "x",
		Attributes: []schema.Attribute{
			{Name: "a", Type: cty.String},
			{Name: "b", Type: cty.List(cty.String)},
			{Name: "c", Type: cty.Bool},
			{Name: "later", Type: cty.String, Deferred: true},
		},
	}
	v := schema.NewValues(
		table,
		"",
		map[string]cty.Value{
			"a":     cty.StringVal("x"),
			"b":     cty.ListVal([]cty.Value{cty.StringVal("y")}),
			"later": cty.StringVal("z"),
		},
		nil,
	)
	b, err := v.Encode()
	if err != nil || string(b) != `{"a":"x","b":["y"]}` {
		t.Fatalf("%s, %v", b, err)
	}
	back, err := schema.DecodeValues(table, b)
	if err != nil || back.String("a") != "x" || back.Strings("b")[0] != "y" || back.IsSet("c") || back.IsSet("later") {
		t.Errorf("%v", err)
	}
	if b, err := (schema.Values{}).Encode(); err != nil || string(b) != "{}" {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := schema.NewValues(everyType(), "", nil, nil).Encode(); err == nil {
		t.Error("a table with secrets is kept")
	}
	if _, err := schema.NewValues(table, "", map[string]cty.Value{"a": cty.UnknownVal(cty.String)},
		nil).Encode(); err == nil {
		t.Error("what is not known is kept")
	}
	for _, wrong := range []string{"[]", `{"a":[]}`, "x"} {
		if _, err := schema.DecodeValues(table, []byte(wrong)); err == nil {
			t.Errorf("%s is read", wrong)
		}
	}
}
