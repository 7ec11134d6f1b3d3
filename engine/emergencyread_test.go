package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/state"
)

// wantNoFiles wants no emergency file.
func wantNoFiles(t *testing.T, w *world) {
	t.Helper()
	if files := emergencyFiles(t, w); len(files) != 0 {
		t.Errorf("emergency files are left: %v", files)
	}
}

// warned wants one warning of a plan, with that summary and text.
func warned(t *testing.T, w *world, summary, text string) {
	t.Helper()
	p := w.plan(engine.Request{})
	if len(p.Diagnostics) != 1 || p.Diagnostics[0].Summary != summary ||
		!strings.Contains(p.Diagnostics[0].Detail, text) ||
		p.Diagnostics[0].Address != "account.fake.a" {
		t.Errorf("%+v, want %q", p.Diagnostics, text)
	}
}

func TestApplyBringsATokenBackFromTheEmergencyFile(t *testing.T) {
	w, _ := rescued(t)
	file := emergencyFiles(t, w)[0]
	warned(t, w, engine.TokenInEmergencyFile, "It is in "+file+". Apply recovers it without a login")
	w.expect("a deliver journaled")
	if got := emergencyFiles(t, w); len(got) != 1 || got[0] != file {
		t.Errorf("plan has removed the file: %v", got)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
	wantNoFiles(t, w)
	w.expect("a none current")
}

func TestTokenIsBroughtBackWhereTheStateWasLostMeanwhile(t *testing.T) {
	w, _ := rescued(t)
	for _, path := range w.sinks["state"].Paths() {
		w.sinks["state"].Remove(path)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
	wantNoFiles(t, w)
}

// The token of state recover is in the state; the file has done its work.
func TestApplyRemovesAnEmergencyFileThatWasRecovered(t *testing.T) {
	w, content := rescued(t)
	if err := w.recover(content); err != nil {
		t.Fatal(err)
	}
	if p := w.plan(engine.Request{}); len(p.Diagnostics) != 0 {
		t.Errorf("plan tells of a file whose token is in the state: %+v", p.Diagnostics)
	}
	w.mustApply()
	wantNoFiles(t, w)
}

func TestApplyRemovesAnEmergencyFileThatIsOlderThanTheState(t *testing.T) {
	w, content := rescued(t)
	file := emergencyFiles(t, w)[0]
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	w.mustApply()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	w.expect("a none current")
	w.mustApply()
	wantNoFiles(t, w)
	if got := w.delivered("a"); got != "token-2" {
		t.Errorf("delivered %q", got)
	}
}

// The run that got the token may be trying the state still.
func TestEmergencyFileOfARunAtWorkIsLeftToIt(t *testing.T) {
	w, _ := rescued(t)
	w.alive = func(string) bool { return true }
	file := emergencyFiles(t, w)[0]
	warned(t, w, engine.TokenInEmergencyFile, "working on the account")
	w.expect("a issue no_token")
	w.alive = func(string) bool { return false }
	w.expect("a deliver journaled")
	if got := emergencyFiles(t, w); len(got) != 1 || got[0] != file {
		t.Errorf("files %v", got)
	}
}

// Killed in the middle of the file, the run has lost the token. What is there is
// a leak and no more.
func TestTornEmergencyFileGoes(t *testing.T) {
	for name, cut := range map[string]func([]byte) []byte{
		"empty": func([]byte) []byte { return nil },
		"half":  func(b []byte) []byte { return b[:len(b)/2] },
		"half of an encrypted one": func(b []byte) []byte {
			return encrypted(t, newIdentity(t), b)[:200]
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, content := rescued(t)
			file := emergencyFiles(t, w)[0]
			if err := os.WriteFile(file, cut(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, w.Now(), w.Now()); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Minute)
			warned(t, w, "An emergency file is truncated", file)
			w.mustApply()
			if got := w.delivered("a"); got != "token-2" {
				t.Errorf("delivered %q", got)
			}
			wantNoFiles(t, w)
		})
	}
}

// Nothing has to come of the apply for that.
func TestTornEmergencyFileOfABlockedAccountGoes(t *testing.T) {
	w, _ := rescued(t)
	if err := os.WriteFile(emergencyFiles(t, w)[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.apply()
	w.expect("a blocked credentials_rejected")
	wantNoFiles(t, w)
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func encrypted(t *testing.T, id *age.X25519Identity, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	w, err := age.Encrypt(armored, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncryptedEmergencyFileIsBroughtBackWithItsIdentityOnly(t *testing.T) {
	w, content := rescued(t)
	id := newIdentity(t)
	file := emergencyFiles(t, w)[0]
	if err := os.WriteFile(file, encrypted(t, id, content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, w.Now(), w.Now()); err != nil {
		t.Fatal(err)
	}
	warned(t, w, engine.TokenInEmergencyFile, "has no age_identity to decrypt it. If the file is good, recover it before the next apply, which would log in again: credsync state recover "+file)
	w.expect("a issue no_token")
	w.identity = credential.NewSecret(id.String())
	w.expect("a deliver journaled")
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
	wantNoFiles(t, w)
}

// A file that others can write decides nothing by itself, and what cannot be
// read here is not removed: someone else may need it.
func TestEmergencyFileThatIsNotOursIsNotUsed(t *testing.T) {
	for name, spoil := range map[string]func(w *world, file string, content []byte) error{
		"everyone can write it": func(_ *world, file string, _ []byte) error { return os.Chmod(file, 0o666) },
		"a link": func(w *world, file string, content []byte) error {
			elsewhere := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(elsewhere, content, 0o600); err != nil {
				return err
			}
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Symlink(elsewhere, file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, content := rescued(t)
			file := emergencyFiles(t, w)[0]
			if err := spoil(w, file, content); err != nil {
				t.Fatal(err)
			}
			warned(t, w, engine.TokenInEmergencyFile, "another user may have written it")
			w.advance(time.Minute)
			w.mustApply()
			if got := w.delivered("a"); got != "token-2" {
				t.Errorf("delivered %q", got)
			}
			if len(emergencyFiles(t, w)) != 1 {
				t.Error("the file was removed")
			}
		})
	}
}

// Whatever the file is called, what is in it says whose it is.
func TestEmergencyFileOfAnotherAccountIsLeftAlone(t *testing.T) {
	for name, change := range map[string][2]string{
		"of another project":                   {`"project":"default"`, `"project":"other"`},
		"of another account, under a new name": {`"address":"account.fake.a"`, `"address":"account.fake.b"`},
	} {
		t.Run(name, func(t *testing.T) {
			w, content := rescued(t)
			file := emergencyFiles(t, w)[0]
			other := bytes.Replace(content, []byte(change[0]), []byte(change[1]), 1)
			if _, err := state.Decode(credential.NewSecret(string(other))); err != nil || bytes.Equal(other, content) {
				t.Fatalf("the file has another form: %v", err)
			}
			if err := os.WriteFile(file, other, 0o600); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Minute)
			if p := w.plan(engine.Request{}); len(p.Diagnostics) != 0 {
				t.Errorf("%+v", p.Diagnostics)
			}
			w.mustApply()
			if got := w.delivered("a"); got != "token-2" || len(emergencyFiles(t, w)) != 1 {
				t.Errorf("delivered %q, files %v", got, emergencyFiles(t, w))
			}
		})
	}
}

// A login with a code cannot be repeated without its human.
func TestTokenOfACodeIsBroughtBackWithoutAnotherCode(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.secondFactor = true
	w.apply()
	if sent := w.begin(); sent.At.IsZero() {
		t.Fatalf("no code was sent: %+v", sent.Outcome)
	}
	stopAfter(w, 3, func(ctx context.Context) {
		w.engine().FinishLogin(ctx, "account.fake.a", rightCode)
	})
	if len(emergencyFiles(t, w)) != 1 {
		t.Fatalf("emergency files: %v", emergencyFiles(t, w))
	}
	w.alive = func(string) bool { return false }
	codes := w.up.codes
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.codes != codes {
		t.Errorf("%d more codes, delivered %q", w.up.codes-codes, got)
	}
	wantNoFiles(t, w)
}

// Another run has logged in meanwhile, on a machine whose clock is behind. Which
// login was last, and so which token lives, cannot be known.
func TestTokenThatAnotherLoginMayHaveKilledIsNotDelivered(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes, w.up.unverifiable = true, true
	stopAfter(w, 3, func(ctx context.Context) { w.applyWith(ctx, engine.Request{}) })
	w.alive = func(string) bool { return false }
	here := w.emergency
	w.emergency = t.TempDir()
	w.holder = "runner-2"
	w.advance(-time.Hour)
	w.mustApply()
	w.emergency = here
	w.advance(time.Hour)
	w.mustApply()
	if got := w.delivered("a"); got == "token-1" || !w.up.live[got] {
		t.Errorf("delivered %q, which is dead", got)
	}
	wantNoFiles(t, w)
}

// TestAnEmergencyFileIsEncryptedToAllRecipients, which are written as in the state
// block: several, with comments and a line break at the end.
func TestAnEmergencyFileIsEncryptedToAllRecipients(t *testing.T) {
	one, other := newIdentity(t), newIdentity(t)
	w := newWorld(t, oneAccount)
	w.recipients = "# operations\n" + one.Recipient().String() + "\n\n" + other.Recipient().String() + "\n"
	stopAfter(w, 3, func(ctx context.Context) { w.applyWith(ctx, engine.Request{}) })
	w.alive = func(string) bool { return false }
	files := emergencyFiles(t, w)
	if len(files) != 1 {
		t.Fatalf("emergency files: %v", files)
	}
	w.identity = credential.NewSecret("# mine\n" + other.String() + "\n")
	w.apply()
	wantNoFiles(t, w)
}
