package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// auditCommand is "audit FILE LINE...": FILE is an audit trail without secrets
// that has those lines, each as "action outcome class".
func auditCommand(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	noSecret(ts, text)
	var got []string
	for line := range bytes.Lines([]byte(text)) {
		var v struct{ Action, Outcome, Class string }
		ts.Check(json.Unmarshal(line, &v))
		got = append(got, strings.TrimSpace(v.Action+" "+v.Outcome+" "+v.Class))
	}
	if !slices.Equal(got, args[1:]) {
		ts.Fatalf("the trail has %q, want %q", got, args[1:])
	}
}
