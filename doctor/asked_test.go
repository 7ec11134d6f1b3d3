package doctor_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

// asking is a sink that remembers what it was asked about.
type asking struct {
	*memorysink.Sink
	mu     *sync.Mutex
	trials map[string][]sinks.Trial
	name   string
}

func (a asking) Preflight(ctx context.Context, trials []sinks.Trial) []error {
	a.mu.Lock()
	a.trials[a.name] = append(a.trials[a.name], trials...)
	a.mu.Unlock()
	return a.Sink.Preflight(ctx, trials)
}

// Of the state a sample is asked about, of the targets all, with the keys that would be
// written.
func TestWhatSinksAreAskedAbout(t *testing.T) {
	w := newWorld(t)
	trials, mu := map[string][]sinks.Trial{}, &sync.Mutex{}
	w.adjust = func(o *doctor.Options) {
		o.Gate.Open = func(s *config.Sink) (sinks.Sink, error) {
			return asking{w.sinks[s.Values.String("name")], mu, trials, s.Name}, nil
		}
	}
	url, hcl := closedURL(t), ""
	for i := range 30 {
		hcl += fmt.Sprintf("account \"sagi\" \"n%d\" {\n  base_url = %q\n  phone = \"p\"\n  password = \"canary-password\"\n  deliver \"memory\" \"main\" {\n    path = \"n%d\"\n    data = { token = token.access_token }\n    adopt = %t\n  }\n}\n", i, url, i, i == 3)
	}
	w.examine(hcl)
	if n := len(trials["memory.state"]); n != 20 {
		t.Errorf("%d records are asked about", n)
	}
	if n := len(trials["memory.main"]); n != 30 {
		t.Fatalf("%d targets are asked about", n)
	}
	for _, trial := range trials["memory.main"] {
		if !slices.Equal(trial.Keys, []string{"token"}) || trial.Adopt != (trial.Target.Path == "n3") {
			t.Errorf("%s: keys %v, adopt %t", trial.Target.Path, trial.Keys, trial.Adopt)
		}
	}
}

// One record that can be read is enough to look at accounts by what the state remembers.
func TestAccountsAreLookedAtWhereAnyRecordCanBeRead(t *testing.T) {
	for name, good := range map[string]bool{"one of two": true, "none of one": false} {
		w := newWorld(t)
		asked := false
		w.adjust = func(o *doctor.Options) {
			o.Whole, o.Engine = true, planner{asked: func(context.Context, engine.Request) { asked = true }}
			if good {
				if _, err := o.Store.Save(t.Context(), state.New("default", "account.sagi.b", "sagi"), ""); err != nil {
					t.Fatal(err)
				}
			}
			w.sinks["state"].Put("state/"+state.RecordName("default", "account.sagi.a"), nil)
		}
		w.examine(sagi("a", closedURL(t), "") + sagi("b", closedURL(t), ""))
		if asked != good {
			t.Errorf("%s: a plan is made: %t", name, asked)
		}
	}
}
