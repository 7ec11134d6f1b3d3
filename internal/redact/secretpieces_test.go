package redact

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
)

// searched is what in does, by looking for each piece of each form.
func searched(text, secret string) bool {
	text = strings.ToLower(text)
	for _, f := range encodingsOf(secret) {
		f.text = strings.ToLower(f.text)
		n := min(f.piece, len(f.text))
		for i := 0; n > 0 && i+n <= len(f.text); i++ {
			if strings.Contains(text, f.text[i:i+n]) {
				return true
			}
		}
	}
	return false
}

func FuzzFinderFindsWhatASearchFinds(f *testing.F) {
	f.Add("hvs.CAESIJ12", "denied: token HVS.caes is not known")
	f.Add("пароль-ß", "%d0%BF%d0%b0%d1%80%d0%be")
	f.Add("ab", "cab")
	f.Add("\x00\xff", "AP8=")
	f.Add("long enough", `{"a":"bG9uZyBlbm91Z2g"}`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		if secret == "" {
			return
		}
		for _, text := range []string{text, text + secret, strings.ToUpper(secret) + text,
			secret[:len(secret)/2] + text} {
			finder := newPieceFinder([]credential.Secret{credential.NewSecret(secret)})
			if got, want := finder.foundIn(text), searched(text, secret); got != want {
				t.Errorf("%q in %q: found %t, want %t", secret, text, got, want)
			}
		}
	})
}
