package credtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/described"
)

// hostileAnswer is what no upstream should answer, and gateways, proxies and broken
// services do.
type hostileAnswer struct {
	name   string
	write  func(w http.ResponseWriter, echo string)
	isPage bool
	// refuses says that it is the service's own refusal, of which a description may say
	// anything.
	refuses bool
	// again says that the answer proves that the request was not processed, so that it may
	// be sent again.
	again bool
}

func body(status int, contentType, text string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

func echoing(status int) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, echo string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":%q,"message":%q,"error_description":%q,"detail":%q}`, echo, echo, echo, echo)
	}
}

const page = "<!doctype html><html><body>Maintenance</body></html>"

var hostileAnswers = []hostileAnswer{
	{name: "a web page with status 200", write: body(200, "text/html", page), isPage: true},
	{name: "a web page with status 401", write: body(401, "text/html", page), isPage: true},
	{name: "a web page as JSON", write: body(200, "application/json", page), isPage: true},
	{name: "a web page with status 500", write: body(500, "text/html", page), isPage: true},
	{name: "nothing with status 200", write: body(200, "application/json", "")},
	{name: "nothing with status 204", write: body(204, "", "")},
	{name: "JSON that breaks off", write: body(200, "application/json", `{"token":"ab`)},
	{name: "a JSON list", write: body(200, "application/json", `[{"token":1}]`)},
	{name: "a JSON string", write: body(200, "application/json", `"token"`)},
	{name: "a JSON number", write: body(200, "application/json", `42`)},
	{name: "JSON null", write: body(200, "application/json", `null`)},
	{name: "JSON with other fields", write: body(200, "application/json", `{"unexpected":{"deep":[1,2,{"x":null}]}}`)},
	{name: "JSON nested 100 deep", write: body(200, "application/json", strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100))},
	{name: "bytes that are not text", write: body(200, "application/json", "{\"token\":\"\xff\xfe\"}")},
	{name: "2 MiB", write: body(200, "application/json", `{"a":"`+strings.Repeat("x", 2<<20)+`"}`)},
	{name: "a redirect to another host", write: func(w http.ResponseWriter, _ string) {
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(http.StatusFound)
	}},
	{name: "status 429", write: body(429, "application/json", `{}`), again: true},
	{name: "status 503", write: body(503, "application/json", `{}`), again: true},
	{name: "status 502 without a body", write: body(502, "", "")},
	{name: "a connection that is cut", write: func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"token":`))
		panic(http.ErrAbortHandler)
	}},
	{name: "an error with status 400 that repeats the secrets", write: echoing(400), refuses: true},
	{name: "an error with status 200 that repeats the secrets", write: echoing(200), refuses: true},
	{name: "an error with status 500 that repeats the secrets", write: echoing(500), refuses: true},
}

// hostile tries the hostile answers on each operation that a test has.
func (r *runner) hostile(ctx context.Context, tests []*config.UpstreamTest) (all []Hostile, err error) {
	for _, operation := range described.Operations {
		example := exampleOf(tests, operation)
		if example == nil || !r.sends(operation) {
			continue
		}
		g, err := r.given(example)
		if err != nil {
			// Reported with the test itself.
			continue
		}
		h := Hostile{Upstream: r.definition.Type, Operation: operation}
		for _, a := range hostileAnswers {
			for _, only := range r.hostileTo(operation) {
				failures, err := r.tryHostile(ctx, example, g, a, only)
				if err != nil {
					return nil, err
				}
				h.Answers++
				h.Failures = append(h.Failures, failures...)
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// exampleOf is a test of the operation to take the attributes from; where there is none, a
// test of another operation.
func exampleOf(tests []*config.UpstreamTest, operation string) *config.UpstreamTest {
	for _, t := range tests {
		if t.Operation == operation {
			return t
		}
	}
	other := *tests[0]
	other.Operation = operation
	return &other
}

// sends reports whether the upstream has such an operation with a request.
func (r *runner) sends(operation string) bool {
	d := r.definition
	switch operation {
	case described.OpLogin:
		return d.Login != nil
	case described.OpRefresh:
		return d.Refresh != nil
	case described.OpVerify:
		return d.Verify != nil && d.Verify.Request != nil
	case described.OpRevoke:
		return d.Revoke != nil
	}
	return d.Second != nil
}

// hostileTo are the labels of the requests that are answered so, each by itself: "" is all
// of them. The last request of a login is reached only where those before it went well.
func (r *runner) hostileTo(operation string) []string {
	labels := []string{""}
	if d := r.definition.Login; operation == described.OpLogin && len(d.Requests) > 1 {
		labels = append(labels, d.Requests[len(d.Requests)-1].Label)
	}
	return labels
}

// tryHostile gives one hostile answer to every request of an operation, or to the one with
// that label, where the test has answers to the others.
func (r *runner) tryHostile(
	ctx context.Context, t *config.UpstreamTest, g given, a hostileAnswer, only string,
) ([]string, error) {
	echo := "wrong: "
	for _, s := range g.secrets() {
		echo += s.Reveal() + " "
	}
	s, err := startServer(ctx, func(w http.ResponseWriter, _ int, label string) {
		i := slices.IndexFunc(t.Answers, func(a config.RecordedAnswer) bool { return a.Label == label || a.Label == "" })
		if only == "" || label == only || i < 0 {
			a.write(w, echo)
			return
		}
		answer(w, t.Answers[i])
	})
	if err != nil {
		return nil, err
	}
	defer s.close()
	o, err := r.attempt(ctx, t, g, s, 3)
	if err != nil {
		return nil, err
	}
	var wrong mistake
	if errors.As(o.err, &wrong) {
		// Reported with the test itself.
		return nil, nil
	}
	return r.judgeHostile(t, a, o), nil
}

// judgeHostile says which promise was broken.
func (r *runner) judgeHostile(t *config.UpstreamTest, a hostileAnswer, o *outcome) (failures []string) {
	say := func(format string, args ...any) {
		failures = append(failures, fmt.Sprintf("%s to %s: ", a.name, t.Operation)+fmt.Sprintf(format, args...))
	}
	var e *failure.Error
	block := ""
	if r.lastMatch != "" {
		block = fmt.Sprintf(", by the error block %q", r.lastMatch)
	}
	if errors.As(o.err, &e) && e.Class == failure.Credentials && !a.refuses {
		say("the credentials count as rejected%s, although the upstream has not said so", block)
	}
	if a.isPage && o.err == nil {
		say("a web page passes for the service's answer")
	}
	if n := r.repeats(t.Operation, o.sent); n > 1 && !a.again &&
		(e == nil || e.Class != failure.Retryable || r.lastMatch == "") {
		say("the login request was sent %d times", n)
	}
	for _, leak := range leaks(o) {
		say("%s", leak)
	}
	return failures
}

// repeats is how often the first request that may count as a login was sent.
func (r *runner) repeats(operation string, all []sent) int {
	if operation != described.OpLogin && operation != described.OpRefresh && operation != described.OpLoginWithCode {
		return 0
	}
	counts := map[string]int{}
	most := 0
	for _, q := range all {
		if operation == described.OpLogin && !r.counts(q.label) {
			continue
		}
		key := q.label + q.method + q.url.Path
		counts[key]++
		most = max(most, counts[key])
	}
	return most
}

func (r *runner) counts(label string) bool {
	for _, q := range r.definition.Login.Requests {
		if q.Label == label {
			return q.Counts
		}
	}
	return true
}

// HostileAnswers names the answers that each operation has to withstand.
func HostileAnswers() (names []string) {
	for _, a := range hostileAnswers {
		names = append(names, a.name)
	}
	return names
}
