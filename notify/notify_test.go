package notify_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/notify"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

var blocked = config.Event{
	Kind: "blocked", Topic: "trouble", Project: "payments", Address: "account.sagi.coffee", Provider: "sagi", Name: "coffee",
	Reason: "credentials_rejected", Summary: `payments: account.sagi.coffee needs a human (credentials_rejected): "no"`, Message: "no",
	Remedy: "Correct it.", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Since: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
}

// block loads the first notify block of a configuration.
func block(t *testing.T, hcl string, env map[string]string) *config.Notify {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := config.Load(t.Context(), config.Options{
		Path: dir, Getenv: func(name string) string { return env[name] },
		Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry(memorysink.Spec(nil)), Version: "1.0.0",
	})
	for _, d := range diags {
		if d.Severity == "error" {
			t.Fatalf("%s: %s", d.Summary, d.Detail)
		}
	}
	return c.Notify[0]
}

// received is a request as the webhook saw it.
type received struct {
	*http.Request
	body string
}

// serve answers with the statuses in turn, the last one for ever.
func serve(t *testing.T, statuses ...int) (url string, got chan received) {
	t.Helper()
	got = make(chan received, 16)
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- received{r, string(b)}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(statuses[min(int(n.Add(1)), len(statuses))-1])
		_, _ = io.WriteString(w, "no_service canary-answer")
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func webhookHCL(url, more string) string {
	return fmt.Sprintf("notify \"webhook\" \"oncall\" {\n  url = %q\n%s\n}\n", url, more)
}

func TestMessageArrivesAsConfigured(t *testing.T) {
	url, got := serve(t, 204)
	n := block(t, webhookHCL(url+"/T0/canary-url?k=v", `
  method  = "PUT"
  headers = { Authorization = "Bearer canary-header", "Content-Type" = "text/plain" }
  body    = "${event.kind} ${event.address} since ${event.since}${event.deadline == null ? "" : event.deadline}, ${event.failures} failures"`), nil)
	if err := notify.New("1.2.3").Send(t.Context(), n, blocked); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.Method != "PUT" || r.URL.String() != "/T0/canary-url?k=v" || r.Header.Get("Authorization") != "Bearer canary-header" ||
		r.Header.Get("Content-Type") != "text/plain" || r.UserAgent() != "credsync/1.2.3" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	if r.body != "blocked account.sagi.coffee since 2026-03-01T11:00:00Z, 0 failures" {
		t.Errorf("%q", r.body)
	}
}

func TestDefaultMessageIsJSONWithText(t *testing.T) {
	url, got := serve(t, 200)
	if err := notify.New("1").Send(t.Context(), block(t, webhookHCL(url, ""), nil), blocked); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if want := `{"text":"payments: account.sagi.coffee needs a human (credentials_rejected): \"no\""}`; r.body != want || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v %s", r.Method, r.Header, r.body)
	}
}

func TestStatusDecidesWhetherItIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		sent     int
		want     string
	}{
		{[]int{200}, 1, ""},
		{[]int{503, 200}, 2, ""},
		{[]int{429}, 2, "it answered HTTP 429"},
		{[]int{500, 200}, 1, "it answered HTTP 500"}, // it may have been taken
		{[]int{404}, 1, "it answered HTTP 404"},
		{[]int{302}, 1, "it answered HTTP 302, a redirect, and redirects are not followed; set url to the address that it leads to"},
	} {
		t.Run(fmt.Sprint(c.statuses), func(t *testing.T) {
			url, got := serve(t, c.statuses...)
			err := notify.New("1").Send(t.Context(), block(t, webhookHCL(url, ""), nil), blocked)
			if said := fmt.Sprint(err); said != c.want && (err != nil || c.want != "") {
				t.Errorf("%v, want %q", err, c.want)
			}
			if len(got) != c.sent {
				t.Errorf("sent %d times, want %d", len(got), c.sent)
			}
		})
	}
}

// The URL is the key to the webhook, and an answer may repeat it.
func TestErrorsShowNeitherURLNorAnswer(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	_ = closed.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = nil
	t.Cleanup(untrusted.Close)
	hanging := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(hanging) })
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	t.Cleanup(cut.Close)
	answering, _ := serve(t, 400)
	for url, want := range map[string]string{
		refused:                    "the connection was refused",
		untrusted.URL:              "its certificate was issued by an authority that this machine does not trust",
		slow.URL:                   "no answer within 200ms",
		cut.URL:                    "the connection was closed before an answer arrived",
		answering:                  "it answered HTTP 400",
		"https://host.invalid":     "its host name could not be resolved",
		"https://127.0.0.1:999999": "the connection failed",
	} {
		timeout := "10s"
		if url == slow.URL || url == "https://host.invalid" {
			timeout = "200ms"
		}
		n := block(t, webhookHCL(url+"/canary-url?token=canary-query", fmt.Sprintf("  timeout = %q\n", timeout)), nil)
		err := notify.New("1").Send(t.Context(), n, blocked)
		if url == "https://host.invalid" && fmt.Sprint(err) == "no answer within 200ms" {
			continue // the name server took its time
		}
		if fmt.Sprint(err) != want || strings.Contains(fmt.Sprintf("%+v %#v", err, err), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// Only once the body was read does the server see that the client has gone.
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	if err := notify.New("1").Send(ctx, block(t, webhookHCL(s.URL, ""), nil), blocked); fmt.Sprint(err) != "the run was told to stop" {
		t.Error(err)
	}
}

func TestBodyThatCannotBeMadeSaysWhere(t *testing.T) {
	url, got := serve(t, 200)
	n := block(t, webhookHCL(url, `  body = tonumber(event.reason)`), nil)
	err := notify.New("1").Send(t.Context(), n, blocked)
	if err == nil || !strings.HasPrefix(err.Error(), "the body could not be built: ") || len(got) != 0 {
		t.Errorf("%v, %d sent", err, len(got))
	}
}
