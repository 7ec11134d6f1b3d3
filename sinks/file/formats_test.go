package file_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/file"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

func TestReadsWhatOthersWrote(t *testing.T) {
	tests := []struct {
		name, format, content string
		want                  map[string]string
	}{
		{"json types", "json", `{"s":"x","n":12345678901234567890,"b":true,"l":[1, 2],"o":{"a": "b"},"null":null}`,
			map[string]string{"s": "x", "n": "12345678901234567890", "b": "true", "l": "[1,2]", "o": `{"a":"b"}`}},
		{"dotenv", "dotenv", "# comment\nexport A=1\nB: two # c\nC=\"a\\nb\"\r\nD='x\ny'\n\nE=",
			map[string]string{"A": "1", "B": "two", "C": "a\nb", "D": "x\ny", "E": ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			p.put("in", test.content)
			source, err := p.spec.Source(p.conn, values(&p.spec.Data, attrs{"path": "in", "format": test.format}))
			if err != nil {
				t.Fatal(err)
			}
			obj, err := p.open().Read(t.Context(), source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, reveal(obj.Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A reader that knows variables would put something else there; the value is not quoted.
func TestDotenvValuesThatReadersExpandAreRefusedAsInputs(t *testing.T) {
	for content, refused := range map[string]bool{
		"PASSWORD=Pa$W0RDhunter22":             true,
		"PASSWORD=$hunter22":                   true,
		"PASSWORD=${hunter22}":                 true,
		`PASSWORD="Pa$W0RDhunter22"`:           true,
		"PASSWORD=x$(hunter22)":                true,
		"export A=1\nPASSWORD: x$hunter22 # c": true,
		"PASSWORD='Pa$W0RDhunter22'":           false,
		`PASSWORD="Pa\$W0RDhunter22"`:          false,
		"PASSWORD=hunter22$":                   false,
		"PASSWORD=hunter22 # costs $5":         false,
		"# A=$B\nPASSWORD=hunter22":            false,
	} {
		p := newPlace(t)
		p.put("in", content)
		_, err := p.open().Read(t.Context(), p.source(attrs{"path": "in", "format": "dotenv"}))
		if refused != (err != nil) {
			t.Errorf("Read of %q = %v", content, err)
		}
		if err != nil &&
			(strings.Contains(err.Error(), "hunter22") || !strings.Contains(err.Error(), "the value of PASSWORD") || !strings.Contains(err.Error(), "single quotes")) {
			t.Errorf("Read of %q = %v", content, err)
		}
	}
}

func reveal(m map[string]credential.Secret) map[string]string {
	out := map[string]string{}
	for k, s := range m {
		out[k] = s.Reveal()
	}
	return out
}

func TestMalformedFilesAreNotQuoted(t *testing.T) {
	tests := []struct{ format, content string }{
		{"json", `{"k":"hunter22"`}, {"json", `hunter22`}, {"json", `["hunter22"]`}, {"json", `null`}, {"json", ""},
		{"json", `{"k":"hunter22"} hunter22`},
		{"dotenv", `K="hunter22`}, {"dotenv", `hunter22-x`}, {"dotenv", "K=\x00hunter22"}, {"dotenv", `A="x" hunter22=y`},
	}
	for _, test := range tests {
		p := newPlace(t)
		p.put("in", test.content)
		target := p.target(attrs{"path": "in", "format": test.format}, true)
		_, err := p.open().Read(t.Context(), target)
		if !errors.Is(err, sinks.ErrMalformed) || strings.Contains(err.Error(), "hunter22") ||
			!strings.Contains(err.Error(), filepath.Join(p.dir, "in")) {
			t.Errorf("Read of %q = %v", test.content, err)
		}
		info, err := p.open().Stat(t.Context(), target)
		if err != nil || !info.Exists {
			t.Fatalf("Stat = %+v, %v", info, err)
		}
		if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("n", "v"), If: info.Version}); err == nil {
			t.Errorf("merging into %q gave no error", test.content)
		}
		if p.content("in") != test.content {
			t.Errorf("%q was changed", test.content)
		}
	}
}

func TestMergeLeavesTheLinesOfOthers(t *testing.T) {
	tests := []struct{ name, format, before, after string }{
		{"json", "json", `{"n": 1.50, "list": [1,2], "TOKEN": "old"}`,
			"{\n  \"NEW\": \"x<y\",\n  \"TOKEN\": \"t\",\n  \"list\": [\n    1,\n    2\n  ],\n  \"n\": 1.50\n}\n"},
		{"dotenv", "dotenv", "# mine\nexport A=\"1\" # why\n\nTOKEN='old'\nB='x\nTOKEN=no'\nC=3",
			"# mine\nexport A=\"1\" # why\n\nTOKEN=t\nB='x\nTOKEN=no'\nC=3\nNEW='x<y'\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			p.put("f", test.before)
			target := p.target(attrs{"path": "f", "format": test.format}, true)
			info, err := p.open().Stat(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			p.write(target, info.Version, "TOKEN", "t", "NEW", "x<y")
			if diff := cmp.Diff(test.after, p.content("f")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRawHoldsOneValue(t *testing.T) {
	p := newPlace(t)
	target := p.target(attrs{"path": "token", "format": "raw"}, false)
	v := p.write(target, "", "access_token", "one\n two")
	if got := p.content("token"); got != "one\n two" {
		t.Errorf("the file holds %q", got)
	}
	_, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("a", "secret1", "b", "secret2"), If: v})
	if !errors.Is(err, sinks.ErrUnsupported) || strings.Contains(err.Error(), "secret") {
		t.Errorf("Write of two keys = %v", err)
	}
	target.Merge = true
	if _, err := p.open().Write(t.Context(), target, sinks.Write{Data: secrets("a", "b"), If: v}); err == nil {
		t.Error("raw was merged into")
	}
}

func TestInvalidUTF8IsNotReplaced(t *testing.T) {
	p := newPlace(t)
	_, err := p.open().Write(t.Context(), p.target(attrs{"path": "a.json"}, false), sinks.Write{Data: secrets("k", "\xff\xfe")})
	if !errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("Write = %v, want a refusal", err)
	}
}

func TestStateEncryption(t *testing.T) {
	p := newPlace(t)
	clear, pair, other := p.record(nil, "a"), keyPair(t), keyPair(t)
	locked, wrong := p.record(pair, "a"), p.record(other, "a")

	v := p.write(clear, "", "k", "canary-value")
	if obj, err := p.open().Read(t.Context(), locked); err != nil || !obj.Data["k"].Equal(credential.NewSecret("canary-value")) {
		t.Errorf("a record from before encryption cannot be read: %v", err)
	}
	p.write(locked, v, "k", "canary-value")
	if strings.Contains(p.content(".credsync/a.json"), "canary") {
		t.Error("the record is not encrypted")
	}
	for name, target := range map[string]sinks.Target{"no identity": clear, "another identity": wrong} {
		_, err := p.open().Read(t.Context(), target)
		if err == nil || !strings.Contains(err.Error(), "age_identity") || strings.Contains(err.Error(), other["age_identity"]) {
			t.Errorf("%s: Read = %v", name, err)
		}
	}
}

func TestStateChecksTheKeyPair(t *testing.T) {
	spec, pair, other := file.Spec(), keyPair(t), keyPair(t)
	tests := []struct {
		name string
		a    attrs
		want string
	}{
		{"none", nil, ""},
		{"both", pair, ""},
		{"recipient only", attrs{"age_recipient": pair["age_recipient"]}, "belong together"},
		{"identity only", attrs{"age_identity": pair["age_identity"]}, "belong together"},
		{"mismatch", attrs{"age_recipient": pair["age_recipient"], "age_identity": other["age_identity"]}, "cannot decrypt"},
		{"swapped", attrs{"age_recipient": pair["age_identity"], "age_identity": pair["age_recipient"]}, "age_recipient: "},
		{"bad identity", attrs{"age_recipient": pair["age_recipient"], "age_identity": pair["age_identity"] + "X"}, "age_identity: "},
	}
	for _, test := range tests {
		err := spec.State.Check(values(&spec.State, test.a))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Check = %v, want %q", test.name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET-KEY-1") {
			t.Errorf("%s: the error tells the key", test.name)
		}
	}
}

func TestKeysThatAFormatCannotHoldAreFoundOffline(t *testing.T) {
	spec := file.Spec()
	for _, c := range []struct {
		format string
		keys   []string
		good   bool
	}{
		{"json", []string{"a b", "c"}, true},
		{"raw", []string{"a b"}, true},
		{"raw", []string{"a", "b"}, false},
		{"raw", nil, false},
		{"dotenv", []string{"A", "_b2"}, true},
		{"dotenv", []string{"A", "2B"}, false},
		{"dotenv", []string{"A B"}, false},
	} {
		v := schema.NewValues(&spec.Deliver, "", map[string]cty.Value{"path": cty.StringVal("x"), "format": cty.StringVal(c.format)}, nil)
		if err := spec.CheckKeys(v, c.keys, false); (err == nil) != c.good {
			t.Errorf("%s, %q: %v", c.format, c.keys, err)
		}
	}
}
