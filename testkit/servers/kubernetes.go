package servers

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/credsync/credsync/testkit/port"
	"github.com/credsync/credsync/testkit/servers/binary"
)

// KubernetesServer is a running API server with its etcd. No controllers run,
// so a namespace that is deleted stays "Terminating", and no kubelet, so there
// are no pods.
type KubernetesServer struct {
	// Address is its URL.
	Address string
	// AdminToken may do everything.
	AdminToken string
	// CA signed its certificate, and client certificates that it accepts: the
	// name is the user's.
	CA *CA

	tb      testing.TB
	program string
	log     string
	args    []string
	process *process
	etcd    *process
	client  *http.Client
	made    atomic.Int64
}

// Kubernetes starts etcd and an API server with RBAC, service account tokens
// and admission as it is by default.
func Kubernetes(t testing.TB) *KubernetesServer {
	t.Helper()
	etcd, etcdProcess := startEtcd(t)
	dir := t.TempDir()
	listen := port.Reserve(t)
	k := &KubernetesServer{
		Address: fmt.Sprintf("https://127.0.0.1:%d", listen), AdminToken: "credsync-admin", CA: NewCA(t), tb: t,
		program: program(t, binary.KubeAPIServer), log: logFile(t, "kube-apiserver"), etcd: etcdProcess,
	}
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := k.CA.Issue(t, "kube-apiserver", true)
	public, private := signingKeys(t)
	privateFile, publicFile := file("service-account.key", private), file("service-account.pub", public)
	k.args = []string{
		"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", listen), "--cert-dir=" + dir,
		"--tls-cert-file=" + file("cert.pem", cert), "--tls-private-key-file=" + file("key.pem", key), "--client-ca-file=" + file("ca.pem", k.CA.PEM),
		"--service-account-key-file=" + publicFile, "--service-account-signing-key-file=" + privateFile,
		"--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc",
		"--authorization-mode=RBAC,Node", "--token-auth-file=" + file("tokens.csv", k.AdminToken+",admin,admin,system:masters\n"),
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
	}
	k.client = &http.Client{Transport: k.Transport()}
	k.Start()
	return k
}

// Transport trusts the server's certificate.
func (k *KubernetesServer) Transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(k.CA.PEM))
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
}

// startEtcd starts an etcd and returns its URL with its process. What it keeps ends with the
// test, so it need not reach the disk.
func startEtcd(t testing.TB) (string, *process) {
	t.Helper()
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", port.Reserve(t)), fmt.Sprintf("http://127.0.0.1:%d", port.Reserve(t))
	log := logFile(t, "etcd")
	p := start(t, log, nil, program(t, binary.Etcd),
		"--data-dir="+filepath.Join(t.TempDir(), "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	await(t, http.DefaultClient, client+"/health", log, func(status int) bool { return status == 200 })
	return client, p
}

// SignalEtcd sends a signal to the etcd behind the API server: SIGSTOP has it
// stand still, SIGCONT go on.
func (k *KubernetesServer) SignalEtcd(s syscall.Signal) {
	if err := k.etcd.signal(s); err != nil {
		k.tb.Errorf("signal etcd: %v", err)
	}
}

// signingKeys are the pair that service account tokens are signed with.
func signingKeys(t testing.TB) (public, private string) {
	t.Helper()
	key := newKey(t)
	encodeKey := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public().(*ecdsa.PublicKey))
	public = encodeKey("PUBLIC KEY", der, err)
	der, err = x509.MarshalECPrivateKey(key)
	return public, encodeKey("EC PRIVATE KEY", der, err)
}

// Start runs the API server, also again after Stop.
func (k *KubernetesServer) Start() {
	k.tb.Helper()
	k.process = start(k.tb, k.log, nil, k.program, k.args...)
	await(k.tb, k.client, k.Address+"/readyz", k.log, func(status int) bool { return status == 200 })
}

// Stop ends the API server's process; etcd keeps what it had.
func (k *KubernetesServer) Stop() { k.process.stop() }

// Kubeconfig writes a kubeconfig with a token and the usual namespace, which
// may be "", and returns its path. Its one context is called "test".
func (k *KubernetesServer) Kubeconfig(token, namespace string) string {
	k.tb.Helper()
	return k.KubeconfigOf(map[string]any{"token": token}, namespace)
}

// KubeconfigOf is Kubeconfig with the user as given: an exec plugin, a client
// certificate.
func (k *KubernetesServer) KubeconfigOf(user map[string]any, namespace string) string {
	k.tb.Helper()
	type object = map[string]any
	config, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []object{{"name": "test", "cluster": object{"server": k.Address, "certificate-authority-data": []byte(k.CA.PEM)}}},
		"users":    []object{{"name": "test", "user": user}},
		"contexts": []object{{"name": "test", "context": object{"cluster": "test", "user": "test", "namespace": namespace}}},
	})
	if err != nil {
		k.tb.Fatal(err)
	}
	path := filepath.Join(k.tb.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		k.tb.Fatal(err)
	}
	return path
}
