package upstream_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/internal/upstream"
)

// A server that asks for the client's certificate once it has read the request gets it,
// and its answer arrives. Go's own server cannot do that, so this one is openssl's.
func TestAServerThatAsksForTheCertificateAfterTheRequestGetsIt(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not on PATH, and no other server here asks for a certificate after the request")
	}
	root := issue(t, nil, signer("root"))
	server, ours := issue(t, root, leaf()), issue(t, root, leaf())
	dir := t.TempDir()
	for name, content := range map[string]string{"server.pem": pemOf(server.cert.Raw), "key.pem": keyPEM(t, server),
		"root.pem": pemOf(root.cert.Raw)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), openssl, "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-cert", "server.pem", "-key", "key.pem", "-CAfile", "root.pem")
	cmd.Dir = dir
	in, out := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the test's context.
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	address := strings.Fields(awaitLine(t, out, "ACCEPT"))[1]

	c, _ := client(t, upstream.Options{
		BaseURL: "https://" + address, CAPEM: pemOf(root.cert.Raw), Timeout: 20 * time.Second,
		ClientCertificate: &tls.Certificate{Certificate: [][]byte{ours.cert.Raw}, PrivateKey: ours.key},
	})
	type result struct {
		answer *upstream.Answer
		err    error
	}
	done := make(chan result, 1)
	go func() {
		a, err := send(t, c, "POST", "https://"+address+"/login", upstream.Op{Once: true})
		done <- result{a, err}
	}()
	awaitLine(t, out, "POST /login")
	// The command of s_server to renegotiate, with a request for a certificate.
	fmt.Fprintln(in, "R")
	awaitLine(t, out, "depth=0 CN = leaf")
	awaitLine(t, out, "verify return:1")
	fmt.Fprintf(in, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"token\":\"t\"}\n")
	got := <-done
	if got.err != nil || got.answer.Status != 200 {
		t.Fatalf("%+v, %v", got.answer, got.err)
	}
}

func keyPEM(t *testing.T, of *authority) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(of.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// pipes are the standard input of a command and the lines that it writes.
func pipes(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, <-chan string) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	cmd.Stdout, cmd.Stderr = w, w
	lines := make(chan string, 1000)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return in, lines
}

// awaitLine waits for a line that begins so.
func awaitLine(t *testing.T, lines <-chan string, prefix string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var seen []string
	for {
		select {
		case line := <-lines:
			if strings.HasPrefix(line, prefix) {
				return line
			}
			seen = append(seen, line)
		case <-deadline:
			t.Fatalf("no line %q… in:\n%s", prefix, strings.Join(seen, "\n"))
		}
	}
}
