package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
)

// What is searched for is written out here again, by other means than the code's: a
// search that is compared with itself finds nothing.

var triedSecrets = []string{"Pa$w0rd-é<\"9Q", "hvs.CAESIJ12xyzK", "Zq8\\%+/ xW", "пАроль-ß77", "sixsix", "fiv3e", "q7w", "q7", "7", "ab7\tcd"}

func finds(text, secret string) bool { return ContainsSecret(text, credential.NewSecret(secret)) }

func TestASecretIsFoundInEachEncoding(t *testing.T) {
	bytesAs := func(format string) func(string) string {
		return func(s string) string {
			var out []string
			for _, b := range []byte(s) {
				out = append(out, fmt.Sprintf(format, b))
			}
			return strings.Join(out, "")
		}
	}
	encodings := map[string]func(string) string{
		"plain":       func(s string) string { return s },
		"upper case":  strings.ToUpper,
		"lower case":  strings.ToLower,
		"hexadecimal": func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":         func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"in a query":  url.QueryEscape,
		"in a path":   url.PathEscape,
		"percent":     bytesAs("%%%02X"),
		"\\x":         bytesAs(`\x%02x`),
		"\\u":         bytesAs(`\u%04X`),
		"as JSON": func(s string) string {
			return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "<", `\u003c`).Replace(s)
		},
		"backwards": func(s string) string {
			var out string
			for _, r := range s {
				out = string(r) + out
			}
			return out
		},
	}
	for name, encode := range encodings {
		for _, secret := range triedSecrets {
			form := encode(secret)
			// A few letters turn up by chance, other than as they are.
			enough := len(form) >= pieceLength
			switch name {
			case "percent", "\\x", "\\u":
				enough = len(secret) >= pieceLength
			case "plain", "upper case", "lower case":
				enough = true
			}
			if name == "upper case" && secret == "пАроль-ß77" {
				enough = true
			}
			if !enough {
				continue
			}
			for _, text := range []string{form, "[" + form, form + "]", "the token <" + form + "> is bad"} {
				if !finds(text, secret) {
					t.Errorf("%s: %q is not found in %q", name, secret, text)
				}
			}
		}
	}
}

// base64 has characters that the secret alone decides: those that stay the same whatever
// stands before and behind it.
func TestWhatBase64MakesOfASecretIsFoundAndNoMore(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		return string(b)
	}
	for _, secret := range []string{"Pa$w0rd-é<\"9Q", "sixsix", "12345", "\xff\xfe\xfd\xfb\xef\xff\xff"} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			decided := map[string]bool{}
			for before := range 3 {
				var texts []string
				for range 200 {
					texts = append(texts, encoding.EncodeToString([]byte(noise(before)+secret+noise(3))))
				}
				var common strings.Builder
				for i := range texts[0] {
					if slices.ContainsFunc(texts, func(s string) bool { return s[i] != texts[0][i] }) {
						if common.Len() > 0 {
							break
						}
						continue
					}
					common.WriteByte(texts[0][i])
				}
				form := common.String()
				for i := 0; i+pieceLength <= len(form); i++ {
					decided[strings.ToLower(form[i:i+pieceLength])] = true
					if !finds("«"+form[i:i+pieceLength]+"»", secret) {
						t.Errorf("%q behind %d bytes: %q is not found", secret, before, form[i:i+pieceLength])
					}
				}
				if at := strings.Index(texts[0], form); at > 0 && finds(texts[0][at-1:at+pieceLength-1], secret) &&
					!decided[strings.ToLower(texts[0][at-1:at+pieceLength-1])] {
					t.Errorf(
						"%q behind %d bytes: %q is taken for it, which begins with what stands before",
						secret,
						before,
						texts[0][at-1:at+pieceLength-1],
					)
				}
			}
		}
	}
}

func TestSixCharactersAreAPieceAndFiveMayBeChance(t *testing.T) {
	const secret = "k3Xr9-Tq2Vw8"
	for i := 0; i+pieceLength <= len(secret); i++ {
		if !finds("#"+secret[i:i+6]+"!", secret) {
			t.Errorf("%q is not found", secret[i:i+6])
		}
		if finds("#"+secret[i:i+5]+"!", secret) {
			t.Errorf("%q is found", secret[i:i+5])
		}
	}
	// A short secret counts as a whole only.
	for _, short := range []string{"7q9w8", "7q9w", "7q9", "7q", "7"} {
		if !finds("code ["+short+"] is wrong", short) || !finds(short, short) {
			t.Errorf("%q is not found", short)
		}
		if len(short) > 1 && finds("code ["+short[1:]+"] is wrong", short) {
			t.Errorf("%q is found by its end", short)
		}
	}
	if ContainsSecret("", credential.NewSecret("7")) || ContainsSecret("text", credential.Secret{}) || ContainsSecret("text") {
		t.Error("nothing is found in something, or something in nothing")
	}
	// Each of several counts.
	for _, text := range []string{"first-9182", "Second-5560"} {
		if !ContainsSecret(text, credential.NewSecret("first-9182"), credential.NewSecret("second-5560")) {
			t.Errorf("%q is not found", text)
		}
	}
}

// Characters that go on with a word make another word of it.
func TestACommonWordIsOneByItself(t *testing.T) {
	for _, next := range []string{"x", "7", "_", "-", "+", "/", "=", "%", "$", "é", "\xff"} {
		for _, text := range []string{"login" + next, next + "login"} {
			if !finds("the "+text+" is wrong", "login") {
				t.Errorf("%q is taken for the word", text)
			}
		}
	}
	for _, next := range []string{" ", ".", ",", ":", "\"", "(", "\n", "«"} {
		for _, text := range []string{"login" + next, next + "login", "LOGIN" + next} {
			if finds(text, "login") {
				t.Errorf("%q is taken for more than the word", text)
			}
		}
	}
}
