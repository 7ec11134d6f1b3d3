package inputtext_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/credsync/credsync/internal/inputtext"
	"golang.org/x/text/unicode/norm"
)

func TestDecode(t *testing.T) {
	for in, want := range map[string]struct {
		text string
		err  error
	}{
		"":                         {},
		"пароль\n":                 {text: "пароль\n"},
		"\ufeffname,phone":         {text: "name,phone"},
		"\ufeff\ufeffx":            {text: "\ufeffx"},
		"x\ufeff":                  {text: "x\ufeff"},
		"\xff\xfep\x00":            {err: inputtext.UTF16},
		"\xfe\xff\x00p":            {err: inputtext.UTF16},
		"\xef\xe0\xf0\xee\xeb\xfc": {err: inputtext.NotUTF8},
		"cafe\u0301":               {err: inputtext.NotNormal},
		"\ufeffcafe\u0301":         {err: inputtext.NotNormal},
	} {
		text, err := inputtext.Decode([]byte(in))
		if text != want.text || !errors.Is(err, want.err) {
			t.Errorf("Decode(%q) = %q, %v; want %q, %v", in, text, err, want.text, want.err)
		}
	}
}

// FuzzDecode: what is let through is the text itself, but for one mark.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "a", "\ufeffa", "\ufeff\ufeff", "e\u0301", "\xff\xfe", "\xe9", "\u0301"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := inputtext.Decode(b)
		if err != nil {
			if utf8.Valid(b) && norm.NFC.IsNormal(b) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if strings.TrimPrefix(string(b), "\ufeff") != text || norm.NFC.String(text) != text {
			t.Fatalf("%q came to %q", b, text)
		}
	})
}
