package described_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// expr is an expression in HCL, as package config will make them.
type expr struct {
	source string
	parsed hclsyntax.Expression
}

// x parses an expression.
func x(source string) schema.Expr {
	parsed, diags := hclsyntax.ParseExpression([]byte(source), "acme.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		panic(diags)
	}
	return expr{source, parsed}
}

// sensitive is the mark of what is computed from a secret. All roots have it here, which is
// more than any real expression marks.
type sensitive struct{}

func (e expr) Eval(scope map[string]cty.Value) (cty.Value, error) {
	vars := map[string]cty.Value{}
	for name, v := range scope {
		vars[name] = v
		if name != "local" {
			vars[name] = v.Mark(sensitive{})
		}
	}
	table := functions.RequestTable(time.Now, rand.Reader)
	v, diags := e.parsed.Value(&hcl.EvalContext{Variables: vars, Functions: table})
	if diags.HasErrors() {
		return cty.NilVal, errors.New(diags[0].Summary)
	}
	return v, nil
}

func (e expr) References() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range e.parsed.Variables() {
		name := t.RootName()
		if len(t) > 1 {
			if step, ok := t[1].(hcl.TraverseAttr); ok {
				name += "." + step.Name
			}
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func (e expr) Shape() []byte { return []byte(e.source) }
func (e expr) Place() string { return "acme.hcl:7" }

const password = "canary-hunter2-pass"

// acme is an upstream with a login by JSON; edit changes it.
func acme(edit ...func(*described.Definition)) *described.Definition {
	d := &described.Definition{
		Type: "acme", Place: "acme.hcl:4",
		Attributes: []schema.Attribute{
			{Name: "user", Type: cty.String, Default: cty.StringVal("shop"), Effect: schema.ShapesLogin},
			{Name: "password", Type: cty.String, Sensitive: true, Default: cty.NullVal(cty.String), Effect: schema.ShapesLogin},
		},
		Login: &described.TokenOperation{
			Operation: described.Operation{Requests: []described.Request{{
				Place: "acme.hcl:5", Method: "POST", Path: x(`"/login"`), Counts: true,
				JSON:     x(`{ user = self.user, password = self.password }`),
				Response: described.Response{Format: described.FormatJSON},
			}}},
			AccessToken: x(`response.body.token`),
			Lifetime:    x(`"1h"`),
		},
		Verify: &described.Verify{Request: &described.Request{
			Place: "acme.hcl:9", Path: x(`"/me"`), Bearer: x(`token.access_token`),
			Response: described.Response{Format: described.FormatJSON},
		}},
	}
	for _, e := range edit {
		e(d)
	}
	return d
}

// withRefresh adds a refresh by a refresh token.
func withRefresh(d *described.Definition) {
	d.Login.RefreshToken = x(`try(response.body.refresh, null)`)
	d.Refresh = &described.TokenOperation{
		Operation: described.Operation{Requests: []described.Request{{
			Place: "acme.hcl:8", Method: "POST", Path: x(`"/refresh"`),
			Form:     x(`{ refresh_token = token.refresh_token }`),
			Response: described.Response{Format: described.FormatJSON},
		}}},
		AccessToken: x(`response.body.token`), RefreshToken: x(`try(response.body.refresh, null)`),
		SingleUse: true,
	}
}

// canned is an answer.
type canned struct {
	status  int
	body    string
	header  map[string]string
	cookies []string
}

// sent is a request as it came.
type sent struct {
	method, path, query, body string
	header                    http.Header
}

// world is an upstream that gives canned answers, and an account at it.
type world struct {
	t        *testing.T
	server   *httptest.Server
	provider providers.Provider
	log      strings.Builder
	now      time.Time
	// refused says that the configuration must be.
	refused bool
	mu      sync.Mutex
	// answers are given in turn by path, the last one for ever.
	answers map[string][]canned
	sent    []sent
}

type setting func(*world, *providers.Env, map[string]cty.Value)

func previous(o credential.Outputs) setting {
	return func(_ *world, e *providers.Env, _ map[string]cty.Value) { e.Previous = o }
}

func attribute(name string, v cty.Value) setting {
	return func(_ *world, _ *providers.Env, attrs map[string]cty.Value) { attrs[name] = v }
}

func newWorld(t *testing.T, d *described.Definition, settings ...setting) *world {
	t.Helper()
	w := &world{t: t, answers: map[string][]canned{}, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &w.log})
	pool := upstream.NewPool(upstream.PoolOptions{
		Pause: func(time.Duration) time.Duration { return 0 }, Now: func() time.Time { return w.now },
	})
	t.Cleanup(pool.Close)
	client, err := pool.Client(upstream.Options{
		BaseURL: w.server.URL, MaxAttempts: 3, Log: log, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	env := providers.Env{Client: client, Now: func() time.Time { return w.now }, Log: log}
	attrs := map[string]cty.Value{"base_url": cty.StringVal(w.server.URL), "password": cty.StringVal(password)}
	spec := d.Spec()
	for _, s := range settings {
		s(w, &env, attrs)
	}
	for name := range attrs {
		if _, ok := spec.Block().Attribute(name); !ok {
			delete(attrs, name)
		}
	}
	values := schema.NewValues(spec.Block(), "", attrs, nil)
	if err := spec.Check(values); (err != nil) != w.refused {
		t.Fatalf("the configuration is refused: %v", err)
	}
	if w.provider, err = spec.New(values, env); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.noLeak)
	return w
}

func (w *world) noLeak() {
	w.hidden(w.log.String(), fmt.Sprintf("%v %+v %#v", w.provider, w.provider, w.provider))
}

// hidden fails where a text has the canary in it.
func (w *world) hidden(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if strings.Contains(text, "canary") || strings.Contains(text, "hunter2") {
			w.t.Errorf("a secret is shown: %s", text)
		}
	}
}

func (w *world) answer(path string, list ...canned) *world {
	w.answers[path] = list
	return w
}

func (w *world) serve(rw http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	w.mu.Lock()
	w.sent = append(w.sent, sent{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, string(body), req.Header})
	a := canned{status: 404, body: `{"error":"no answer"}`}
	if list := w.answers[req.URL.Path]; len(list) > 0 {
		a = list[0]
		if len(list) > 1 {
			w.answers[req.URL.Path] = list[1:]
		}
	}
	w.mu.Unlock()
	rw.Header().Set("Date", w.now.Format(http.TimeFormat))
	if _, ok := a.header["Content-Type"]; !ok {
		rw.Header().Set("Content-Type", "application/json")
	}
	for name, value := range a.header {
		rw.Header().Set(name, value)
	}
	for _, c := range a.cookies {
		rw.Header().Add("Set-Cookie", c)
	}
	rw.WriteHeader(a.status)
	_, _ = io.WriteString(rw, a.body)
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) login() (credential.Token, error) {
	token, err := w.provider.Login(w.ctx())
	w.check(err)
	return token, err
}

func (w *world) mustLogin() credential.Token {
	w.t.Helper()
	token, err := w.login()
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) refresh(old credential.Token) (credential.Token, error) {
	token, err := w.provider.(providers.Refresher).Refresh(w.ctx(), old)
	w.check(err)
	return token, err
}

func (w *world) verify(t credential.Token) (credential.Outputs, error) {
	out, err := w.provider.(providers.Verifier).Verify(w.ctx(), t)
	w.check(err)
	return out, err
}

// check looks at what each error must be.
func (w *world) check(err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	var e *failure.Error
	if !errors.As(err, &e) {
		w.t.Errorf("%v is no *failure.Error", err)
		return
	}
	if e.Op == "" || e.URL == "" || e.Message == "" || e.Advice == "" {
		w.t.Errorf("the error says too little: %#v", e)
	}
	text, _ := json.Marshal(e)
	w.hidden(string(text), fmt.Sprintf("%v %+v %#v", e, e, e))
}

// wantError checks the class and the reason of an error, and what its message has in it.
func wantError(t *testing.T, err error, class failure.Class, reason failure.Reason, parts ...string) *failure.Error {
	t.Helper()
	var e *failure.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *failure.Error", err)
	}
	if e.Class != class || e.Reason != reason {
		t.Errorf("class %q, reason %q, want %q, %q: %v", e.Class, e.Reason, class, reason, e)
	}
	for _, part := range parts {
		if !strings.Contains(e.Message, part) {
			t.Errorf("%q is not in the message: %s", part, e.Message)
		}
	}
	return e
}

func (w *world) count(path string) int {
	n := 0
	for _, s := range w.sent {
		if s.path == path {
			n++
		}
	}
	return n
}
