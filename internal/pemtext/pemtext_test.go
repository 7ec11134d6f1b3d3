package pemtext_test

import (
	"bytes"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/pemtext"
)

func TestPEMIsReadWhateverBecameOfItsLines(t *testing.T) {
	plain := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes.Repeat([]byte("key"), 100)})
	locked := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: bytes.Repeat([]byte("key"), 100),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,0123456789ABCDEF0123456789ABCDEF"},
	})
	for _, key := range [][]byte{plain, locked, slices.Concat(plain, locked)} {
		for name, f := range map[string]func(string) string{
			"as it is":        func(s string) string { return s },
			"Windows":         func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
			"escaped":         func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) },
			"escaped Windows": func(s string) string { return strings.ReplaceAll(s, "\n", `\r\n`) },
			"spaces":          func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
			"gone":            func(s string) string { return strings.ReplaceAll(s, "\n", "") },
			"indented":        func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n    ") },
			"marked":          func(s string) string { return "\ufeff" + s },
		} {
			rest := []byte(pemtext.Normalize(f(string(key))))
			var again []byte
			for {
				var block *pem.Block
				if block, rest = pem.Decode(rest); block == nil {
					break
				}
				again = append(again, pem.EncodeToMemory(block)...)
			}
			if !bytes.Equal(again, key) {
				t.Errorf("%s: %q", name, again)
			}
		}
	}
}

// FuzzNormalize: what can be read as it is comes to the same.
func FuzzNormalize(f *testing.F) {
	f.Add("key", "PRIVATE KEY")
	f.Add("", "CERTIFICATE")
	f.Fuzz(func(t *testing.T, content, kind string) {
		if strings.Trim(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") != "" || strings.TrimSpace(kind) != kind || kind == "" {
			return
		}
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)})
		block, _ := pem.Decode([]byte(pemtext.Normalize(string(text))))
		if block == nil || string(block.Bytes) != content || block.Type != kind {
			t.Errorf("%q came to %+v", text, block)
		}
		once := pemtext.Normalize(string(text))
		if pemtext.Normalize(once) != pemtext.Normalize(pemtext.Normalize(once)) {
			t.Error("it does not settle")
		}
	})
}
