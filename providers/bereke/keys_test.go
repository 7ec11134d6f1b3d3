package bereke

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/providers"
)

// smallKey is as small as keys may be, which makes it quick to make.
var smallKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey(rsa.GenerateKey(rand.Reader, 1024)) })

// largerKey has room for the largest digest.
var largerKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey(rsa.GenerateKey(rand.Reader, 2048)) })

func mustKey[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

func pemOf(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func TestExpiredCertificateIsWarnedOf(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name string
		key  pemkey.RSAPublicKey
		want int
	}{
		{"no certificate", pemkey.RSAPublicKey{}, 0},
		{"good", pemkey.RSAPublicKey{Expires: now.Add(time.Minute)}, 0},
		{"expired", pemkey.RSAPublicKey{Expires: now}, 1},
	} {
		found := (&provider{configured: c.key}).Inspect(now, providers.Seen{})
		if len(found) != c.want {
			t.Errorf("%s: found %+v", c.name, found)
		}
		for _, f := range found {
			if f.Blocked != "" {
				t.Error("a warning must not block")
			}
		}
	}
}
