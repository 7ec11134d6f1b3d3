package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver is a script's webhook.
type receiver struct {
	mu    sync.Mutex
	lines []string
	// remedy is that of the last message.
	remedy string
}

// receiverKey finds a script's webhook.
type receiverKey struct{}

func (r *receiver) take(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var m struct{ Line, Remedy string }
		err := json.NewDecoder(req.Body).Decode(&m)
		w.WriteHeader(status)
		// A doctor asks for the host alone, which is no message.
		if status/100 != 2 || req.Method == http.MethodHead && req.URL.Path == "/" {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil || req.URL.Path != "/canary-key" {
			m.Line = "something else at " + req.URL.Path
		}
		r.lines, r.remedy = append(r.lines, m.Line), m.Remedy
	}
}

// await waits until so many messages have arrived, or for half a minute.
func (r *receiver) await(n int) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		arrived := len(r.lines)
		r.mu.Unlock()
		if arrived >= n {
			return
		}
	}
}

// webhookCommand is "webhook" with one of
//
//	start STATUS      a webhook at $WEBHOOK that answers with it
//	got LINE...       what has arrived since the last call
//	await LINE...     the same, once as many have arrived
//	remedy TEXT       part of the last message's remedy
func webhookCommand(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value(receiverKey{}).(*receiver)
	if args[0] == "await" {
		r.await(len(args) - 1)
		args[0] = "got"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch args[0] {
	case "start":
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		s := httptest.NewServer(r.take(status))
		ts.Defer(s.Close)
		ts.Setenv("WEBHOOK", s.URL)
	case "got":
		if !slices.Equal(r.lines, args[1:]) {
			ts.Fatalf("the webhook got %q, want %q", r.lines, args[1:])
		}
		r.lines = nil
	case "remedy":
		if !strings.Contains(r.remedy, args[1]) {
			ts.Fatalf("the remedy was %q", r.remedy)
		}
	default:
		ts.Fatalf("webhook: there is no %q", args[0])
	}
}
