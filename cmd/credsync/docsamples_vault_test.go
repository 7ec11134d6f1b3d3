//go:build acceptance && unix

package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/port"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/credsync/credsync/testkit/servers/binary"
)

// examined is the configuration of the sample of docs/doctor.md.
const examined = `credsync {
  project  = "shop"
  schedule = "*/5 * * * *"
}

variable "password" {
  type      = string
  sensitive = true
}

variable "oncall_url" {
  type      = string
  sensitive = true
}

sink "vault" "main" {}

state "vault" "main" {
  path = "credsync/payments"
}

account "bereke" "main" {
  base_url   = "https://api.bereke.example"
  username   = "company"
  password   = var.password
  public_key = file("bereke.pem")

  deliver "vault" "main" {
    path = "shop/bereke"
  }
}

account "sagi" "coffee" {
  base_url = "https://gateway.sagi.kz"
  phone    = "business_user@example.com"
  password = var.password

  deliver "vault" "main" {
    path = "shop/sagi"
  }

  http {
    ca_pem = file("ca.pem")
  }
}

audit {
  path = "/var/log/credsync/audit.jsonl"
}

notify "webhook" "oncall" {
  url = var.oncall_url
}
`

// The sample of docs/doctor.md is what the command prints of an upstream that does
// not answer and a policy that lacks a permission. With -update it is written.
func TestTheSampleOfTheDoctorPage(t *testing.T) {
	program, err := binary.Find(context.Background(), binary.Vault, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuide(t, "../doctor.md")
	vault := servers.DurableVault(t)
	g.useVault(vault, program)
	g.behindClock(vault)

	upstream := httptest.NewTLSServer(g.sandbox.Handler())
	t.Cleanup(upstream.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	webhook := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(webhook.Close)
	away := port.Address(t)
	g.real["https://gateway.sagi.kz"], g.real["gateway.sagi.kz:443"] = upstream.URL+"/sagi", upstream.Listener.Addr().String()
	g.real["https://api.bereke.example"], g.real["api.bereke.example:443"] = "https://"+away, away
	g.real["/var/log/credsync/audit.jsonl"] = filepath.Join(g.home, "audit.jsonl")
	// All three servers have the certificate of package httptest.
	g.real["2026-05-01"] = upstream.Certificate().NotAfter.Format(time.DateOnly)
	g.env["CREDSYNC_VAR_password"], g.env["CREDSYNC_VAR_oncall_url"] = password, webhook.URL+"/hook"
	g.env["SSL_CERT_FILE"] = filepath.Join(g.dir, "ca.pem")

	g.write("main.hcl", g.standingIn(examined))
	g.write("ca.pem", string(ca))
	g.write("bereke.pem", publicKeyPEM(t))
	g.block("sh", `credsync policy vault | sed '/account.bereke.main: write/,/^}/d' | vault policy write credsync -
credsync apply --auto-approve --target sagi.coffee
`)
	g.block("sh", "export VAULT_TOKEN="+vault.Token(map[string]any{"policies": []string{"credsync"}})+"\n")
	g.follow("credsync doctor")
}

func (g *guide) write(file, content string) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(content), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// behindClock has Vault tell the time of the test, which its answers would
// otherwise show to be wrong.
func (g *guide) behindClock(vault *servers.VaultServer) {
	to, err := url.Parse(vault.Address)
	if err != nil {
		g.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(vault.CA.PEM))
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", g.clock.now().Add(g.shift).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	g.t.Cleanup(proxy.Close)
	g.env["VAULT_ADDR"], g.real[shownVault] = proxy.URL, proxy.URL
}

func publicKeyPEM(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
