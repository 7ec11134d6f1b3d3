package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
)

func TestClockThatDiffersIsAWarningOnce(t *testing.T) {
	s := &clockSkews{}
	s.add("api.example.com", 10*time.Minute)
	s.add("other.example.com", -2*time.Hour)
	list := s.take()
	if len(list) != 2 || list.HasErrors() {
		t.Fatalf("%+v, want two warnings", list)
	}
	for i, want := range []string{"api.example.com is 10m ahead of", "other.example.com is 2h behind"} {
		if !strings.Contains(list[i].Detail, want) {
			t.Errorf("%q does not say %q", list[i].Detail, want)
		}
	}
	if again := s.take(); len(again) != 0 {
		t.Errorf("told twice: %+v", again)
	}
}

func TestStoppedBeforeThePlanIsMadeIsAnError(t *testing.T) {
	for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve"}} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
			got := commandIn(ctx, f, args)
			if got.code != 1 || f.applied != 0 || !strings.Contains(got.stderr, "Interrupted") {
				t.Errorf("exit %d after %d applies\n%s", got.code, f.applied, got.stderr)
			}
		})
	}
}
