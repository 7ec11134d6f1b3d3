package upstream_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/golang-jwt/jwt/v5"
)

func TestJWTExpiry(t *testing.T) {
	sign := func(claims jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name, token string
		want        time.Time
	}{
		{"a claim", sign(jwt.MapClaims{"exp": 1893456000}), time.Unix(1893456000, 0)},
		{"other claims of odd types", sign(jwt.MapClaims{"exp": 1893456000, "aud": 7, "iat": "x"}), time.Unix(1893456000, 0)},
		{"none", sign(jwt.MapClaims{"sub": "x"}), time.Time{}},
		{"a string", sign(jwt.MapClaims{"exp": "tomorrow"}), time.Time{}},
		{"beyond time", sign(jwt.MapClaims{"exp": 1e300}), time.Time{}},
		{"negative", sign(jwt.MapClaims{"exp": -1e15}), time.Time{}},
		{"unknown algorithm", "eyJhbGciOiJHT1NUIn0.eyJleHAiOjE4OTM0NTYwMDB9.AA", time.Unix(1893456000, 0)},
		{"opaque", "b37c4c689295904ed21eee5d9a48d42e", time.Time{}},
		{"two dots", "a.b.c", time.Time{}},
		{"empty", "", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := upstream.JWTExpiry(credential.NewSecret(c.token)); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func FuzzJWTExpiry(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJHT1NUIn0.eyJleHAiOjE4OTM0NTYwMDB9.AA")
	f.Fuzz(func(t *testing.T, token string) {
		if at := upstream.JWTExpiry(credential.NewSecret(token)); !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("%v is no expiry", at)
		}
	})
}
