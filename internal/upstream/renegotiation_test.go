package upstream

import (
	"crypto/tls"
	"testing"
)

// Some servers ask for the client's certificate only once they have read the request.
// No one else may begin another handshake.
func TestOnlyWhoHasACertificateRenegotiates(t *testing.T) {
	for name, c := range map[string]struct {
		cert *tls.Certificate
		want tls.RenegotiationSupport
	}{"with a certificate": {&tls.Certificate{}, tls.RenegotiateOnceAsClient}, "without": {nil, tls.RenegotiateNever}} {
		conf, err := tlsConfig(Options{ClientCertificate: c.cert})
		if err != nil || conf.Renegotiation != c.want {
			t.Errorf("%s: %v, %v", name, conf.Renegotiation, err)
		}
	}
}
