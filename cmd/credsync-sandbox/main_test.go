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
