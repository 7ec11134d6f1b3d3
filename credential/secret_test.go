package credential_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

const canary = "canary-5f1e2d"

type holder struct {
	Public  credential.Secret
	private credential.Secret
	Ptr     *credential.Secret
	List    []credential.Secret
	Map     map[string]credential.Secret
}

func newHolder() holder {
	s := credential.NewSecret(canary)
	return holder{Public: s, private: s, Ptr: &s, List: []credential.Secret{s}, Map: map[string]credential.Secret{"k": s}}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	s := credential.NewSecret(canary)
	h := newHolder()
	prints := map[string]func() string{
		"slog text": func() string {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", s, "h", h)
			return b.String()
		},
		"slog json": func() string {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "s", s, "h", h)
			return b.String()
		},
		"hclog": func() string {
			var b bytes.Buffer
			hclog.New(&hclog.LoggerOptions{Output: &b}).Info("x", "s", s, "h", h)
			return b.String()
		},
		"hclog json": func() string {
			var b bytes.Buffer
			hclog.New(&hclog.LoggerOptions{Output: &b, JSONFormat: true}).Info("x", "s", s, "h", h)
			return b.String()
		},
		"cmp.Diff": func() string {
			return cmp.Diff(s, credential.NewSecret("other"), cmp.Exporter(nil), cmp.AllowUnexported(credential.Secret{}))
		},
		"error": func() string { return fmt.Errorf("wrapped %w: %v", errors.New("x"), s).Error() },
		"panic": func() (out string) {
			defer func() { out = fmt.Sprint(recover()) }()
			panic(h)
		},
		"String":   s.String,
		"GoString": s.GoString,
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%p", "%T", "%10.3s"} {
		prints["secret "+verb] = func() string { return fmt.Sprintf(verb, s) }
		prints["pointer "+verb] = func() string { return fmt.Sprintf(verb, &s) }
		prints["holder "+verb] = func() string { return fmt.Sprintf(verb, h) }
		prints["pointer to holder "+verb] = func() string { return fmt.Sprintf(verb, &h) }
	}
	for name, f := range prints {
		t.Run(name, func(t *testing.T) {
			got := f()
			for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
				if strings.Contains(got, form) {
					t.Fatal("the secret was printed")
				}
			}
		})
	}
}

func TestSecretRefusesToBeMarshalled(t *testing.T) {
	marshal := map[string]func(v any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
	}
	for name, f := range marshal {
		t.Run(name, func(t *testing.T) {
			b, err := f(struct{ S credential.Secret }{credential.NewSecret(canary)})
			if err == nil {
				t.Error("marshalling a Secret gave no error")
			}
			if bytes.Contains(b, []byte(canary)) {
				t.Error("marshalling leaked the secret")
			}
		})
	}
}

func TestSecretEqualAndZero(t *testing.T) {
	a, b := credential.NewSecret("a"), credential.NewSecret("b")
	if !a.Equal(credential.NewSecret("a")) || a.Equal(b) || a.Equal(credential.Secret{}) {
		t.Error("Equal does not compare the values")
	}
	if !credential.NewSecret("").IsZero() || a.IsZero() {
		t.Error("IsZero is not emptiness")
	}
	if a.Reveal() != "a" {
		t.Error("Reveal does not return the value")
	}
}

func TestOutputsCheckNamesTheKeyOnly(t *testing.T) {
	err := credential.Outputs{"ok": "x", "bad": 12345678}.Check()
	if err == nil || !strings.Contains(err.Error(), "bad") || strings.Contains(err.Error(), "12345678") {
		t.Errorf("Check() = %v", err)
	}
	if err := (credential.Outputs{"a": "s", "b": true, "c": nil, "d": []string{"x"}, "e": []map[string]string{{"id": "1"}},
		"f": credential.NewSecret("x")}).Check(); err != nil {
		t.Error(err)
	}
}

func TestOutputsMergeKeepsWhatIsNotSaidAgain(t *testing.T) {
	old := credential.Outputs{"role": "administrator", "group_id": "1"}
	got := old.Merge(credential.Outputs{"group_id": "2", "role": nil})
	if diff := cmp.Diff(credential.Outputs{"role": "administrator", "group_id": "2"}, got); diff != "" {
		t.Error(diff)
	}
	if old.String("group_id") != "1" {
		t.Error("Merge changed its receiver")
	}
}

// What encodes a secret fails, and does not get nothing in its stead.
func TestASecretCannotBeEncoded(t *testing.T) {
	s := credential.NewSecret("hunter2")
	for name, encode := range map[string]func() ([]byte, error){"JSON": s.MarshalJSON, "text": s.MarshalText, "binary": s.MarshalBinary} {
		if b, err := encode(); err == nil || b != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
