package lockout

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
)

// passingError is a row that says nothing of the credentials.
type passingError struct {
	refusalRow
	// class of the failure; "" for any but a refusal's.
	class failure.Class
	// each is how many attempts one apply makes.
	each int
}

// maxAttempts is the default of http.max_attempts.
const maxAttempts = 4

func passingErrors() []passingError {
	var rows []passingError
	for upstream := range accounts {
		rows = append(rows, passingErrorsOfAnyServer(upstream)...)
	}
	return append(rows, passingErrorsOfUpstreams()...)
}

// passingErrorsOfAnyServer are what any server, or whatever is in front of it, can answer. A
// login may have been processed and is not sent again, unless it certainly was
// not; a check of a token may be repeated.
func passingErrorsOfAnyServer(upstream string) []passingError {
	op, repeated := sandbox.OpLogin, 1
	if upstream == "invoicebox" {
		op, repeated = sandbox.OpVerify, maxAttempts
	}
	of := func(name string, class failure.Class, each int, f sandbox.Fault) passingError {
		f.Op = op
		return passingError{refusalRow{upstream: upstream, name: name, faults: []sandbox.Fault{f}}, class, each}
	}
	// The document of one has requests sent again after any 5xx.
	again := repeated
	if upstream == "sagi" {
		again = maxAttempts
	}
	fault := repeated
	if upstream == "sagi" || upstream == "astana_plat" {
		fault = maxAttempts
	}
	return []passingError{
		of("401 page", "server", 1, sandbox.Fault{Kind: sandbox.HTML, Status: 401}),
		of("403 page", "server", 1, sandbox.Fault{Kind: sandbox.HTML, Status: 403}),
		of("200 page", "server", 1, sandbox.Fault{Kind: sandbox.HTML, Status: 200}),
		of("empty answer", "server", 1, sandbox.Fault{Kind: sandbox.Status, Status: 200}),
		of("500", "", fault, sandbox.Fault{Kind: sandbox.Status, Status: 500}),
		of("502", "retryable", again, sandbox.Fault{Kind: sandbox.Status, Status: 502}),
		of("503", "retryable", again, sandbox.Fault{Kind: sandbox.Status, Status: 503}),
		of("503 that says when to come back", "retryable", maxAttempts, sandbox.Fault{Kind: sandbox.Status, Status: 503, RetryAfter: "1"}),
		of("429", "retryable", maxAttempts, sandbox.Fault{Kind: sandbox.RateLimited}),
		of("429 that asks for an hour", "retryable", 1, sandbox.Fault{Kind: sandbox.RateLimited, RetryAfter: "3600"}),
		of("broken connection", "retryable", repeated, sandbox.Fault{Kind: sandbox.Reset}),
		of("half an answer", "retryable", repeated, sandbox.Fault{Kind: sandbox.Truncated}),
		of("redirect", "server", 1, sandbox.Fault{Kind: sandbox.Redirect, Location: "https://elsewhere.test/"}),
		of("moved for good", "config", 1, sandbox.Fault{Kind: sandbox.Redirect, Status: 301, Location: "https://elsewhere.test/"}),
		of("huge answer", "server", 1, sandbox.Fault{Kind: sandbox.Huge}),
	}
}

// passingErrorsOfUpstreams are the rows of the upstreams' own tables.
func passingErrorsOfUpstreams() []passingError {
	login := func(upstream, name string, status int, body string) passingError {
		return passingError{refusalRow{upstream: upstream, name: name, faults: answer(status, body)}, "retryable", maxAttempts}
	}
	astana := func(status int, message string) passingError {
		return login("astana_plat", fmt.Sprint(status, " ", message), status, fmt.Sprintf(`{"statusCode":%d,"message":%q}`, status, message))
	}
	return []passingError{
		login("sagi", "404 failed creating token", 404, `{"code":404,"message":"failed creating token"}`),
		login("sagi", "code 500 in a good answer", 200, `{"code":500,"message":"no"}`),
		{refusalRow{upstream: "bereke", name: "no key", faults: answerTo(sandbox.OpKey, 404, `{}`)}, "config", 0},
		astana(400, "Error. Try later"),
		astana(400, "Unknown error. Try later"),
		astana(400, "Incorrect response body. Try again."),
		astana(500, "Error on server. try later"),
	}
}

// TestWhatSaysNothingOfTheCredentialsIsNotTakenForARefusal also wants as many
// attempts of each apply as http.max_attempts allows, and no more.
func TestWhatSaysNothingOfTheCredentialsIsNotTakenForARefusal(t *testing.T) {
	const applies = 2 * runners
	for _, p := range passingErrors() {
		t.Run(p.upstream+" "+p.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p.refusalRow)
			var odd *engine.Outcome
			w.applies(applies, w.r.use(), func(o engine.Outcome) {
				if o.Result != engine.Failed || p.class != "" && o.Class != p.class || o.Class == "credentials" || o.Class == "human" {
					odd = &o
				}
			})
			if odd != nil {
				t.Errorf("an apply ended %s %s: %s", odd.Result, odd.Class, odd.Message)
			}
			w.wantAsked(applies*p.each, "all applies")
			record, _ := w.state.Get("state/" + state.RecordName("default", "account."+p.upstream+".a"))
			if text := record["record"].Reveal(); strings.Contains(text, `"rejections"`) || strings.Contains(text, `"block"`) {
				t.Error("the state remembers a refusal")
			}
			w.box.ClearFaults()
			if s := w.apply(w.r.use(), engine.Request{}); s.Count(engine.Done) != 1 {
				t.Errorf("once it has passed, an apply ends %+v", s.Outcomes)
			}
		})
	}
}
