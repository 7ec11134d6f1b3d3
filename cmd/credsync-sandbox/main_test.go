package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/sandbox"
)

func TestServesUntilStopped(t *testing.T) {
	dir := t.TempDir()
	accounts := filepath.Join(dir, "accounts.json")
	if err := os.WriteFile(accounts, []byte(`[{"upstream":"invoicebox","name":"one","token":"ab","invoicebox":{"user_id":"u"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	urlFile := filepath.Join(dir, "urls.json")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		cmd := command()
		cmd.SetOut(w)
		cmd.SetArgs([]string{"--accounts", accounts, "--url-file", urlFile, "--listen-tls", "127.0.0.1:0"})
		err := cmd.ExecuteContext(ctx)
		ended <- err
		w.CloseWithError(io.EOF)
	}()
	// The line about the control API is the last.
	shown := map[string]string{}
	lines := bufio.NewScanner(r)
	for shown["control"] == "" && lines.Scan() {
		name, url, _ := strings.Cut(lines.Text(), "\t")
		shown[name] = url
	}
	var written map[string]string
	b, err := os.ReadFile(urlFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &written); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"invoicebox", "sagi", "control"} {
		if shown[name] == "" || shown[name] != written[name] {
			t.Errorf("%s: printed %q, written %q", name, shown[name], written[name])
		}
	}
	resp, err := http.Get(shown["control"] + "/accounts")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), `"name":"one"`) || strings.Contains(string(body), "sagi") {
		t.Errorf("accounts %s, %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`[{"upstream":"nowhere","name":"x"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--listen", "0.0.0.0:0"},
		{"--accounts", bad},
		{"--accounts", filepath.Join(t.TempDir(), "missing.json")},
		{"--url-file", filepath.Join(t.TempDir(), "missing", "urls.json")},
		{"argument"},
	} {
		cmd := command()
		cmd.SetOut(&bytes.Buffer{})
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// Who starts the sandbox can log in with what it prints, second factor included.
func TestLoginsOfTheDemoAccountsArePrinted(t *testing.T) {
	s := sandbox.New(sandbox.Options{})
	for _, demo := range []bool{true, false} {
		var out bytes.Buffer
		accounts := sandbox.DemoAccounts()
		for _, name := range s.Upstreams() {
			writeLogins(&out, s, name, accounts, demo)
		}
		for _, a := range accounts {
			for _, secret := range []string{a.Password, a.Token} {
				if secret != "" && strings.Contains(out.String(), `= "`+secret+`"`) != demo {
					t.Errorf("demo %t: %s of %s in\n%s", demo, a.Name, a.Upstream, out.String())
				}
			}
			if n := strings.Count(out.String(), "\n"); n != len(accounts) {
				t.Errorf("%d lines for %d accounts", n, len(accounts))
			}
		}
		if !strings.Contains(out.String(), `"79007654321"`) || strings.Count(out.String(), "/_control/sms") != 1 || strings.Contains(out.String(), "  = ") {
			t.Errorf("the account with a second factor:\n%s", out.String())
		}
	}
}
