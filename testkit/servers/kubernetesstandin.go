package servers

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// KubernetesStandIn is a server that is taken for an API server, and answers as handle
// does: for tests that have no cluster.
func KubernetesStandIn(t testing.TB, handle http.Handler) *KubernetesServer {
	t.Helper()
	k := &KubernetesServer{AdminToken: "credsync-admin", CA: NewCA(t), tb: t}
	certificate, err := tls.X509KeyPair(pair(k.CA.Issue(t, "kube-apiserver", true)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handle)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	k.Address, k.client = server.URL, &http.Client{Transport: k.Transport()}
	return k
}

func pair(cert, key string) ([]byte, []byte) { return []byte(cert), []byte(key) }
