package state_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Two deliver blocks of one sink, and the same path in two sinks: one that goes takes
// none of the others with it.
func TestDroppingATargetLeavesTheOthersOfItsSink(t *testing.T) {
	places := []sinks.Place{"v/a", "v/b", "w/a"}
	for _, dropped := range places {
		r := state.New("p", "account.x.a", "x")
		for _, p := range places {
			sink, location, _ := strings.Cut(string(p), "/")
			r.PutTarget(state.Target{Place: p, Sink: sink, Location: location})
		}
		r.DropTarget(dropped)
		for _, p := range places {
			if (r.Target(p) == nil) != (p == dropped) {
				t.Errorf("after %s was dropped: %s is there: %t", dropped, p, r.Target(p) != nil)
			}
		}
		r.DropTarget("v/none")
		if len(r.Targets) != 2 {
			t.Errorf("dropping what is not there left %d", len(r.Targets))
		}
	}
}

func TestTargetsAreInTheOrderOfSinkLocationAndPlace(t *testing.T) {
	want := []state.Target{
		{Sink: "a", Location: "x", Place: "3"},
		{Sink: "b", Location: "a", Place: "2"},
		{Sink: "b", Location: "b", Place: "0"},
		{Sink: "b", Location: "b", Place: "1"},
	}
	for i := range want {
		r := state.New("p", "account.x.a", "x")
		for j := range want {
			r.PutTarget(want[(i+len(want)-j)%len(want)])
		}
		if diff := cmp.Diff(want, r.Targets); diff != "" {
			t.Error(diff)
		}
	}
	r := state.New("p", "account.x.a", "x")
	r.PutTarget(state.Target{Place: "1", Version: "old"})
	r.PutTarget(state.Target{Place: "2", Version: "other"})
	r.PutTarget(state.Target{Place: "1", Version: "new"})
	if len(r.Targets) != 2 || r.Target("1").Version != "new" || r.Target("2").Version != "other" {
		t.Errorf("targets %+v", r.Targets)
	}
}

// One thing at a time is said to each notify block on each topic.
func TestNoticesAreOfTheirBlockAndTopic(t *testing.T) {
	all := []state.Notice{{Notify: "webhook.a", Topic: "trouble"}, {Notify: "webhook.a", Topic: "clock"}, {Notify: "webhook.b", Topic: "trouble"}}
	for _, dropped := range all {
		r := state.New("p", "account.x.a", "x")
		for _, n := range all {
			r.PutNotice(n)
		}
		again := dropped
		again.Event, again.Sent = "blocked", true
		r.PutNotice(again)
		if len(r.Notices) != len(all) || !r.Notice(dropped.Notify, dropped.Topic).Sent {
			t.Errorf("after %+v was put again: %+v", dropped, r.Notices)
		}
		r.DropNotice(dropped.Notify, dropped.Topic)
		for _, n := range all {
			if got := r.Notice(n.Notify, n.Topic); (got == nil) != (n == dropped) ||
				got != nil && (got.Sent || got.Notify != n.Notify || got.Topic != n.Topic) {
				t.Errorf("after %+v was dropped: %+v is %+v", dropped, n, got)
			}
		}
	}
}

func TestTheNewestGrantIsThePendingOne(t *testing.T) {
	r := state.New("p", "account.x.a", "x")
	if r.Newest() != nil {
		t.Error("a new record has a grant")
	}
	r.Current = state.NewGrant(credential.Token{}, "l", "s")
	if r.Newest() != r.Current {
		t.Error("the current grant is not the newest")
	}
	r.Pending = state.NewGrant(credential.Token{}, "l", "s")
	if r.Newest() != r.Pending {
		t.Error("the pending grant is not the newest")
	}
}

func TestARejectionStandsFromItsFirstOrItsSecondTime(t *testing.T) {
	r := state.New("p", "account.x.a", "x")
	reason := failure.UnclassifiedRefusal
	if n := r.Refusals("l", reason); n != 0 {
		t.Errorf("%d refusals of a login that never failed", n)
	}
	for i := 1; i <= 3; i++ {
		j := r.CountRefusal(state.Rejection{LoginPrint: "l", Reason: reason, At: noon}, r.Refusals("l", reason))
		if n := r.Refusals("l", reason); n != i || j.Count != i || len(r.Rejections) != 1 {
			t.Errorf("after %d times: %d, %+v, %d remembered", i, n, j, len(r.Rejections))
		}
		if stands := r.Rejected("l") != nil; stands != (i > 1) || j.Stands() != stands {
			t.Errorf("after %d times it stands: %t, %t", i, stands, j.Stands())
		}
	}
	if r.Refusals("l", failure.AccountLocked) != 0 || r.Refusals("other", reason) != 0 || r.Rejected("other") != nil {
		t.Error("it counts for another reason or login")
	}
	r.Reject(state.Rejection{LoginPrint: "other", Reason: failure.CredentialsRejected, At: noon})
	if r.Rejected("other") == nil || r.Rejected("l") == nil || r.Refusals("other", failure.CredentialsRejected) < 2 {
		t.Error("what proves something at once does not stand, or pushes another out")
	}
	r.Accept("other")
	if r.Rejected("other") != nil || r.Rejected("l") == nil {
		t.Error("the login that works is still rejected, or the other is not any more")
	}
}

func TestRejectionsOfAnotherRecordAreItsOwnByTheirKey(t *testing.T) {
	from, to := state.New("p", "account.x.a", "x"), state.New("p", "account.x.b", "x")
	from.Reject(state.Rejection{LoginPrint: "late", Reason: failure.AccountLocked, At: noon.Add(2 * time.Hour)})
	from.Reject(state.Rejection{LoginPrint: "early", Reason: failure.AccountLocked, At: noon})
	from.Reject(state.Rejection{LoginPrint: "back", Reason: failure.AccountLocked, At: noon, Key: to.Key})
	from.Block = &state.Block{Reason: failure.CredentialsRejected, Since: noon.Add(time.Hour), LoginPrint: "blocked"}
	to.Reject(state.Rejection{LoginPrint: "own", Reason: failure.AccountLocked, At: noon.Add(time.Minute)})
	to.Inherit(from)
	to.Inherit(from)
	var got []string
	for _, j := range to.Rejections {
		whose := "own"
		if slices.Equal(j.Key, from.Key) {
			whose = "inherited"
		} else if len(j.Key) > 0 {
			whose = "odd"
		}
		got = append(got, j.LoginPrint+" "+whose)
	}
	want := []string{"early inherited", "back own", "own own", "blocked inherited", "late inherited"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A fingerprint says something under its own key only.
	if to.Rejected("early") != nil || to.Refusals("early", failure.AccountLocked) != 0 || to.Rejected("back") == nil {
		t.Error("an inherited rejection counts under the record's own key, or one that came back does not")
	}
	to.Accept("early")
	to.AcceptInherited(func(j state.Rejection) bool { return j.LoginPrint == "late" || j.LoginPrint == "own" })
	if len(to.Rejections) != 4 || to.Rejected("own") == nil {
		t.Errorf("left are %+v", to.Rejections)
	}
	// Access that is missing is no rejection of a login.
	from.Block.Reason, from.Block.LoginPrint = failure.NoAccess, "branch"
	fresh := state.New("p", "account.x.c", "x")
	fresh.InheritThose(from, func(j state.Rejection) bool {
		return j.LoginPrint == "branch" || j.LoginPrint == "late" && len(j.Key) > 0
	})
	if len(fresh.Rejections) != 1 || fresh.Rejections[0].LoginPrint != "late" {
		t.Errorf("inherited are %+v", fresh.Rejections)
	}
}

func TestTheOldestRejectionsAreForgotten(t *testing.T) {
	r, from := state.New("p", "account.x.a", "x"), state.New("p", "account.x.b", "x")
	for i := range state.MaxRejections + 2 {
		r.Reject(
			state.Rejection{
				LoginPrint: fmt.Sprint(i),
				Reason:     failure.AccountLocked,
				At:         noon.Add(time.Duration(i) * time.Hour),
			},
		)
	}
	if len(r.Rejections) != state.MaxRejections || r.Rejected("1") != nil || r.Rejected("2") == nil {
		t.Errorf("%d are remembered", len(r.Rejections))
	}
	from.Reject(state.Rejection{LoginPrint: "new", Reason: failure.AccountLocked, At: noon.Add(1000 * time.Hour)})
	r.Inherit(from)
	if len(r.Rejections) != state.MaxRejections || r.Rejected("2") != nil || r.Rejected("3") == nil ||
		r.Rejections[state.MaxRejections-1].LoginPrint != "new" {
		t.Errorf("%d are remembered, the last is %+v", len(r.Rejections), r.Rejections[len(r.Rejections)-1])
	}
}

// Whatever is changed through a clone's pointers and slices leaves the record alone.
func TestACloneSharesNothing(t *testing.T) {
	r := full()
	r.Moved = []string{"account.x.old"}
	r.Parked = full()
	before, err := state.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Clone()
	if diff := cmp.Diff(r, c, revealed); diff != "" {
		t.Fatal(diff)
	}
	for value, fields := reflect.ValueOf(c).Elem(), 0; fields < value.NumField(); fields++ {
		switch f := value.Field(fields); f.Kind() {
		case reflect.Pointer:
			if f.IsNil() {
				t.Errorf("%s is not tried", value.Type().Field(fields).Name)
			} else {
				f.Elem().SetZero()
			}
		case reflect.Slice:
			if f.Len() == 0 {
				t.Errorf("%s is not tried", value.Type().Field(fields).Name)
			} else if value.Type().Field(fields).Name != "Key" { // which never changes
				f.Index(0).SetZero()
			}
		}
	}
	if after, err := state.Encode(r); err != nil || after.Reveal() != before.Reveal() {
		t.Errorf("the record has changed with its clone, %v", err)
	}
	if again, err := state.Decode(before); err != nil || again.Parked == nil || again.Parked.Address != r.Address ||
		!slices.Equal(again.Moved, r.Moved) {
		t.Errorf("the parked record or where it came from is lost: %+v, %v", again, err)
	}
	empty := state.New("p", "account.x.a", "x").Clone()
	if empty.Lease != nil || empty.Current != nil || empty.Block != nil || empty.Parked != nil {
		t.Errorf("a clone of an empty record has %+v", empty)
	}
}

func TestKeysAndGrantsAreRandom(t *testing.T) {
	a, b := state.New("p", "account.x.a", "x"), state.New("p", "account.x.a", "x")
	if len(a.Key) != 32 || slices.Equal(a.Key, b.Key) || slices.Equal(a.Key, make([]byte, 32)) {
		t.Error("the key of a record is not random")
	}
	if x, y := state.NewGrant(credential.Token{}, "l", "s"), state.NewGrant(credential.Token{}, "l", "s"); x.ID == "" ||
		x.ID == y.ID {
		t.Errorf("two grants are named %q and %q", x.ID, y.ID)
	}
}

func TestALeaseWasWrittenItsLifeBeforeItsEnd(t *testing.T) {
	l := state.Lease{ExpiresAt: noon}
	if state.LeaseLife != 2*time.Minute || !l.WrittenAt().Equal(noon.Add(-2*time.Minute)) {
		t.Errorf("written at %s, living %s", l.WrittenAt(), state.LeaseLife)
	}
}

// A record keeps the words and names by which programs that were installed before, and
// those that come after, know it.
func TestNamesOfRecordsStay(t *testing.T) {
	for _, tt := range []struct{ project, address, want string }{
		{"default", "account.sagi.coffee", "default--sagi-coffee-2b3261b70c3b"},
		{"Payments EU", `account.sagi.coffee["Алматы-1"]`, "payments-eu--sagi-coffee-1-205baa37df7a"},
		{"ключ", "account.", "project--account-fdfd4dfdcd89"},
		{"default", "account." + strings.Repeat("ab-", 100), "default--" + strings.Repeat("ab-", 26) + "ab-0440f25948c3"},
	} {
		if got := state.RecordName(tt.project, tt.address); got != tt.want {
			t.Errorf("RecordName(%q, %q) = %q, want %q", tt.project, tt.address, got, tt.want)
		}
	}
}

func TestFieldsOfARecordStay(t *testing.T) {
	r := full()
	r.Moved = []string{"account.x.old"}
	r.Parked = state.New("p", "account.x.parked", "x")
	encoded, err := state.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`format_version address provider project key first_seen_at lease holder expires_at current pending id replaced
		access_token refresh_token issued_at refreshable_until outputs login_fingerprint shape_fingerprint verified_at rejected block reason message since
		rejections at challenge sent_at targets place sink location options merge keys grant_id digest version delivered_at restarted_id
		delete_on_remove revocation attributes http moved parked failures last_failure notices notify topic event subject sent $secret`) {
		if !strings.Contains(encoded.Reveal(), `"`+name+`":`) {
			t.Errorf("no field is named %s", name)
		}
	}
	if !strings.HasPrefix(encoded.Reveal(), `{"format_version":1,`) {
		t.Error("the format has another version")
	}
}

func TestARecordThatCannotBeWrittenIsNot(t *testing.T) {
	odd := credential.Outputs{"odd": 3.5}
	for name, change := range map[string]func(*state.Record){
		"current": func(r *state.Record) { r.Current.Token.Outputs = odd },
		"pending": func(r *state.Record) { r.Pending.Token.Outputs = odd },
		"parked": func(r *state.Record) {
			r.Parked = full()
			r.Parked.Current.Token.Outputs = odd
		},
		"options": func(r *state.Record) { r.Targets[0].Options = []byte("{") },
	} {
		r := full()
		change(r)
		if encoded, err := state.Encode(r); err == nil || !encoded.IsZero() {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes the record", name)
		}
	}
}

func TestBrokenPartsOfARecordAreNotTaken(t *testing.T) {
	const begin, end = `{"format_version":1,"address":"a","provider":"p","key":"AAAA",`, `}`
	grant := func(outputs string) string {
		return `"current":{"id":"x","access_token":"canary","issued_at":"2026-01-01T00:00:00Z","outputs":` + outputs + `}`
	}
	for name, text := range map[string]string{
		"no provider":                `{"format_version":1,"address":"a","key":"AAAA"}`,
		"version below one":          `{"format_version":-1}`,
		"a parked record":            begin + `"parked":{"format_version":1,"address":"canary"}` + end,
		"a pending token without id": begin + `"pending":{"access_token":"canary","issued_at":"2026-01-01T00:00:00Z"}` + end,
		"a token without a value":    begin + `"current":{"id":"x","issued_at":"2026-01-01T00:00:00Z"}` + end,
		"a number":                   begin + grant(`{"o":1}`) + end,
		"null":                       begin + grant(`{"o":null}`) + end,
		"a list of numbers":          begin + grant(`{"o":[1]}`) + end,
		"a list of both":             begin + grant(`{"o":["a",{"b":"c"}]}`) + end,
		"an object of numbers":       begin + grant(`{"o":[{"b":1}]}`) + end,
		"a secret that is no text":   begin + grant(`{"o":{"$secret":1}}`) + end,
		"an object":                  begin + grant(`{"o":{"secret":"x"}}`) + end,
	} {
		if r, err := state.Decode(credential.NewSecret(text)); !errors.Is(err, state.ErrCorrupt) || r != nil ||
			strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	r, err := state.Decode(credential.NewSecret(begin + grant(`{"none":[],"texts":["a"],"objects":[{"b":"c"},{}],"secret":{"$secret":"s"},"yes":true,"text":""}`) + end))
	if err != nil {
		t.Fatal(err)
	}
	want := credential.Outputs{
		"none": []string{}, "texts": []string{"a"}, "objects": []map[string]string{{"b": "c"}, {}}, "secret": credential.NewSecret("s"), "yes": true, "text": "",
	}
	if diff := cmp.Diff(want, r.Current.Token.Outputs, revealed); diff != "" {
		t.Error(diff)
	}
}

func TestOutputsThatAreNothingAreLeftOut(t *testing.T) {
	r := full()
	r.Current.Token.Outputs = credential.Outputs{"nothing": nil, "text": "x"}
	encoded, err := state.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Decode(encoded)
	if err != nil || len(got.Current.Token.Outputs) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEachErrorHasItsClass(t *testing.T) {
	for want, errs := range map[failure.Class][]error{
		failure.Denied:      {sinks.ErrDenied, &failure.Error{Class: failure.Denied}},
		failure.Unavailable: {sinks.ErrUnavailable},
		failure.Conflict:    {sinks.ErrConflict},
		failure.Corrupt:     {state.ErrCorrupt, state.ErrTooNew, sinks.ErrMalformed},
		failure.Other:       {errors.New("odd"), sinks.ErrNotFound, nil},
	} {
		for _, err := range errs {
			if err != nil {
				err = fmt.Errorf("wrapped: %w", err)
			}
			if got := state.FailureClass(err); got != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
}
