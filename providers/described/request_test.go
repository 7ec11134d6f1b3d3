package described_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// check is a verify request that a test changes, sent with a token that has outputs.
func check(edit func(*described.Request)) *described.Definition {
	return acme(func(d *described.Definition) {
		q := d.Verify.Request
		q.Response.Format = described.FormatNone
		d.Locals = []described.Local{{Name: "secret", Expr: x(`self.password`)}}
		edit(q)
		d.Hosts = []string{"api.example.com", "*.example.org"}
		d.Outputs = []schema.Output{{Name: "id", Type: cty.String}, {Name: "key", Type: cty.String, Sensitive: true}}
	})
}

func checked() credential.Token {
	return credential.Token{
		Access:  credential.NewSecret("canary-access-token"),
		Outputs: credential.Outputs{"id": "a b/../ü?#%2F", "key": credential.NewSecret("canary-key")},
	}
}

func TestHowARequestIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*described.Request)
		want sent
		head map[string]string
	}{
		"a path parameter is one segment": {
			func(q *described.Request) {
				q.Path, q.PathParams = x(`"/v1/{id}/x/{n}"`), x(`{ id = token.id, n = 7 }`)
			},
			sent{method: "GET", path: "/v1/a%20b%2F..%2F%C3%BC%3F%23%252F/x/7"}, nil,
		},
		"a query in the order of the source": {
			func(q *described.Request) {
				q.Query = x(`{ z = "1", b = "a b&", a = 2, none = null, list = ["x", true], y = "" }`)
				q.QueryOrder = []string{"z", "none", "b"}
			},
			sent{method: "GET", path: "/me", query: "z=1&b=a+b%26&a=2&list=x&list=true&y="}, nil,
		},
		"headers": {
			func(q *described.Request) {
				q.Header = x(`{ PRIVATE-TOKEN = token.key, Accept = "text/x", none = null, X-N = 147573952589676412929, User-Agent = "App/1.0" }`)
			},
			sent{method: "GET", path: "/me"},
			map[string]string{
				"Private-Token": "canary-key", "Accept": "text/x", "X-N": "147573952589676412929", "User-Agent": "App/1.0",
				"Authorization": "Bearer canary-access-token", "None": "",
			},
		},
		"basic": {
			func(q *described.Request) {
				q.Bearer, q.Username, q.Password = nil, x(`"WEB"`), x(`""`)
			}, sent{method: "GET", path: "/me"}, map[string]string{"Authorization": "Basic V0VCOg=="},
		},
		"a form": {
			func(q *described.Request) {
				q.Method, q.Form = "POST", x(`merge({ b = "ü", n = null }, { a = 1, c = false })`)
			},
			sent{method: "POST", path: "/me", body: "a=1&b=%C3%BC&c=false"}, map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		"JSON": {
			func(q *described.Request) {
				q.Method = "POST"
				q.JSON = x(`{ s = "a<", n = 147573952589676412929, f = 0.5, b = true, z = null, l = [1, "x", {}], o = { a = [] } }`)
			},
			sent{method: "POST", path: "/me", body: `{"b":true,"f":0.5,"l":[1,"x",{}],"n":147573952589676412929,"o":{"a":[]},"s":"a\u003c","z":null}`},
			map[string]string{"Content-Type": "application/json"},
		},
		"no JSON": {
			func(q *described.Request) { q.Method, q.JSON = "POST", x(`null`) },
			sent{method: "POST", path: "/me"}, map[string]string{"Content-Type": ""},
		},
		"an empty object": {
			func(q *described.Request) { q.Method, q.JSON = "POST", x(`{}`) },
			sent{method: "POST", path: "/me", body: `{}`}, nil,
		},
		"a text": {
			func(q *described.Request) {
				q.Method, q.Text, q.ContentType = "PUT", x(`"<a>${token.id}</a>"`), "application/xml"
			},
			sent{method: "PUT", path: "/me", body: "<a>a b/../ü?#%2F</a>"}, map[string]string{"Content-Type": "application/xml"},
		},
		"null bearer": {
			func(q *described.Request) { q.Bearer = x(`null`) }, sent{method: "GET", path: "/me"}, map[string]string{"Authorization": ""},
		},
		"a whole URL": {
			func(q *described.Request) { q.Path, q.URL = nil, x(`"${self.base_url}/me?a=b"`) },
			sent{method: "GET", path: "/me", query: "a=b"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, check(c.edit))
			path, _, _ := strings.Cut(c.want.path, "?")
			w.answer("/me", canned{status: 200}).answer("/v1/a b/../ü?#%2F/x/7", canned{status: 200})
			if _, err := w.verify(checked()); err != nil {
				t.Fatal(err)
			}
			got := w.sent[0]
			if got.method != c.want.method || got.path != path || got.query != c.want.query || got.body != c.want.body {
				t.Errorf("%+v", got)
			}
			for name, value := range c.head {
				if got.header.Get(name) != value {
					t.Errorf("%s: %q", name, got.header.Get(name))
				}
			}
		})
	}
}

// What would change where a request goes, or what it is, is refused before it is sent.
func TestRequestsThatAreNotSent(t *testing.T) {
	header := func(e string) func(*described.Request) {
		return func(q *described.Request) { q.Header = x(e) }
	}
	url := func(e string) func(*described.Request) {
		return func(q *described.Request) { q.Path, q.URL = nil, x(e) }
	}
	path := func(p, params string) func(*described.Request) {
		return func(q *described.Request) { q.Path, q.PathParams = x(p), x(params) }
	}
	for name, c := range map[string]struct {
		edit func(*described.Request)
		part string
	}{
		"host":                    {header(`{ host = "evil.example" }`), "Host is set by HTTP itself"},
		"length":                  {header(`{ CONTENT-LENGTH = 1 }`), "Content-Length"},
		"transfer":                {header(`{ Transfer-Encoding = "chunked" }`), "Transfer-Encoding"},
		"connection":              {header(`{ Connection = "close" }`), "Connection"},
		"header's name":           {header(`{ "a b" = "x" }`), "not a name of a header"},
		"line break":              {header(`{ X-A = "a\r\nX-B: c" }`), "line break"},
		"header's list":           {header(`{ X-A = ["a"] }`), `"X-A": a text is needed, and this is a list`},
		"headers":                 {header(`"x"`), "an object is needed"},
		"bearer":                  {func(q *described.Request) { q.Bearer = x(`"a\nb"`) }, "not allowed in a token"},
		"colon":                   {func(q *described.Request) { q.Username, q.Password = x(`"a:b"`), x(`"c"`) }, "colon"},
		"parameter ..":            {path(`"/a/{id}"`, `{ id = ".." }`), "no segment of a path"},
		"parameter .":             {path(`"/a/{id}"`, `{ id = "." }`), "no segment of a path"},
		"parameter empty":         {path(`"/a/{id}"`, `{ id = "" }`), "no segment of a path"},
		"parameter null":          {path(`"/a/{id}"`, `{ id = null }`), "braces"},
		"parameter missing":       {path(`"/a/{id}"`, `{}`), "braces"},
		"secret in a path":        {path(`"/a/{id}"`, `{ id = token.access_token }`), "has a secret in it"},
		"sensitive output":        {path(`"/a/{id}"`, `{ id = "x${token.key}y" }`), "has a secret in it"},
		"secret in the path":      {func(q *described.Request) { q.Path = x(`"/bot${self.password}/x"`) }, "has a secret in it"},
		"secret in a local":       {func(q *described.Request) { q.Path = x(`"/bot${local.secret}/x"`) }, "has a secret in it"},
		"secret in the URL":       {url(`"${self.base_url}/bot${self.password}/x"`), "has a secret in it"},
		"path up":                 {path(`"/a/../b"`, `{}`), "does not lead up"},
		"path with a query":       {path(`"/a?b"`, `{}`), "no query"},
		"path elsewhere":          {path(`"a"`, `{}`), "starts with /"},
		"path with a space":       {path(`"/a b"`, `{}`), "no spaces"},
		"not there":               {path(`"/${token.nothing}"`, `{}`), "path (acme.hcl:7)"},
		"null URL":                {url(`null`), "it is null"},
		"plain http":              {url(`"http://api.example.com/me"`), "https://"},
		"relative":                {url(`"/me"`), "not an absolute URL"},
		"user":                    {url(`"https://u:p@api.example.com/me"`), "user or password"},
		"fragment":                {url(`"https://api.example.com/me#x"`), "fragment"},
		"scheme":                  {url(`"file:///etc/passwd"`), "not an absolute URL"},
		"other scheme":            {url(`"ftp://api.example.com"`), "https://"},
		"host from an answer":     {url(`"https://${token.id == "" ? "" : "evil.example"}/me"`), "the host evil.example:443"},
		"below, but not the host": {url(`"https://${token.id == "" ? "" : "example.org"}/me"`), "the host example.org:443"},
		"ending alike":            {url(`"https://${token.id == "" ? "" : "evilexample.org"}/me"`), "the host evilexample.org"},
		"another port":            {url(`"https://${token.id == "" ? "" : "api.example.com"}:8443/me"`), "the host api.example.com:8443"},
		"two queries": {func(q *described.Request) {
			q.Path, q.URL, q.Query = nil, x(`"${self.base_url}/me?a=b"`), x(`{ c = "d" }`)
		}, "query of its own"},
		"form":  {func(q *described.Request) { q.Form = x(`{ a = {} }`) }, "a text is needed"},
		"query": {func(q *described.Request) { q.Query = x(`{ a = [{}] }`) }, "a text is needed"},
		"text":  {func(q *described.Request) { q.Text = x(`[]`) }, "a text is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, check(c.edit))
			_, err := w.verify(checked())
			e := wantError(t, err, failure.Config, none, c.part, "(acme.hcl:9) was not sent")
			if len(w.sent) != 0 || e.Status != 0 {
				t.Errorf("%d requests, %v", len(w.sent), e)
			}
		})
	}
}

// Hosts that an answer names are those that the account or the definition names.
func TestHostsThatAnAnswerMayName(t *testing.T) {
	for host, part := range map[string]string{
		"api.example.com": "", "API.example.com": "", "a.b.example.org": "", "endpoint.example.net": "",
		"evil.example": "neither that of base_url",
	} {
		d := check(func(q *described.Request) { q.Path, q.URL = nil, x(`"https://${token.id}/me"`) })
		d.Attributes = append(d.Attributes, schema.Attribute{
			Name: "token_url", Type: cty.String, Endpoint: true, Default: cty.StringVal("https://endpoint.example.net/x"),
		})
		w := newWorld(t, d)
		token := checked()
		token.Outputs["id"] = host
		// So that nothing is sent to hosts that are not here.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.provider.(providers.Verifier).Verify(ctx, token)
		if part == "" {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", host, err)
			}
			continue
		}
		wantError(t, err, failure.Config, none, part)
	}
}

// twoSteps is a login by a token that is got first.
func twoSteps(d *described.Definition) {
	second := d.Login.Requests[0]
	second.Label, second.Bearer = "session", x(`responses.token.body.access`)
	second.JSON = x(`{ pin = responses.token.body.pin }`)
	d.Login.Requests = []described.Request{
		{
			Label: "key", Place: "acme.hcl:30", When: x(`self.user == "with key"`), Path: x(`"/key"`),
			Response: described.Response{Format: described.FormatText},
		},
		{
			Label: "token", Place: "acme.hcl:31", Method: "POST", Path: x(`"/token"`), Counts: true,
			Form: x(`{ password = self.password }`), Response: described.Response{Format: described.FormatJSON},
		},
		second,
	}
	d.Locals = []described.Local{
		{Name: "key", Expr: x(`try(responses.key.body, "no key")`)},
		{Name: "said", Expr: x(`"${local.key}, ${response.status}"`)},
	}
	d.Outputs = []schema.Output{{Name: "said", Type: cty.String}, {Name: "skipped", Type: cty.Bool}}
	d.Login.Outputs = []described.Output{
		{Name: "said", Expr: x(`local.said`)}, {Name: "skipped", Expr: x(`responses.key == null`)},
	}
}

func TestALoginOfSeveralRequests(t *testing.T) {
	for user, want := range map[string]string{"shop": "no key, 201", "with key": "the key, 201"} {
		w := newWorld(t, acme(twoSteps), attribute("user", cty.StringVal(user))).
			answer("/key", canned{status: 200, body: "the key\n"}).
			answer("/token", canned{status: 200, body: `{"access":"canary-first","pin":147573952589676412929}`}).
			answer("/login", canned{status: 201, body: `{"token":"canary-second"}`})
		token := w.mustLogin()
		// A local that speaks of no answer that is there yet is evaluated when it is.
		if got := token.Outputs["said"]; got != want || token.Outputs["skipped"] != (user == "shop") {
			t.Errorf("%v", token.Outputs)
		}
		last := w.sent[len(w.sent)-1]
		if last.header.Get("Authorization") != "Bearer canary-first" || last.body != `{"pin":147573952589676412929}` {
			t.Errorf("%+v", last)
		}
	}
}

func TestFailuresOfAnEarlierRequest(t *testing.T) {
	for name, c := range map[string]struct {
		key, token canned
		login      canned
		class      failure.Class
		reason     failure.Reason
		op         string
		part       string
	}{
		"the key is not there": {key: canned{status: 404, body: "no"}, class: failure.Config, op: `make the request "key" of the login`},
		"the key is refused":   {key: canned{status: 401, body: "no"}, class: failure.Config, op: `make the request "key" of the login`},
		"the key's service":    {key: canned{status: 500, body: "no"}, class: failure.Retryable, op: `make the request "key" of the login`},
		"the key is odd":       {key: canned{status: 418, body: "no"}, class: failure.Server, op: `make the request "key" of the login`},
		"the password":         {token: canned{status: 401, body: "{}"}, class: failure.Credentials, reason: rejected, op: failure.LogIn},
		"no token in 200": {
			token: canned{status: 200, body: `{"error":"no"}`}, class: failure.Server, reason: unclassified,
			op: failure.LogIn, part: "bearer (acme.hcl:7)",
		},
		"the first token is damaged": {token: canned{status: 200, body: `{"access":"e\u0301","pin":1}`}, class: failure.Server, reason: unclassified,
			op: failure.LogIn, part: "the answer's response.body.access"},
		"the first token again": {
			login: canned{status: 400, body: `{"m":"bad canary-first"}`}, class: failure.Config, op: failure.LogIn, part: "not shown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			or := func(a, b canned) canned {
				if a.status == 0 {
					return b
				}
				return a
			}
			d := acme(twoSteps, func(d *described.Definition) {
				d.Errors = []described.ErrorBlock{{Name: "m", When: x(`response.body.m != ""`), Class: failure.Config, Message: x(`response.body.m`)}}
			})
			w := newWorld(t, d, attribute("user", cty.StringVal("with key"))).
				answer("/key", or(c.key, canned{status: 200, body: "the key"})).
				answer("/token", or(c.token, canned{status: 200, body: `{"access":"canary-first","pin":1}`})).
				answer("/login", or(c.login, canned{status: 200, body: `{"token":"x"}`}))
			_, err := w.login()
			e := wantError(t, err, c.class, c.reason, c.part)
			if e.Op != c.op {
				t.Error(e.Op)
			}
			if w.count("/token") > 1 || w.count("/login") > 1 {
				t.Error("it was sent again")
			}
		})
	}
}

func TestAConditionOfARequestThatCannotBeEvaluated(t *testing.T) {
	w := newWorld(t, acme(twoSteps, func(d *described.Definition) { d.Login.Requests[0].When = x(`self.user`) }))
	_, err := w.login()
	wantError(t, err, failure.Config, none, "neither true nor false")
	w = newWorld(t, acme(func(d *described.Definition) { d.Login.Requests[0].When = x(`false`) }))
	_, err = w.login()
	wantError(t, err, failure.Config, none, "no request")
	if len(w.sent) != 0 {
		t.Error("something was sent")
	}
}

// Headers, cookies, text and what is around the body.
func TestWhatAnAnswerHas(t *testing.T) {
	for expr, want := range map[string]string{
		`response.cookies.sid`: "second", `response.headers.x-token`: "from-header", `response.outer.code`: "0",
		`response.body.token`: "inner", `response.headers["set-cookie"]`: "sid=first, other=1, sid=second; Path=/",
		`tostring(response.status)`: "201", `regex("\"to[a-z]+\"", response.text)`: `"token"`, `local.b`: "inner-inner",
	} {
		w := newWorld(t, acme(func(d *described.Definition) {
			d.Login.Requests[0].Response.Unwrap = "data"
			d.Locals = []described.Local{
				{Name: "a", Expr: x(`response.body.token`)}, {Name: "b", Expr: x(`"${local.a}-${local.a}"`)},
				{Name: "broken", Expr: x(`response.body.nothing`)},
			}
			d.Outputs = []schema.Output{{Name: "o", Type: cty.String}}
			d.Login.Outputs = []described.Output{{Name: "o", Expr: x(expr)}}
		})).answer("/login", canned{
			status: 201, body: `{"code":0,"data":{"token":"inner"}}`, header: map[string]string{"X-Token": "from-header"},
			cookies: []string{"sid=first", "other=1", "sid=second; Path=/"},
		})
		if got := w.mustLogin().Outputs["o"]; got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestFormatsOfABody(t *testing.T) {
	for _, c := range []struct{ format, expr, body, want string }{
		{described.FormatText, `response.body`, " tok \n", "tok"},
		{described.FormatAuto, `tostring(response.body)`, "77", "77"},
		{described.FormatAuto, `tostring(response.body)`, `"seven"`, "seven"},
		{described.FormatAuto, `tostring(response.body.session_id)`, `{"session_id":147573952589676412929}`, "147573952589676412929"},
		{described.FormatAuto, `response.body`, `a-b`, "a-b"},
		{described.FormatNone, `response.headers.x-token`, "{", "h"},
		{described.FormatText, `regex("<t>(.*)</t>", response.text)[0]`, "<?xml version=\"1.0\"?><t>abc</t>", "abc"},
	} {
		w := newWorld(t, acme(func(d *described.Definition) {
			d.Login.Requests[0].Response.Format = c.format
			d.Login.AccessToken = x(c.expr)
		})).answer("/login", canned{status: 200, body: c.body, header: map[string]string{"X-Token": "h", "Content-Type": "text/plain"}})
		if got := w.mustLogin().Access.Reveal(); got != c.want {
			t.Errorf("%s %s: %q", c.format, c.body, got)
		}
	}
}
