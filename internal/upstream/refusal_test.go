package upstream_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/google/go-cmp/cmp"
)

// means is a verdict that is told apart by its message.
func means(message string) upstream.Verdict {
	return upstream.Verdict{Class: failure.Config, Message: message, Advice: "a"}
}

// refused is an answer with that status as a refusal.
func refused(t *testing.T, status int, word, said string) upstream.Refused {
	t.Helper()
	a := answer(t, "application/json", "{}")
	a.Status = status
	return a.Refused(word, said)
}

func TestTheFirstRowThatFitsDecides(t *testing.T) {
	table := []upstream.Refusal{
		{When: upstream.ServerFault, Means: upstream.Undocumented},
		{Status: []int{400, 401}, Word: []string{"invalid_grant", "x"}, Means: means("status and word")},
		{Text: []string{"locked", "заблокирован"}, Means: means("text")},
		{Status: []int{401}, Means: means("status")},
		{When: func(r upstream.Refused) bool { return r.Word == "odd" }, Means: means("func")},
		{Status: []int{403}},
		{When: upstream.ClientFault, Status: []int{404, 504}, Means: means("client's")},
		{Word: []string{"invalid_grant"}, Means: means("word")},
	}
	for _, c := range []struct {
		status           int
		word, said, want string
	}{
		{400, "invalid_grant", "", "status and word"},
		{401, "x", "locked", "status and word: locked"},
		{402, "invalid_grant", "", "word"},
		{400, "INVALID_GRANT", "", "this answer is not documented"},
		{401, "other", "", "status"},
		{401, "other", "User is LOCKED", "text: User is LOCKED"},
		{418, "", "ЗАБЛОКИРОВАН", "text: ЗАБЛОКИРОВАН"},
		{409, "odd", "", "func"},
		{403, "invalid_grant", "said", "this answer is not documented: said"},
		{404, "", "", "client's"},
		{504, "", "locked", "this answer is not documented: locked"},
		{500, "invalid_grant", "", "this answer is not documented"},
		{409, "", "", "this answer is not documented"},
	} {
		e := refused(t, c.status, c.word, c.said).Judge(table)
		if e.Message != c.want || e.Status != c.status {
			t.Errorf("%+v: %+v", c, *e)
		}
		if strings.HasPrefix(c.want, "this answer") != (e.Class == failure.Server) {
			t.Errorf("%+v: class %s", c, e.Class)
		}
	}
	if e := refused(t, 401, "", "").Judge(nil); e.Class != failure.Server {
		t.Errorf("without a table: %+v", *e)
	}
}

func TestTextIsLookedForInWhatIsSearched(t *testing.T) {
	table := []upstream.Refusal{{Text: upstream.Locked, Means: means("locked")}}
	r := refused(t, 400, "", "Try later.")
	r.Searched = "account_LOCKED Try later."
	if e := r.Judge(table); e.Message != "locked: Try later." {
		t.Errorf("%+v", *e)
	}
	r.Searched = ""
	if e := r.Judge(table); e.Class != failure.Server {
		t.Errorf("%+v", *e)
	}
}

func TestVerdictBecomesAnError(t *testing.T) {
	v := upstream.Verdict{
		Class: failure.Human, Reason: failure.NoAccess, Attribute: "login", Message: "no access", Advice: "Ask them.",
	}
	r := refused(t, 403, "", " go\n away ")
	want := &failure.Error{
		Class: failure.Human, Reason: failure.NoAccess, Attribute: "login", Op: "x", URL: "http://127.0.0.1/", Status: 403,
		Message: "no access: go away", Advice: "Ask them.",
	}
	if diff := cmp.Diff(want, r.As(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	v.OwnWords = true
	if e := r.As(v); e.Message != "no access" {
		t.Errorf("own words: %q", e.Message)
	}
	v.OwnWords, r.Code = false, 409
	if e := r.As(v); e.Message != "no access (code 409 in the answer): go away" || e.Status != 403 {
		t.Errorf("an envelope's code: %+v", *e)
	}
}

// What an upstream says may be the secret that it was sent.
func TestRefusalsRepeatNoSecret(t *testing.T) {
	for _, said := range []string{canary, "bad password " + canary, credential.NewSecret(canary).Reveal() + "!"} {
		for _, table := range [][]upstream.Refusal{nil, {{Means: means("m")}}} {
			e := refused(t, 400, canary, said).Judge(table)
			if shown := fmt.Sprintf("%v %+v %#v", e, *e, *e); strings.Contains(shown, canary) {
				t.Errorf("%q is repeated: %s", said, shown)
			}
		}
	}
}

func TestADocumentedTryAgainNeedsADocumentedAnswer(t *testing.T) {
	table := []upstream.Refusal{
		{Status: []int{200, 409}, Means: upstream.Verdict{Class: failure.Retryable, Again: true}},
	}
	for _, c := range []struct {
		status, code int
		body         string
		want         bool
	}{
		{409, 409, "{}", true},
		{409, 400, "{}", false},
		{200, 200, "{}", false},
		{200, 409, "{}", true},
		{409, 409, "<p>", false},
	} {
		a := answer(t, "application/json", c.body)
		a.Status = c.status
		r := a.Refused("", "")
		r.Code = c.code
		if r.TryAgain(table) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// A table can say of an answer that it is the service's own fault.
func TestAVerdictOfAServersFault(t *testing.T) {
	v := upstream.Verdict{Class: failure.Server, Message: "broken", Advice: "Ask them."}
	if e := refused(t, 500, "", "sorry").As(v); e.Class != failure.Server || e.Message != "broken: sorry" || e.Advice != "Ask them." || e.Reason != "" {
		t.Errorf("%+v", *e)
	}
}
