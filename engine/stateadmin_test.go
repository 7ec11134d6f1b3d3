package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
)

// records is how the state commands see the state of a world; every holder of a
// lease is where that says.
func (w *world) records(where processid.Whereabouts) *admin.Records {
	e := w.engine()
	return &admin.Records{
		Store:   e.Store,
		Project: e.Config.Project,
		Now:     w.Now,
		Where:   func(string) processid.Whereabouts { return where },
	}
}

// leased leaves the account as a run that was killed on another machine does.
func leased(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, oneAccount)
	w.mustApply()
	r := w.records(processid.Elsewhere)
	f, err := r.Find(t.Context(), "fake.a")
	if err != nil {
		t.Fatal(err)
	}
	rec := f.Record.Clone()
	rec.Lease = &state.Lease{Holder: "build-7/boot.ns/4711/99/ABCDEFGH", ExpiresAt: w.Now().Add(time.Minute)}
	snap, err := r.Store.Load(t.Context(), rec.Address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Save(t.Context(), rec, snap.Version); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestUnlockEndsALeaseUnlessItsHolderRunsHere(t *testing.T) {
	for where, want := range map[processid.Whereabouts]string{processid.Elsewhere: "", processid.Gone: "",
		processid.Running: "process 4711 on build-7, on this machine, is working on account.fake.a"} {
		w := leased(t)
		r := w.records(where)
		f, err := r.Find(t.Context(), "fake.a")
		if err != nil {
			t.Fatal(err)
		}
		err = r.Unlock(t.Context(), f)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("whereabouts %d: %v", where, err)
		}
		after, err := r.Find(t.Context(), "fake.a")
		if err != nil {
			t.Fatal(err)
		}
		if unlocked := after.Record.Lease == nil; unlocked != (want == "") {
			t.Errorf("whereabouts %d: unlocked is %t", where, unlocked)
		}
		if after.Record.Current == nil {
			t.Error("the token is gone")
		}
	}
}

func TestUnlockOfALeaseThatHasRunOutNeedsNobody(t *testing.T) {
	w := leased(t)
	w.advance(2 * time.Minute)
	r := w.records(processid.Running)
	f, err := r.Find(t.Context(), "fake.a")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Unlock(t.Context(), f); err != nil {
		t.Error(err)
	}
}

// A person has looked at the record and said yes; what another run has written
// meanwhile is not what that person saw.
func TestMendingLeavesAloneWhatHasChangedMeanwhile(t *testing.T) {
	for name, mend := range map[string]func(*admin.Records, *admin.Found) error{
		"remove": func(r *admin.Records, f *admin.Found) error { return r.Remove(context.Background(), f) },
		"unlock": func(r *admin.Records, f *admin.Found) error { return r.Unlock(context.Background(), f) },
	} {
		w := leased(t)
		r := w.records(processid.Gone)
		f, err := r.Find(t.Context(), "fake.a")
		if err != nil {
			t.Fatal(err)
		}
		w.advance(5 * time.Minute)
		w.applyWith(t.Context(), engine.Request{Replace: []string{"fake.a"}})
		if err := mend(r, f); err == nil || !strings.Contains(err.Error(), "another run has written the record") {
			t.Errorf("%s: %v", name, err)
		}
		w.expect("a none current")
	}
}

func TestRemoveForgetsTheRecordAndLeavesTheTargets(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	r := w.records(processid.Elsewhere)
	f, err := r.Find(t.Context(), "account.fake.a")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("the target holds %q", got)
	}
	if _, err := r.Find(t.Context(), "fake.a"); err == nil || !strings.Contains(err.Error(), "credsync state list") {
		t.Errorf("a record that is gone: %v", err)
	}
	w.expect("a issue no_token")
	w.mustApply()
}

func TestRemoveWaitsForTheRunAtWork(t *testing.T) {
	w := leased(t)
	r := w.records(processid.Elsewhere)
	f, err := r.Find(t.Context(), "fake.a")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), f); err == nil || !strings.Contains(err.Error(), "process 4711 on build-7") {
		t.Errorf("err = %v", err)
	}
	w.advance(2 * time.Minute)
	if err := r.Remove(t.Context(), f); err != nil {
		t.Errorf("once the lease has run out: %v", err)
	}
}

func TestDamagedRecordIsFoundAndRemoved(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	path := w.sinks["state"].Paths()[0]
	w.sinks["state"].Put(path, map[string]credential.Secret{"record": credential.NewSecret(`{"format_version":1,"current":"canary`)})
	r := w.records(processid.Elsewhere)
	f, err := r.Find(t.Context(), "fake.a")
	if err != nil || f.Damage == nil || f.Record != nil {
		t.Fatalf("Find = %+v, %v", f, err)
	}
	if err := r.Unlock(t.Context(), f); err == nil {
		t.Error("what cannot be understood was unlocked")
	}
	if err := r.Remove(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	w.expect("a issue no_token")
}

func TestRecordsOfOtherProjectsAreNeitherListedNorFound(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.hcl = "credsync { project = \"other\" }\n" + oneAccount
	r := w.records(processid.Elsewhere)
	if list, errs := r.List(t.Context()); len(list)+len(errs) > 0 {
		t.Errorf("listed %d, %v", len(list), errs)
	}
	if _, err := r.Find(t.Context(), "fake.a"); err == nil || !strings.Contains(err.Error(), "has no record of account.fake.a") {
		t.Errorf("err = %v", err)
	}
}

func TestListNamesWhatItCannotRead(t *testing.T) {
	w := newWorld(t, strings.ReplaceAll(oneAccount, `account "fake" "a" {`, "account \"fake\" \"a\" {\nfor_each = toset([\"x\", \"y\"])"))
	w.hcl = strings.Replace(w.hcl, `path = "a"`, "path = each.key", 1)
	w.mustApply()
	path := w.sinks["state"].Paths()[0]
	w.sinks["state"].Put(path, map[string]credential.Secret{"record": credential.NewSecret("canary")})
	list, errs := w.records(processid.Elsewhere).List(t.Context())
	if len(list) != 1 || len(errs) != 1 || !strings.Contains(errs[0].Error(), path) {
		t.Errorf("listed %d, %v", len(list), errs)
	}
}
