package engine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// rescued makes a world whose state did not take a new token, and returns what
// is in the emergency file. The state is back.
func rescued(t *testing.T) (*world, []byte) {
	t.Helper()
	w := newWorld(t, oneAccount)
	stopAfter(w, 3, func(ctx context.Context) { w.applyWith(ctx, engine.Request{}) })
	files := emergencyFiles(t, w)
	if len(files) != 1 {
		t.Fatalf("emergency files: %v", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	w.alive = func(string) bool { return false }
	return w, content
}

// stopAfter has the state refuse writes from the login on, and the run told to
// stop after some pauses.
func stopAfter(w *world, pauses int, run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w.up.loginDone = func() { w.sinks["state"].Fail = failing(memorysink.Write, 1000000, sinks.ErrUnavailable) }
	n := 0
	w.sleeping = func() {
		if n++; n == pauses {
			stop()
		}
	}
	run(ctx)
	w.sinks["state"].Fail, w.up.loginDone, w.sleeping = nil, nil, nil
}

func (w *world) recover(content []byte) error {
	_, err := w.engine().Recover(context.Background(), content, credential.Secret{})
	return err
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

func TestDamagedEmergencyFilesAreRefusedWithAWayOut(t *testing.T) {
	w, content := rescued(t)
	for name, damaged := range map[string][]byte{
		"empty": {}, "cut short": content[:len(content)/2], "one byte short": bytes.TrimSpace(content)[:len(bytes.TrimSpace(content))-1],
		"something else": []byte("hello"), "another document": []byte(`{"format_version":1}`),
	} {
		err := w.recover(damaged)
		wantError(t, err, "damaged or truncated")
		if err != nil && strings.Contains(err.Error(), "token-1") {
			t.Errorf("%s: the error shows a token", name)
		}
	}
	wantError(t, w.recover(bytes.Replace(content, []byte(`"format_version":1,`), []byte(`"format_version":99,`), 1)), "newer credsync")
	if err := w.recover(content); err != nil {
		t.Error(err)
	}
}

// Brought into a configuration without the account, the token would be
// forgotten by the next apply as that of an account that was removed.
func TestEmergencyFileOfAnAccountThatIsNotDeclaredIsRefused(t *testing.T) {
	w, content := rescued(t)
	hcl := w.hcl
	w.hcl = strings.Replace(hcl, `account "fake" "a"`, `account "fake" "b"`, 1)
	wantError(t, w.recover(content), "account.fake.a, which this configuration does not have")
	w.hcl = "credsync {\n  project = \"other\"\n}\n" + hcl
	wantError(t, w.recover(content), `belongs to project "default"`)
}

func TestRecoveryOverwritesNothingNewer(t *testing.T) {
	w, content := rescued(t)
	w.emergency = t.TempDir() // as on another machine
	w.advance(time.Minute)
	w.mustApply()
	if got := w.delivered("a"); got != "token-2" {
		t.Fatalf("delivered %q", got)
	}
	wantError(t, w.recover(content), "newer token")
	w.mustApply()
	if got := w.delivered("a"); got != "token-2" {
		t.Errorf("delivered %q", got)
	}
}

// The state was lost with its server and started again by a run that got no token.
// The one in the file is the only one there is.
func TestTokenIsRecoveredIntoAStateThatWasStartedAgain(t *testing.T) {
	w, content := rescued(t)
	w.sinks["state"], w.emergency = memorysink.New(), t.TempDir()
	w.up.onLogin = func() error { return os.ErrDeadlineExceeded }
	w.apply()
	w.up.onLogin = nil
	if len(w.sinks["state"].Paths()) != 1 {
		t.Fatal("the state has no new record")
	}
	if err := w.recover(content); err != nil {
		t.Fatal(err)
	}
	w.expect("a deliver journaled")
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=2 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
}

// Nothing can be written anywhere. The state is tried until the end, and what
// is lost is called lost.
func TestTokenThatNothingTakesIsCalledLost(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.emergency = filepath.Join(w.emergency, "file")
	if err := os.WriteFile(w.emergency, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stopAfter(w, 3, func(ctx context.Context) {
		s := w.applyWith(ctx, engine.Request{})
		m := s.Outcomes[0].Message
		if s.Count(engine.Failed) != 1 || !strings.Contains(m, "is lost") || strings.Contains(m, "safe in") || !strings.Contains(m, "credsync apply --replace account.fake.a") {
			t.Errorf("%s", m)
		}
	})
}

// Told to stop with the token nowhere but in memory, the run tries everything
// once more: the disk may have room by now.
func TestLastTryBeforeATokenIsLost(t *testing.T) {
	for name, heal := range map[string]func(*world, string){
		"the state is back": func(w *world, _ string) { w.sinks["state"].Fail = nil },
		"the folder is back": func(w *world, file string) {
			if err := os.Remove(file); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			file := filepath.Join(w.emergency, "file")
			w.emergency = file
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			w.up.loginDone = func() { w.sinks["state"].Fail = failing(memorysink.Write, 1000000, sinks.ErrUnavailable) }
			w.sleeping = func() {
				heal(w, file)
				stop()
			}
			w.applyWith(ctx, engine.Request{})
			w.sinks["state"].Fail, w.up.loginDone, w.sleeping = nil, nil, nil
			w.alive = func(string) bool { return false }
			w.mustApply()
			if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
				t.Errorf("%s, delivered %q", w.up.counts(), got)
			}
		})
	}
}

// Held up for longer than its lease, the run finds the record written by
// another, and then neither the state nor the disk takes anything.
func TestTokenOfALostLeaseThatNothingTakesIsCalledLost(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.emergency = filepath.Join(w.emergency, "file")
	if err := os.WriteFile(w.emergency, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.up.loginDone = func() {
		for _, path := range w.sinks["state"].Paths() {
			data, _ := w.sinks["state"].Get(path)
			w.sinks["state"].Put(path, data)
		}
		w.sinks["state"].Fail = failing(memorysink.Read, 1000000, sinks.ErrUnavailable)
	}
	s := w.apply()
	if m := s.Outcomes[0].Message; !strings.Contains(m, "is lost") {
		t.Errorf("%s", m)
	}
}
