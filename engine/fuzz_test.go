package engine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// FuzzSavedPlan: whatever a file says that calls itself a saved plan, checking
// it logs in nowhere and writes nothing, and one that was not made of this very
// configuration is refused.
func FuzzSavedPlan(f *testing.F) {
	for _, name := range []string{"guards", "damaged", "empty"} {
		f.Add(savedSeed(f, name))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		saved, err := engine.LoadSaved(content)
		if err != nil {
			return
		}
		w := newWorld(t, oneAccount)
		e := w.engine()
		p := e.PlanSaved(context.Background(), saved)
		if saved.ConfigDigest != e.Config.Digest && !p.Diagnostics.HasErrors() {
			t.Error("a plan of another configuration is accepted")
		}
		// The digest is public; with it the rest of the file counts.
		saved.ConfigDigest = e.Config.Digest
		_ = e.PlanSaved(context.Background(), saved)
		if got := w.up.counts(); got != "logins=0 refreshes=0" {
			t.Errorf("checking a saved plan has effects: %s", got)
		}
	})
}

func savedSeed(f *testing.F, name string) []byte {
	f.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "saved", name+".json"))
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzRecover: an emergency file that is damaged, of another project or made up
// is refused, without a word of what is in it and with the state left as it was.
func FuzzRecover(f *testing.F) {
	record := state.New("default", "account.fake.a", "fake")
	record.Pending = &state.Grant{ID: "g", Token: credential.Token{Access: credential.NewSecret("canary-token")}}
	encoded, err := state.Encode(record)
	if err != nil {
		f.Fatal(err)
	}
	good := []byte(encoded.Reveal())
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte(`"pending"`), []byte(`"current"`), 1))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\ncanary-token\n-----END AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		w := newWorld(t, oneAccount)
		e := w.engine()
		address, err := e.Recover(context.Background(), content, credential.Secret{})
		places, listErr := w.sinks["state"].List(context.Background(), sinks.Target{Path: "state"})
		if listErr != nil {
			t.Fatal(listErr)
		}
		switch {
		case err != nil && len(places) > 0:
			t.Error("a file that was refused has changed the state")
		case err != nil && bytes.Contains([]byte(err.Error()), []byte("canary")):
			t.Errorf("the error quotes the file: %v", err)
		case err == nil:
			snap, err := e.Store.Load(context.Background(), address)
			if err != nil || snap.Record == nil || snap.Record.Pending == nil {
				t.Errorf("what was recovered cannot be read back: %v", err)
			}
		}
	})
}
