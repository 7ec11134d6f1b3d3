package lockout

import (
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
)

// countedRefusals are refusals of a login that do not say that the credentials are wrong,
// and may be counted there all the same.
func countedRefusals() []passingError {
	row := func(upstream, name string, class failure.Class, status int, body string) passingError {
		op := sandbox.OpLogin
		if upstream == "invoicebox" {
			op = sandbox.OpVerify
		}
		return passingError{
			refusalRow: refusalRow{upstream: upstream, name: name, faults: answerTo(op, status, body)},
			class:      class,
		}
	}
	rows := []passingError{
		row("invoicebox", "404", "config", 404, `{"error":{"message":"not found","code":"x"}}`),
		row("invoicebox", "no user", "config", 200, `{"data":{"userId":null}}`),
		row("invoicebox", "401 without an error", "server", 401, `{"message":"no"}`),
		row("invoicebox", "200 with an error", "server", 200, `{"error":{"message":"no"}}`),
		row("sagi", "400", "config", 400, `{"code":400,"message":"bad request"}`),
		row("sagi", "404", "server", 404, `{"code":404,"message":"no"}`),
		row("sagi", "no token", "server", 200, `{"organization":{}}`),
		row("sagi", "code that nobody documented", "server", 200, `{"code":1001,"message":"no"}`),
		row("bereke", "401 invalid_client", "config", 401, `{"error":"invalid_client"}`),
		row("bereke", "400 unsupported_grant_type", "config", 400, `{"error":"unsupported_grant_type"}`),
		row("bereke", "400 with another word", "server", 400, `{"error":"x"}`),
		row("bifit_kassa", "401 invalid_client", "config", 401, `{"error":"invalid_client"}`),
		row("bifit_kassa", "400 unsupported_grant_type", "config", 400, `{"error":"unsupported_grant_type"}`),
		row("bifit_kassa", "400 with another word", "server", 400, `{"error":"x"}`),
		row("astana_plat", "Endpoint not found", "config", 400, `{"statusCode":400,"message":"Endpoint not found"}`),
		row("astana_plat", "Something else", "server", 400, `{"statusCode":400,"message":"Something else"}`),
		row("astana_plat", "200 that says 422", "server", 200, `{"statusCode":422,"message":"Incorrect credentials"}`),
	}
	for upstream := range accounts {
		rows = append(rows, row(upstream, "418", "server", 418, `{"error":{"message":"teapot"}}`), row(upstream, "422 text", "server", 422, `no`))
	}
	return rows
}

// TestRefusalThatNobodyDocumentedIsTriedTwice also wants that the second one blocks, and
// that --replace allows one attempt each time.
func TestRefusalThatNobodyDocumentedIsTriedTwice(t *testing.T) {
	for _, p := range countedRefusals() {
		t.Run(p.upstream+" "+p.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p.refusalRow)
			failed, odd := 0, ""
			w.applies(4*runners, w.r.use(), func(o engine.Outcome) {
				// Runners take turns, and one may tell of its turn after the next.
				switch {
				case o.Result == engine.Failed && o.Class == p.class:
					failed++
				case o.Result != engine.Blocked || o.Reason != "unclassified_refusal":
					odd = "an apply ended " + string(o.Result) + " " + string(o.Reason) + ": " + o.Message
				}
			})
			if failed != 1 || odd != "" {
				t.Errorf("%d applies failed, want 1; %s", failed, odd)
			}
			w.wantAsked(2, "all applies")
			w.apply(w.r.use(), engine.Request{Replace: []string{p.upstream + ".a"}})
			w.apply(w.r.use(), engine.Request{})
			w.wantAsked(3, "one --replace")
			w.box.ClearFaults()
			if s := w.apply(w.r.use(), engine.Request{Replace: []string{p.upstream + ".a"}}); s.Count(engine.Done) != 1 {
				t.Errorf("once it has passed, an apply ends %+v", s.Outcomes)
			}
		})
	}
}
