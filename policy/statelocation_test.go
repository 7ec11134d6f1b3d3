package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/policy"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// A policy without the state's place would keep credsync from working, so it is an error
// where that place cannot be said, be it of all records or of one.
func TestAStateWithoutAKnownLocationIsAnError(t *testing.T) {
	for name, unplaced := range map[string]func(record string) bool{
		"all records": func(record string) bool { return record == "" },
		"one record":  func(record string) bool { return record != "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := &config.Sink{Name: "kept.main", Spec: &sinks.Spec{
				Type: "kept",
				Record: func(_, _ schema.Values, record string) (sinks.Target, error) {
					if unplaced(record) {
						return sinks.Target{}, errors.New("the name is too long")
					}
					return sinks.Target{Path: "state/" + record}, nil
				},
			}}
			c := &config.Config{
				Project: "p", Sinks: []*config.Sink{s}, Accounts: []*config.Account{{Address: "account.fake.a"}},
				State: &config.State{Sink: s, Range: &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: 7, Column: 1}}},
			}
			uses, diags := policy.Requirements(c, "kept")
			if len(diags) != 1 || !diags.HasErrors() || diags[0].Range == nil || diags[0].Range.Start.Line != 7 {
				t.Fatalf("got %+v", diags)
			}
			if text := diags[0].Detail; !strings.Contains(text, "kept.main") || !strings.Contains(text, "the name is too long") {
				t.Errorf("it says %q", text)
			}
			if len(uses) != 1 || uses[0].State != nil {
				t.Errorf("a part of the state is told as if it were all: %+v", uses)
			}
		})
	}
}

// A configuration whose state block could not be read has sinks all the same.
func TestSinksAreListedWithoutAState(t *testing.T) {
	s := &config.Sink{Name: "kept.main", Spec: &sinks.Spec{Type: "kept"}}
	uses, diags := policy.Requirements(&config.Config{Sinks: []*config.Sink{s}}, "kept")
	if len(diags) > 0 || len(uses) != 1 || uses[0].Sink != "kept.main" || uses[0].State != nil {
		t.Errorf("got %+v, %v", uses, diags)
	}
}
