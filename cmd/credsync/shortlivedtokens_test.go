package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

// shortLivedTokens are accounts whose tokens live five seconds, beside a daemon that
// keeps them and consumers that use them.
type shortLivedTokens struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	// read returns what a consumer finds at an upstream's target; "" where
	// there is nothing yet.
	read func(upstream string) string
}

// secondsAccounts are those whose upstreams leave the old token alive when they
// issue a new one.
var secondsAccounts = map[string]string{"sagi": login, "bereke": "test", "bifit_kassa": "79001234567"}

const tokenLife = 5 * time.Second

func newShortLivedTokens(t *testing.T) *shortLivedTokens {
	t.Helper()
	s := &shortLivedTokens{t: t, sandbox: sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()})}
	if err := s.sandbox.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if v := s.sandbox.Violations(); len(v) > 0 {
			t.Errorf("violations: %s", strings.Join(v, "; "))
		}
		_ = s.sandbox.Close()
	})
	for upstream, name := range secondsAccounts {
		s.sandbox.Update(upstream, name, func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(tokenLife) })
	}
	return s
}

// during runs the daemon, and consumers that look every 100 ms, until each has
// been given so many tokens. None of them may ever find one that its upstream
// does not accept.
func (s *shortLivedTokens) during(tokens int, env map[string]string, args ...string) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"run"}, args...), environment{
			stdin: strings.NewReader(""), stdout: &log, stderr: &log,
			getenv: func(name string) string { return env[name] }, now: time.Now,
		})
	}()
	deadline := time.Now().Add(time.Duration(tokens)*tokenLife + 30*time.Second)
	var consumers sync.WaitGroup
	for upstream := range secondsAccounts {
		consumers.Go(func() { s.consume(upstream, tokens, deadline) })
	}
	consumers.Wait()
	stop()
	if code := <-ended; code != 0 || s.t.Failed() {
		s.t.Errorf("the daemon ended with %d; it said:\n%s", code, log.String())
	}
	for _, secret := range []string{password, bankPassword, "eyJ"} {
		if strings.Contains(log.String(), secret) {
			s.t.Error("a secret is in the log")
		}
	}
}

// consume uses a target every 100 ms.
func (s *shortLivedTokens) consume(upstream string, tokens int, deadline time.Time) {
	seen := map[string]bool{}
	reads, dead := 0, 0
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for len(seen) < tokens && time.Now().Before(deadline) {
		<-ticker.C
		token := s.read(upstream)
		if token == "" {
			if len(seen) > 0 {
				s.t.Errorf("%s: the target is gone", upstream)
				return
			}
			continue
		}
		reads++
		seen[token] = true
		if _, live := s.sandbox.Live(upstream, token); !live {
			dead++
		}
	}
	s.t.Logf("%s: %d tokens in %d reads", upstream, len(seen), reads)
	if dead > 0 {
		s.t.Errorf("%s: %d of %d reads found a token that the upstream does not accept", upstream, dead, reads)
	}
	if len(seen) < tokens {
		s.t.Errorf("%s: only %d tokens before the deadline", upstream, len(seen))
	}
}

func TestConsumersNeverSeeAnExpiredTokenOfSeconds(t *testing.T) {
	s := newShortLivedTokens(t)
	dir := t.TempDir()
	hcl := `
sink "file" "out" { dir = "out" }
account "sagi" "a" {
  base_url = "` + s.sandbox.URL("sagi") + `"
  phone    = "` + login + `"
  password = "` + password + `"
  deliver "file" "out" { path = "sagi.json" }
}
account "bereke" "b" {
  base_url       = "` + s.sandbox.URL("bereke") + `"
  public_key_url = "` + s.sandbox.URL("bereke") + `/auth/public-key"
  username       = "test"
  password       = "` + bankPassword + `"
  customer_name  = "ИП Test."
  deliver "file" "out" { path = "bereke.json" }
}
account "bifit_kassa" "c" {
  base_url = "` + s.sandbox.URL("bifit_kassa") + `"
  username = "79001234567"
  password = "` + password + `"
  deliver "file" "out" { path = "bifit_kassa.json" }
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
	s.read = func(upstream string) string {
		b, err := os.ReadFile(filepath.Join(dir, "out", upstream+".json"))
		if err != nil {
			return ""
		}
		var data map[string]string
		if err := json.Unmarshal(b, &data); err != nil {
			t.Errorf("%s: the target is not whole: %v", upstream, err)
		}
		return data["access_token"]
	}
	s.during(4, nil, dir)
}
