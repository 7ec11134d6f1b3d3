package engine_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// A claim in the state is a promise to write, not a proof of having written.
func TestTargetThatWasOnlyClaimedIsNotDeleted(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1))
	w.unmarked["main"] = true
	w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("someone else's")})
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.expect("a forget removed")
	w.mustApply()
	if got := w.delivered("a"); got != "someone else's" {
		t.Errorf("the target of someone else holds %q now", got)
	}
}

// A sink that may write but not look deletes what the state knows as written.
func TestTargetThatCannotBeSeenIsDeleted(t *testing.T) {
	w := newWorld(t, strings.Replace(strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1), `path = "a" }`, "\n    path = \"a\"\n    adopt = true\n  }", 1))
	w.blind["main"] = true
	w.mustApply()
	w.expect("a none current")
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.mustApply()
	if got := w.delivered("a"); got != "" {
		t.Error("the target was left, and forgotten")
	}
}

// movedTo is oneAccount with its deliver block at another place.
func movedTo(path string) string {
	hcl := strings.Replace(oneAccount, `user     = "u"`, "user = \"u\"\n  on_remove = \"delete\"", 1)
	return strings.Replace(hcl, `path = "a"`, "path = \""+path+"\"", 1)
}

// Consumers of the old place have nowhere else to go before the new one holds
// the token.
func TestOldPlaceStaysUntilTheNewOneHoldsTheToken(t *testing.T) {
	for name, c := range map[string]struct {
		prevent, allow func(w *world)
		meanwhile      string
	}{
		"the new place cannot be written": {
			prevent:   func(w *world) { w.sinks["main"].Fail = failing(memorysink.Claim, 100, sinks.ErrDenied) },
			allow:     func(w *world) { w.sinks["main"].Fail = nil },
			meanwhile: "a deliver target_missing",
		},
		"the new place cannot be looked at": {
			prevent: func(w *world) {
				w.sinks["main"].Fail = func(op string, t sinks.Target) error {
					if t.Path == "new" {
						return sinks.ErrUnavailable
					}
					return nil
				}
			},
			allow:     func(w *world) { w.sinks["main"].Fail = nil },
			meanwhile: "a none unreadable",
		},
		"the new place is someone else's": {
			prevent: func(w *world) {
				w.sinks["main"].Put("new", map[string]credential.Secret{"x": credential.NewSecret("theirs")})
			},
			allow:     func(w *world) { w.sinks["main"].Remove("new") },
			meanwhile: "a blocked target_not_owned",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, movedTo("a"))
			w.mustApply()
			logins := w.up.logins
			w.hcl = movedTo("new")
			c.prevent(w)
			w.expect(c.meanwhile)
			for range 2 {
				w.apply()
				if got := w.delivered("a"); got != "token-1" {
					t.Fatalf("the old place holds %q", got)
				}
			}
			c.allow(w)
			w.mustApply()
			if old, now := w.delivered("a"), w.delivered("new"); old != "" || now != "token-1" {
				t.Errorf("the old place holds %q, the new one %q", old, now)
			}
			if w.up.logins != logins {
				t.Errorf("%d logins", w.up.logins-logins)
			}
			w.expect("a none current")
		})
	}
}

// One of two wanted places is someone else's: the other is served, and the old
// one stays.
func TestOldPlaceStaysWhileOneOfTheWantedOnesIsForeign(t *testing.T) {
	w := newWorld(t, movedTo("a"))
	w.mustApply()
	w.sinks["main"].Put("theirs", map[string]credential.Secret{"x": credential.NewSecret("theirs")})
	w.hcl = strings.Replace(movedTo("b"), `path = "b" }`, "path = \"b\" }\n  deliver \"memory\" \"main\" { path = \"theirs\" }", 1)
	w.apply()
	w.apply()
	if old, now := w.delivered("a"), w.delivered("b"); old != "token-1" || now != "token-1" {
		t.Errorf("the old place holds %q, the new one %q", old, now)
	}
	w.sinks["main"].Remove("theirs")
	w.mustApply()
	if old, now := w.delivered("a"), w.delivered("theirs"); old != "" || now != "token-1" {
		t.Errorf("the old place holds %q, the last one %q", old, now)
	}
}

// Whether a place that is no longer wanted is deleted was said before it was
// given up, or it is not.
func TestOldPlaceIsOnlyDeletedIfThatWasAskedForBefore(t *testing.T) {
	retain := func(path string) string {
		return strings.Replace(movedTo(path), `on_remove = "delete"`, `on_remove = "retain"`, 1)
	}
	for name, c := range map[string]struct{ before, after, old string }{
		"asked for in the same edit":       {retain("a"), movedTo("b"), "token-1"},
		"taken back in the same edit":      {movedTo("a"), retain("b"), "token-1"},
		"asked for all the time":           {movedTo("a"), movedTo("b"), ""},
		"asked for in an edit before this": {"", movedTo("b"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.before)
			if c.before == "" {
				w.hcl = retain("a")
				w.mustApply()
				w.hcl = movedTo("a")
			}
			w.mustApply()
			w.hcl = c.after
			w.mustApply()
			if got := w.delivered("a"); got != c.old {
				t.Errorf("the old place holds %q, want %q", got, c.old)
			}
			w.expect("a none current")
		})
	}
}

// A pull request that renames the keys of a table makes other accounts of the
// same places. Whatever the order in which they are worked on, none is deleted.
func TestPlaceThatAnotherAccountDeliversToIsNotDeleted(t *testing.T) {
	shops := func(keys string) string {
		hcl := strings.Replace(oneAccount, `user     = "u"`, "for_each = {"+keys+"}\n  user = each.key\n  on_remove = \"delete\"", 1)
		return strings.Replace(hcl, `path = "a" }`, "\n    path = each.value\n    adopt = true\n  }", 1)
	}
	for _, marks := range []bool{true, false} {
		w := newWorld(t, shops(`almaty = "a", astana = "b", closed = "c"`))
		w.unmarked["main"] = !marks
		w.mustApply()
		w.hcl = shops(`"kz-almaty" = "a", "kz-astana" = "b"`)
		w.expect(`a["almaty"] forget moved`, `a["astana"] forget moved`, `a["closed"] delete removed`,
			`a["kz-almaty"] issue no_token`, `a["kz-astana"] issue no_token`)
		w.mustApply()
		if a, b, c := w.delivered("a"), w.delivered("b"), w.delivered("c"); a == "" || b == "" || c != "" {
			t.Errorf("marks %t: the places hold %q, %q and %q", marks, a, b, c)
		}
		w.expect(`a["kz-almaty"] none current`, `a["kz-astana"] none current`)
	}
}

// A run that is killed between the write of a place and the commit has said in the state
// that it would write it, so that the next one deletes what no longer is to be there.
func TestPlaceThatAKilledRunWroteIsDeletedWhenItsBlockIsMoved(t *testing.T) {
	for name, unmarked := range map[string]bool{"sink that marks": false, "sink that cannot mark": true} {
		for before, first := range map[string]string{"first delivery": "", "delivered elsewhere before": "a"} {
			t.Run(name+"/"+before, func(t *testing.T) {
				w := newWorld(t, movedTo("a"))
				w.unmarked["main"] = unmarked
				if first != "" {
					w.mustApply()
				}
				w.hcl = movedTo("b")
				w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
					if _, written := w.sinks["main"].Get("b"); written && op == memorysink.Write {
						return sinks.ErrDenied
					}
					return nil
				}
				w.apply()
				if w.delivered("b") == "" {
					t.Fatal("nothing was written")
				}
				w.sinks["state"].Fail = nil
				w.advance(5 * time.Minute)
				w.hcl = movedTo("c")
				w.mustApply()
				if w.delivered("c") == "" {
					t.Error("the token is not where it is to be")
				}
				for _, path := range []string{"a", "b"} {
					if w.delivered(path) != "" {
						t.Errorf("a live token is left at %s, and forgotten", path)
					}
				}
			})
		}
	}
}

// A claim goes along with the journal: the lease, the journal and the commit are all that
// a first delivery writes to the state, whatever the verification adds to the outputs.
func TestAFirstDeliveryToASinkThatMarksWritesTheStateThreeTimes(t *testing.T) {
	for name, data := range map[string]string{
		"every output": "\n ",
		"named keys":   "\n    data = { TOKEN = token.access_token, GROUP = token.group_id }\n ",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, strings.Replace(movedTo("a"), `path = "a"`, "\n    path = \"a\""+data, 1))
			w.mustApply()
			if written, _ := w.sinks["main"].Get("a"); written["group_id"].Reveal()+written["GROUP"].Reveal() == "" {
				t.Fatal("the verification adds no output")
			}
			if n := w.sinks["state"].Calls(memorysink.Write); n != 3 {
				t.Errorf("the state was written %d times", n)
			}
		})
	}
}

// What the verification changes of a key that was known before is claimed again.
func TestAClaimCoversWhatTheVerificationChanges(t *testing.T) {
	w := newWorld(t, strings.Replace(movedTo("a"), `path = "a"`, `
    path = "a"
    data = { BOTH = "${token.access_token} ${coalesce(token.group_id, "none")}" }
 `, 1))
	w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
		if _, written := w.sinks["main"].Get("a"); written && op == memorysink.Write {
			return sinks.ErrDenied
		}
		return nil
	}
	w.apply()
	w.sinks["state"].Fail = nil
	if data, _ := w.sinks["main"].Get("a"); data["BOTH"].IsZero() || strings.HasSuffix(data["BOTH"].Reveal(), "none") {
		t.Fatal("the verified token was not written")
	}
	w.advance(5 * time.Minute)
	w.hcl = movedTo("b")
	w.mustApply()
	if data, there := w.sinks["main"].Get("a"); there {
		t.Errorf("%d keys with a live token are left", len(data))
	}
}

// Someone else may have changed what a killed run wrote: not all of it is the token's then.
func TestPlaceThatAKilledRunWroteAndSomeoneElseChangedIsLeft(t *testing.T) {
	for name, unmarked := range map[string]bool{"sink that marks": false, "sink that cannot mark": true} {
		for _, key := range []string{"theirs", "access_token"} {
			t.Run(name+"/"+key, func(t *testing.T) {
				w := newWorld(t, movedTo("a"))
				w.unmarked["main"] = unmarked
				w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
					if _, written := w.sinks["main"].Get("a"); written && op == memorysink.Write {
						return sinks.ErrDenied
					}
					return nil
				}
				w.apply()
				w.sinks["state"].Fail = nil
				data, ok := w.sinks["main"].Get("a")
				if !ok {
					t.Fatal("nothing was written")
				}
				data = maps.Clone(data)
				data[key] = credential.NewSecret("someone else's")
				w.sinks["main"].Put("a", data)
				w.advance(5 * time.Minute)
				w.hcl = movedTo("b")
				w.apply()
				w.apply()
				if data, _ := w.sinks["main"].Get("a"); data[key].Reveal() != "someone else's" {
					t.Error("someone else's secret is deleted")
				}
			})
		}
	}
}

// A run that takes over a place of an account that was renamed, and is killed between its
// mark and its write, leaves there what the account before wrote: that is the project's,
// and goes once the deliver block has moved on. What someone else wrote since stays.
func TestPlaceThatWasOnlyMarkedAndTakenOverIsDeletedWhenItsBlockIsMoved(t *testing.T) {
	for name, stranger := range map[string]bool{"as it was left": false, "changed since": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, movedTo("a"))
			w.mustApply()
			w.hcl = strings.Replace(movedTo("a"), `"fake" "a"`, `"fake" "renamed"`, 1)
			killed := false
			w.sinks["main"].Fail = func(op string, _ sinks.Target) error {
				killed = killed || op == memorysink.Write
				if killed {
					return sinks.ErrUnavailable
				}
				return nil
			}
			w.sinks["state"].Fail = func(string, sinks.Target) error {
				if killed {
					return sinks.ErrUnavailable
				}
				return nil
			}
			w.apply()
			w.sinks["main"].Fail, w.sinks["state"].Fail = nil, nil
			if info, _ := w.sinks["main"].Stat(t.Context(), memoryTarget("a")); !killed || !strings.HasSuffix(info.Owner, "renamed") {
				t.Fatalf("it was not killed behind the mark: %+v", info)
			}
			if stranger {
				w.sinks["main"].Put("a", map[string]credential.Secret{"x": credential.NewSecret("someone else's")})
			}
			w.advance(5 * time.Minute)
			w.hcl = strings.Replace(movedTo("b"), `"fake" "a"`, `"fake" "renamed"`, 1)
			w.apply()
			w.apply()
			if _, left := w.sinks["main"].Get("a"); left != stranger {
				t.Errorf("it is left: %v", left)
			}
			if w.delivered("b") == "" {
				t.Error("the token is not where it is to be")
			}
		})
	}
}

// Nothing stands between a token and its journal, also where a place is taken over.
func TestATokenIsJournaledBeforeAnythingElse(t *testing.T) {
	w := newWorld(t, movedTo("a"))
	w.mustApply()
	w.hcl = strings.Replace(movedTo("a"), `"fake" "a"`, `"fake" "renamed"`, 1)
	loggedIn, next := false, ""
	w.up.loginDone = func() { loggedIn = true }
	note := func(sink string) func(string, sinks.Target) error {
		return func(op string, _ sinks.Target) error {
			if loggedIn && next == "" {
				next = sink + " " + op
			}
			return nil
		}
	}
	w.sinks["state"].Fail, w.sinks["main"].Fail = note("state"), note("main")
	w.mustApply()
	if next != "state "+memorysink.Write {
		t.Errorf("after the login: %q", next)
	}
}
