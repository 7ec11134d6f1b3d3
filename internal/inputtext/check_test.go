package inputtext_test

import (
	"errors"
	"testing"

	"github.com/credsync/credsync/internal/inputtext"
)

// A text that is taken as it is keeps its byte order mark, and is judged like any other.
func TestTextThatIsTakenAsItIs(t *testing.T) {
	for text, want := range map[string]error{"": nil, "pässword": nil, "\ufeffx": nil, "\xca\xe0": inputtext.NotUTF8, "pa\u0308ssword": inputtext.NotNormal,
		"\xff\xfea\x00": inputtext.NotUTF8} {
		if got := inputtext.Check(text); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, f := range []inputtext.Fault{inputtext.UTF16, inputtext.NotUTF8, inputtext.NotNormal} {
		if f.Error() != string(f) || f == "" {
			t.Errorf("%q", f.Error())
		}
	}
}
