package upstream_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/golang-jwt/jwt/v5"
)

// signed is a JWT with those claims.
func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJWTExpiry(t *testing.T) {
	for _, c := range []struct {
		name, token string
		want        time.Time
	}{
		{"a claim", signed(t, jwt.MapClaims{"exp": 1893456000}), time.Unix(1893456000, 0)},
		{"other claims of odd types", signed(t, jwt.MapClaims{"exp": 1893456000, "aud": 7, "iat": "x"}), time.Unix(1893456000, 0)},
		{"none", signed(t, jwt.MapClaims{"sub": "x"}), time.Time{}},
		{"a string", signed(t, jwt.MapClaims{"exp": "tomorrow"}), time.Time{}},
		{"beyond time", signed(t, jwt.MapClaims{"exp": 1e300}), time.Time{}},
		{"negative", signed(t, jwt.MapClaims{"exp": -1e15}), time.Time{}},
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
		if at := upstream.JWTExpiry(credential.NewSecret(token)); !at.IsZero() &&
			(at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("%v is no expiry", at)
		}
	})
}

func TestExpiresInIsBelievedWithinBounds(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"1": time.Second, "899": 899 * time.Second, "899.9": 899 * time.Second, "1e3": 1000 * time.Second,
		"3600": time.Hour, "3601": 0, "3600.5": 0, "0": 0, "0.999": 0, "-5": 0, "": 0, "null": 0, "true": 0,
		"NaN": 0, "Inf": 0, "-Inf": 0, "1e400": 0, "x": 0, " 5": 0, "5 s": 0,
	} {
		got := upstream.ExpiresIn(at, text, time.Hour)
		if want == 0 && !got.IsZero() || want != 0 && !got.Equal(at.Add(want)) {
			t.Errorf("%q: %v, want %v later", text, got, want)
		}
	}
}

func TestExpiryIsTheEarlierOfWhatIsKnown(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	claiming := func(d time.Duration) credential.Secret {
		return credential.NewSecret(signed(t, jwt.MapClaims{"exp": at.Add(d).Unix()}))
	}
	for _, c := range []struct {
		name  string
		said  time.Time
		token credential.Secret
		want  time.Duration
	}{
		{"nothing", time.Time{}, credential.NewSecret("opaque"), time.Minute},
		{"the answer", at.Add(time.Hour), credential.NewSecret("opaque"), time.Hour},
		{"the token", time.Time{}, claiming(2 * time.Hour), 2 * time.Hour},
		{"the answer before the token", at.Add(time.Hour), claiming(2 * time.Hour), time.Hour},
		{"the token before the answer", at.Add(3 * time.Hour), claiming(2 * time.Hour), 2 * time.Hour},
		{"a token without a claim", time.Time{}, credential.NewSecret(signed(t, jwt.MapClaims{})), time.Minute},
		{"a token that is over", at.Add(time.Hour), claiming(-time.Hour), -time.Hour},
	} {
		if got := upstream.Expiry(at, c.said, c.token, time.Minute); !got.Equal(at.Add(c.want)) {
			t.Errorf("%s: %v, want %v", c.name, got, at.Add(c.want))
		}
	}
}

func TestRFC3339(t *testing.T) {
	for text, want := range map[string]string{
		"2026-06-30T23:59:59Z": "2026-06-30T23:59:59Z", " 2026-06-30t23:59:59.5z ": "2026-06-30T23:59:59.5Z",
		"2026-06-30T23:59:59+05:00": "2026-06-30T18:59:59Z",
		"2026-06-30T23:59:60Z":      "2026-06-30T23:59:59Z", "2016-12-31t18:59:60.25-05:00": "2016-12-31T23:59:59.25Z",
		"2026-06-30T23:59:61Z": "", "2026-06-30T23:59:60": "", "2026-06-30": "", "2026-06-30T23:59:59": "", "1782863999": "", "": "",
		"2026-13-30T23:59:60Z": "",
	} {
		at, ok := upstream.RFC3339(text)
		if ok != (want != "") || ok && at.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %t", text, at, ok)
		}
	}
}

// A claim outside the years that a time can be written in says nothing.
func TestJWTExpiryIsBelievedWithinBounds(t *testing.T) {
	for at, want := range map[time.Time]bool{
		time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC): false,
		time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC):      true,
		time.Date(9999, 6, 1, 0, 0, 0, 0, time.UTC):      true,
		time.Date(10000, 6, 1, 0, 0, 0, 0, time.UTC):     false,
	} {
		got := upstream.JWTExpiry(credential.NewSecret(signed(t, jwt.MapClaims{"exp": at.Unix()})))
		if want != got.Equal(at) || !want && !got.IsZero() {
			t.Errorf("%v: %v", at, got)
		}
	}
}
