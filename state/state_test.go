package state_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/google/go-cmp/cmp"
)

var revealed = cmp.Comparer(func(a, b credential.Secret) bool { return a.Equal(b) })

func full() *state.Record {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	r := state.New("payments", `account.sagi.coffee["almaty"]`, "sagi")
	r.FirstSeenAt = at
	r.DeleteOnRemove = true
	r.Revocation = &state.Revocation{
		Attributes: credential.NewSecret(`{"attributes":{"client_secret":"canary-client"}}`), HTTP: credential.NewSecret(`{"attributes":{"timeout":"30s"}}`),
	}
	r.Failures = 2
	r.LastFailure = &state.LastFailure{At: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), Message: "the login failed"}
	r.Notices = []state.Notice{{Notify: "webhook.oncall", Topic: "trouble", Event: "blocked", Subject: "account_locked", At: at, Sent: true}}
	r.Lease = &state.Lease{Holder: "host/1", ExpiresAt: at.Add(time.Minute)}
	r.Current = state.NewGrant(credential.Token{
		Access: credential.NewSecret("canary-access"), Refresh: credential.NewSecret("canary-refresh"),
		IssuedAt: at, ExpiresAt: at.Add(time.Hour), RefreshableUntil: at.Add(365 * 24 * time.Hour),
		Outputs: credential.Outputs{
			"branch_id": "98765432109876543210", "muted": false, "branches": []string{"1", "2"},
			"customers": []map[string]string{{"id": "1", "name": "ТОО \test"}},
			"none":      []string{}, "extra": credential.NewSecret("canary-output"),
		},
	}, "login", "shape")
	r.Current.VerifiedAt = at
	r.Current.Description = "description"
	r.Current.RefreshRefused = true
	r.Current.Token.Answers = credential.NewSecret("canary-answers")
	r.Pending = state.NewGrant(credential.Token{Access: credential.NewSecret("canary-pending"), IssuedAt: at}, "l", "s")
	r.Pending.Rejected = true
	r.Pending.Replace(r.Current)
	r.Pending.Token.Outputs = credential.Outputs{}
	r.Block = &state.Block{Reason: failure.CredentialsRejected, Message: "no", Since: at, LoginPrint: "l", ShapePrint: "s"}
	r.Reject(state.Rejection{LoginPrint: "other", Reason: failure.AccountLocked, At: at, Enough: 3, Count: 1, AtRefresh: true})
	r.Block.AtRefresh = true
	r.RefreshAsked = &state.RefreshIntent{GrantID: r.Pending.ID, At: at, Last: true}
	r.NoteSecretRefusal("secret", at)
	r.SpendLogin("seed")
	r.Challenge = &state.Challenge{
		Challenge:  credential.Challenge{ID: credential.NewSecret("canary-session"), SentAt: at},
		LoginPrint: "l",
	}
	r.PutTarget(
		state.Target{
			Place:       "vault main secret/b",
			Sink:        "vault.main",
			Location:    "secret/b",
			Options:     []byte(`{"path":"b"}`),
			Keys:        []string{"k"},
			LaterKeys:   []string{"l"},
			GrantID:     "g",
			Digest:      "d",
			Version:     "3",
			DeliveredAt: at,
			Merge:       true,
			RestartedID: "g",
		},
	)
	r.PutTarget(state.Target{Place: "vault main secret/a", Sink: "vault.main", Location: "secret/a"})
	return r
}

func TestRecordSurvivesTheCodec(t *testing.T) {
	want := full()
	encoded, err := state.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, revealed); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefusesWhatItCannotUseAndQuotesNothing(t *testing.T) {
	const key = `"key":"AAAA"`
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"empty":               {``, state.ErrCorrupt},
		"not JSON":            {`canary-not-json`, state.ErrCorrupt},
		"no version":          {`{"address":"a","provider":"p",` + key + `}`, state.ErrCorrupt},
		"version zero":        {`{"format_version":0}`, state.ErrCorrupt},
		"newer":               {`{"format_version":99,"address":{"canary":1}}`, state.ErrTooNew},
		"no address":          {`{"format_version":1,"provider":"p",` + key + `}`, state.ErrCorrupt},
		"no key":              {`{"format_version":1,"address":"a","provider":"p"}`, state.ErrCorrupt},
		"wrong type":          {`{"format_version":1,"address":"a","provider":"p",` + key + `,"current":"canary"}`, state.ErrCorrupt},
		"token without value": {`{"format_version":1,"address":"a","provider":"p",` + key + `,"current":{"id":"canary"}}`, state.ErrCorrupt},
		"odd output":          {`{"format_version":1,"address":"a","provider":"p",` + key + `,"current":{"id":"x","access_token":"canary","issued_at":"2026-01-01T00:00:00Z","outputs":{"o":[1]}}}`, state.ErrCorrupt},
		"truncated":           {`{"format_version":1,"address":"a","provider":"p",` + key + `,"current":{"id":"canary`, state.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := state.Decode(credential.NewSecret(tt.text))
			if !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Error("the error quotes the record")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	encoded, err := state.Encode(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded.Reveal())
	f.Add(`{"format_version":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := state.Decode(credential.NewSecret(text))
		if err != nil {
			return
		}
		again, err := state.Encode(r)
		if err != nil {
			t.Fatalf("a record that was decoded cannot be encoded: %v", err)
		}
		if _, err := state.Decode(again); err != nil {
			t.Fatalf("a record that was encoded cannot be decoded: %v", err)
		}
	})
}

func newStore(s sinks.Sink) *state.Store {
	return state.NewStore(s, "p", func(name string) (sinks.Target, error) {
		t := sinks.Target{Path: "state", Location: "memory/state"}
		if strings.HasSuffix(name, "-") {
			// As Kubernetes does.
			return t, fmt.Errorf("%q is no name", name)
		}
		if name != "" {
			t.Path += "/" + name
			t.Location += "/" + name
		}
		return t, nil
	})
}

func TestStoreKeepsOneRecordPerAccountByCompareAndSet(t *testing.T) {
	ctx := context.Background()
	s := newStore(memorysink.New())
	snap, err := s.Load(ctx, "account.sagi.coffee")
	if err != nil || snap.Record != nil || snap.Version != "" {
		t.Fatalf("Load of nothing = %+v, %v", snap, err)
	}
	r := state.New("p", "account.sagi.coffee", "sagi")
	v1, err := s.Save(ctx, r, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(ctx, r, ""); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a second first write: err = %v, want a conflict", err)
	}
	v2, err := s.Save(ctx, r, v1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(ctx, r, v1); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a write at an old version: err = %v, want a conflict", err)
	}
	if err := s.Delete(ctx, r.Address, v1); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a delete at an old version: err = %v, want a conflict", err)
	}
	if err := s.Delete(ctx, r.Address, v2); err != nil {
		t.Fatal(err)
	}
	if snap, err := s.Load(ctx, r.Address); err != nil || snap.Record != nil {
		t.Errorf("Load after Delete = %+v, %v", snap, err)
	}
}

// What was deleted by anyone but the store is not what never was: it may have been a
// rejected login.
func TestASoftlyDeletedRecordIsNotTakenForANewOne(t *testing.T) {
	ctx := context.Background()
	sink := memorysink.New()
	s := newStore(sink)
	r := state.New("p", "account.sagi.coffee", "sagi")
	if _, err := s.Save(ctx, r, ""); err != nil {
		t.Fatal(err)
	}
	sink.SoftRemove("state/" + state.RecordName(r.Project, r.Address))
	snap, err := s.Load(ctx, r.Address)
	if !errors.Is(err, state.ErrCorrupt) || snap.Record != nil || !strings.Contains(err.Error(), "state rm") {
		t.Fatalf("Load = %+v, %v", snap, err)
	}
	if err := s.Delete(ctx, r.Address, snap.Version); err != nil {
		t.Fatal(err)
	}
	if snap, err = s.Load(ctx, r.Address); err != nil || snap.Version != "" {
		t.Fatalf("Load after it was forgotten = %+v, %v", snap, err)
	}
	if _, err := s.Save(ctx, r, ""); err != nil {
		t.Errorf("Save: %v", err)
	}
}

func TestStoreFindsTheAccountsThatAreGone(t *testing.T) {
	ctx := context.Background()
	sink := memorysink.New()
	s := newStore(sink)
	for _, a := range []string{"account.x.a", "account.x.b", "account.x.c"} {
		if _, err := s.Save(ctx, state.New("p", a, "x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	sink.Put("state/p--broken", map[string]credential.Secret{"record": credential.NewSecret("canary")})
	gone, errs := s.View(ctx).Others(ctx, []string{"account.x.b"})
	var addresses []string
	for _, snap := range gone {
		addresses = append(addresses, snap.Record.Address)
	}
	if diff := cmp.Diff([]string{"account.x.a", "account.x.c"}, addresses); diff != "" {
		t.Error(diff)
	}
	if len(errs) != 1 || !errors.Is(errs[0], state.ErrCorrupt) || !strings.Contains(errs[0].Error(), "memory/state/p--broken") {
		t.Errorf("errs = %v, want one about the broken record that says where it is", errs)
	}
}

func TestOthersFindsRecordsWhosePlaceIsNotTheirName(t *testing.T) {
	ctx := context.Background()
	sink := memorysink.New()
	s := state.NewStore(sink, "p", func(name string) (sinks.Target, error) {
		if name != "" {
			name = "/" + name + ".json"
		}
		return sinks.Target{Path: "state" + name, Location: "memory/state" + name}, nil
	})
	for _, a := range []string{"account.x.a", "account.x.b"} {
		if _, err := s.Save(ctx, state.New("p", a, "x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	gone, errs := s.View(ctx).Others(ctx, []string{"account.x.b"})
	if len(errs) > 0 || len(gone) != 1 || gone[0].Record.Address != "account.x.a" {
		t.Errorf("Others = %+v, %v; want account.x.a", gone, errs)
	}
}

func TestOthersRefusesACopyOfARecord(t *testing.T) {
	sink := memorysink.New()
	encoded, err := state.Encode(state.New("p", "account.x.a", "x"))
	if err != nil {
		t.Fatal(err)
	}
	sink.Put("state/p--copy", map[string]credential.Secret{"record": encoded})
	gone, errs := newStore(sink).View(context.Background()).Others(context.Background(), []string{"account.x.a"})
	if len(gone) > 0 || len(errs) != 1 || !errors.Is(errs[0], state.ErrCorrupt) {
		t.Errorf("Others = %+v, %v; want an error about the copy", gone, errs)
	}
}

func TestLoadRefusesTheRecordOfAnotherAccount(t *testing.T) {
	ctx := context.Background()
	sink := memorysink.New()
	encoded, err := state.Encode(state.New("p", "account.x.other", "x"))
	if err != nil {
		t.Fatal(err)
	}
	sink.Put("state/"+state.RecordName("p", "account.x.a"), map[string]credential.Secret{"record": encoded})
	if _, err := newStore(sink).Load(ctx, "account.x.a"); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("err = %v", err)
	}
}

func TestRecordThatTheSinkCannotReadIsCorrupt(t *testing.T) {
	sink := memorysink.New()
	sink.Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Read {
			return fmt.Errorf("read it: %w", sinks.ErrMalformed)
		}
		return nil
	}
	_, err := newStore(sink).Load(context.Background(), "account.x.a")
	if !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), "forget it with credsync state rm") {
		t.Errorf("err = %v", err)
	}
}

func TestRecordNamesAreValidEverywhereAndDistinct(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	seen := map[string]string{}
	for _, a := range []string{
		"account.sagi.coffee", `account.sagi.coffee["almaty"]`, `account.sagi.coffee["Almaty"]`, `account.sagi.coffee["алматы"]`,
		`account.sagi.coffee["астана"]`, `account.sagi.coffee["../.."]`, "account.sagi.Coffee", "account.sagi." + strings.Repeat("x", 500),
		fmt.Sprintf("account.sagi.%sy", strings.Repeat("x", 499)),
	} {
		name := state.RecordName("default", a)
		if !valid.MatchString(name) || len(name) > 93+len("default--") {
			t.Errorf("RecordName(%q) = %q", a, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q have the same name", a, other)
		}
		seen[name] = a
	}
}

func TestRejectionOfAnEarlierVersionHasItsOnlyReason(t *testing.T) {
	r, err := state.Decode(credential.NewSecret(`{"format_version":1,"address":"account.sagi.a","provider":"sagi","project":"p","key":"AAAA",` +
		`"rejections":[{"login_fingerprint":"f","at":"2026-03-01T12:00:00Z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if j := r.Rejected("f"); j == nil || j.Reason != failure.CredentialsRejected {
		t.Errorf("%+v", j)
	}
}

func TestProjectsHaveRecordsOfTheirOwn(t *testing.T) {
	projects := []string{"default", "payments", "payments-eu", "Payments", "payments.eu", "p_ayments", strings.Repeat("p", 63)}
	seen := map[string]string{}
	for _, project := range projects {
		name := state.RecordName(project, "account.sagi.coffee")
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q have the same record", project, other)
		}
		seen[name] = project
	}
	sink := memorysink.New()
	place := func(name string) (sinks.Target, error) { return sinks.Target{Path: "state/" + name}, nil }
	stores := map[string]*state.Store{}
	for _, project := range projects {
		stores[project] = state.NewStore(sink, project, func(name string) (sinks.Target, error) {
			if name == "" {
				return sinks.Target{Path: "state"}, nil
			}
			return place(name)
		})
		if _, err := stores[project].Save(t.Context(), state.New(project, "account.sagi.coffee", "sagi"), ""); err != nil {
			t.Fatal(err)
		}
	}
	// What is broken is reported to its own project alone.
	sink.Put("state/"+state.RecordName("payments", "account.sagi.tea"), map[string]credential.Secret{"record": credential.NewSecret("broken")})
	for _, project := range projects {
		snap, err := stores[project].Load(t.Context(), "account.sagi.coffee")
		if err != nil || snap.Record.Project != project {
			t.Errorf("project %q loads %+v, %v", project, snap.Record, err)
		}
		found, errs := stores[project].View(t.Context()).Others(t.Context(), nil)
		if len(found) != 1 || found[0].Record.Project != project {
			t.Errorf("project %q finds %d records", project, len(found))
		}
		if broken := project == "payments" || project == "Payments"; (len(errs) == 1) != broken {
			t.Errorf("project %q: %v", project, errs)
		}
	}
}

// A record that was copied to the name of another project's is not its own.
func TestACopiedRecordOfAnotherProjectIsRefused(t *testing.T) {
	sink := memorysink.New()
	encoded, err := state.Encode(state.New("other", "account.x.a", "x"))
	if err != nil {
		t.Fatal(err)
	}
	sink.Put("state/"+state.RecordName("p", "account.x.a"), map[string]credential.Secret{"record": encoded})
	if _, err := newStore(sink).Load(t.Context(), "account.x.a"); !errors.Is(err, state.ErrCorrupt) ||
		!strings.Contains(err.Error(), `project "other"`) {
		t.Errorf("err = %v", err)
	}
}

// FuzzRecordName: the name of any address is one that files, Vault and
// Kubernetes take, and no other address has it.
func FuzzRecordName(f *testing.F) {
	for _, a := range []string{"account.sagi.coffee", `account.sagi.coffee["almaty"]`, "account.", "", "ключ", "😀", "../../etc/passwd", "A", "a", "a%2fb", "account.x.y\x00", "K", strings.Repeat("ab-", 100)} {
		f.Add(a, a+"x")
	}
	valid := regexp.MustCompile(`^default--[a-z0-9]([a-z0-9-]*[a-z0-9])?-[0-9a-f]{12}$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		name := state.RecordName("default", a)
		if !valid.MatchString(name) || len(name) > 93+len("default--") {
			t.Errorf("the record of %q is named %q", a, name)
		}
		if a != b && name == state.RecordName("default", b) {
			t.Errorf("%q and %q share %q", a, b, name)
		}
		if name != state.RecordName("default", a) {
			t.Errorf("%q has two names", a)
		}
	})
}

func TestWhatIsKnownOfSentLoginsIsInheritedOnce(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from, to := state.New("p", "account.x.a", "x"), state.New("p", "account.x.b", "x")
	from.NoteSecretRefusal("secret", at)
	from.NoteSecretRefusal("secret", at.Add(time.Minute))
	from.SpendLogin("seed")
	for range 2 {
		to.Inherit(from)
	}
	if n := to.KnownOfLogins(); n != 3 {
		t.Fatalf("%d are known: %+v", n, to)
	}
	if s := to.SecretRefusals[0]; string(s.Key) != string(from.Key) || len(s.At) != 2 {
		t.Errorf("%+v", s)
	}
	from.Inherit(to)
	if from.KnownOfLogins() != 3 || from.SpentLogins[0].Key != nil {
		t.Errorf("what comes back is known already: %+v", from)
	}
	to.UnspendLogin("seed")
	if len(to.SpentLogins) != 1 {
		t.Error("a login was forgotten that another record has spent")
	}
}

// Not one may get lost where several are corrected to the same moment.
func TestRefusalsThatAreYetToComeAreCorrectedAndStayAsMany(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := state.New("p", "account.x.a", "x")
	for _, at := range []time.Time{now.Add(time.Hour), now.Add(2 * time.Hour), {}, now.Add(-time.Hour)} {
		r.NoteSecretRefusal("secret", at)
	}
	if !r.CorrectSecretRefusals(now) || r.CorrectSecretRefusals(now) {
		t.Error("they are not corrected once")
	}
	distinct := map[int64]bool{}
	for _, at := range r.SecretRefusals[0].At {
		distinct[at.UnixNano()] = true
		if at.After(now) {
			t.Errorf("%s has yet to come", at)
		}
	}
	if len(distinct) != 4 {
		t.Errorf("%d are left", len(distinct))
	}
}
