package described_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

func TestLogin(t *testing.T) {
	w := newWorld(t, acme()).answer("/login", canned{status: 200, body: `{"token":" canary-token-1\n"}`})
	token := w.mustLogin()
	if token.Access.Reveal() != "canary-token-1" || !token.ExpiresAt.Equal(w.now.Add(time.Hour)) ||
		!token.IssuedAt.Equal(w.now) || !token.AnsweredAt.Equal(w.now) || len(token.Warnings) > 0 ||
		!token.Answers.IsZero() {
		t.Errorf("%+v", token)
	}
	got := w.sent[0]
	if got.body != `{"password":"canary-hunter2-pass","user":"shop"}` || got.method != "POST" ||
		got.header.Get("Content-Type") != "application/json" || got.header.Get("Accept") != "application/json" {
		t.Errorf("%+v", got)
	}
	w.answer("/me", canned{status: 200, body: `{}`})
	if _, err := w.verify(token); err != nil {
		t.Error(err)
	}
	if got := w.sent[1].header.Get("Authorization"); got != "Bearer canary-token-1" {
		t.Error(got)
	}
}

// A login answered with success and no token is a refusal that counts: a service that
// answers a wrong password so would get it in each run.
func TestAnswersWithoutAToken(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for body, part := range map[string]string{
		`{}`: "access_token (acme.hcl:7) found nothing to use in the answer", `{"token":null}`: "null", `{"token":""}`: "empty",
		`{"token":"  "}`: "empty", `{"token":7}`: "a number", `{"token":["x"]}`: "a list", `{"token":{"a":1}}`: "an object",
		`{"token":true}`: "a bool", `{"token":"a b"}`: "characters", `{"token":"a\nb"}`: "characters", `{"token":"ü"}`: "characters",
		`{"token":"e\u0301"}`: "normal form", `{"token":"a\ud800"}`: "response.body.token", `{"token":"x"`: "well-formed",
		`[]`: "found nothing", `"x"`: "found nothing", ``: "found nothing", `null`: "found nothing", `{"token":"x"} {}`: "well-formed",
		deep: "too deeply", strings.Repeat("[", 100): "too deeply", "tok\x00en": "well-formed",
		`{"token":"` + "\xff" + `"}`: "not valid",
	} {
		t.Run(part+" "+body[:min(len(body), 20)], func(t *testing.T) {
			w := newWorld(t, acme()).answer("/login", canned{status: 200, body: body})
			_, err := w.login()
			e := wantError(t, err, failure.Server, unclassified, part)
			wantCounted(t, e, true)
			if !e.AnswerLost || w.count("/login") != 1 {
				t.Errorf("lost: %v; sent %d times", e.AnswerLost, w.count("/login"))
			}
		})
	}
}

func TestAnAnswerThatIsTooLarge(t *testing.T) {
	w := newWorld(t, acme()).answer("/login", canned{status: 200, body: `{"token":"x","pad":"` + strings.Repeat("y", 2<<20) + `"}`})
	_, err := w.login()
	if failure.ClassOf(err) == failure.Credentials || err == nil || w.count("/login") != 1 {
		t.Errorf("%v; sent %d times", err, w.count("/login"))
	}
}

// Many names above many elements take no more memory than they are worth.
func TestAnAnswerWithLongNamesIsReadInTime(t *testing.T) {
	body := `{"token":"x","` + strings.Repeat("k", 400<<10) + `":[` + strings.Repeat("\"e\u0301\",", 50<<10) + `1]}`
	w := newWorld(t, acme()).answer("/login", canned{status: 200, body: body})
	w.mustLogin()
}

func jwt(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(claims)) + ".c2ln"
}

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	hour := now.Add(time.Hour)
	in := func(e string) func(*described.Definition) {
		return func(d *described.Definition) { d.Login.ExpiresIn = x(e) }
	}
	at := func(e string) func(*described.Definition) {
		return func(d *described.Definition) { d.Login.ExpiresAt = x(e) }
	}
	never := func(d *described.Definition) { d.Login.NeverExpires, d.Login.Lifetime = true, nil }
	without := func(d *described.Definition) { d.Login.Lifetime = nil }
	plain := func(*described.Definition) {}
	for i, c := range []struct {
		edit    func(*described.Definition)
		answer  string
		want    time.Time
		warning string
	}{
		{plain, `"token":"x"`, hour, ""},
		{plain, fmt.Sprintf(`"token":%q`, jwt(fmt.Sprintf(`{"exp":%d}`, now.Add(9*time.Minute).Unix()))), now.Add(9 * time.Minute), ""},
		{plain, fmt.Sprintf(`"token":%q`, jwt(`{"exp":1e300}`)), hour, ""},
		{in(`response.body.e`), `"token":"x","e":60`, now.Add(time.Minute), ""},
		{in(`response.body.e`), `"token":"x","e":"60"`, now.Add(time.Minute), ""},
		{in(`response.body.e`), `"token":"x","e":" 60 "`, now.Add(time.Minute), ""},
		{in(`response.body.e`), `"token":"x","e":60.9`, now.Add(time.Minute), ""},
		{in(`response.body.e`), `"token":"x","e":6e1`, now.Add(time.Minute), ""},
		{in(`response.body.e`), `"token":"x","e":0`, hour, `"expires_in" (acme.hcl:7)`},
		{in(`response.body.e`), `"token":"x","e":-5`, hour, `"expires_in" (acme.hcl:7)`},
		{in(`response.body.e`), `"token":"x","e":999999999999`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x","e":1e99999999999`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x","e":"soon"`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x","e":true`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x","e":{}`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x"`, hour, "expires_in"},
		{in(`response.body.e`), `"token":"x","e":null`, hour, ""},
		{in(`try(response.body.e, null)`), `"token":"x"`, hour, ""},
		{in(`response.body.e`), fmt.Sprintf(`"e":600,"token":%q`, jwt(fmt.Sprintf(`{"exp":%d}`, now.Add(5*time.Minute).Unix()))), now.Add(5 * time.Minute), ""},
		{in(`response.body.e`), fmt.Sprintf(`"e":60,"token":%q`, jwt(fmt.Sprintf(`{"exp":%d}`, now.Add(5*time.Minute).Unix()))), now.Add(time.Minute), ""},
		{at(`response.body.e`), `"token":"x","e":"2026-11-30T13:30:00+01:00"`, now.Add(30 * time.Minute), ""},
		{at(`response.body.e`), `"token":"x","e":"2026-11-30t12:30:00z"`, now.Add(30 * time.Minute), ""},
		{at(`response.body.e`), fmt.Sprintf(`"token":"x","e":%d`, now.Unix()+90), now.Add(90 * time.Second), ""},
		{at(`response.body.e`), fmt.Sprintf(`"token":"x","e":"%d"`, now.Unix()+90), now.Add(90 * time.Second), ""},
		{at(`response.body.e`), fmt.Sprintf(`"token":"x","e":%d`, (now.Unix()+90)*1000), now.Add(90 * time.Second), ""},
		{at(`response.body.e`), fmt.Sprintf(`"token":"x","e":%d.5`, now.Unix()+90), now.Add(90*time.Second + 500*time.Millisecond), ""},
		{at(`response.body.e`), `"token":"x","e":"2026-11-30 12:30:00"`, hour, `"expires_at" (acme.hcl:7)`},
		{at(`response.body.e`), `"token":"x","e":"tomorrow"`, hour, "expires_at"},
		{at(`response.body.e`), `"token":"x","e":0`, hour, "expires_at"},
		{at(`response.body.e`), `"token":"x","e":-1`, hour, "expires_at"},
		{at(`response.body.e`), `"token":"x","e":1e200`, hour, "expires_at"},
		{at(`response.body.e`), `"token":"x","e":false`, hour, "expires_at"},
		{at(`response.body.e`), `"token":"x","e":null`, hour, ""},
		{never, `"token":"x"`, time.Time{}, ""},
		{without, `"token":"x"`, hour, "Nothing says how long the token lives"},
		{func(d *described.Definition) { d.Login.Lifetime = x(`self.user`) }, `"token":"x"`, hour, `"lifetime" (acme.hcl:7)`},
		{func(d *described.Definition) { d.Login.Lifetime = x(`self.user == "shop" ? "2d" : "1m"`) }, `"token":"x"`, now.Add(48 * time.Hour), ""},
	} {
		t.Run(fmt.Sprint(i, c.answer[:min(len(c.answer), 40)]), func(t *testing.T) {
			w := newWorld(t, acme(c.edit)).answer("/login", canned{status: 200, body: "{" + c.answer + "}"})
			token := w.mustLogin()
			if !token.ExpiresAt.Equal(c.want) {
				t.Errorf("it ends at %s, want %s", token.ExpiresAt, c.want)
			}
			if text := strings.Join(token.Warnings, "\n"); c.warning == "" && text != "" || !strings.Contains(text, c.warning) {
				t.Errorf("the warnings are %q", text)
			}
		})
	}
}

func output(name string, of cty.Type, from string) func(*described.Definition) {
	return func(d *described.Definition) {
		d.Outputs = append(d.Outputs, schema.Output{Name: name, Type: of})
		d.Login.Outputs = append(d.Login.Outputs, described.Output{Name: name, Expr: x(from)})
	}
}

func TestOutputsAreConverted(t *testing.T) {
	texts, objects := cty.List(cty.String), cty.List(cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String}))
	for _, c := range []struct {
		of         cty.Type
		json       string
		want       any
		fails      string
		hasWarning bool
	}{
		{cty.String, `"a"`, "a", "", false},
		{cty.String, `""`, "", "", false},
		{cty.String, `147573952589676412929`, "147573952589676412929", "", false},
		{cty.String, `-7`, "-7", "", false},
		{cty.String, `1e3`, "1000", "", true},
		{cty.String, `1.0`, "1", "", true},
		{cty.String, `1.50`, "1.5", "", true},
		{cty.String, `1e400`, nil, "characters", false},
		{cty.String, strings.Repeat("9", 151), nil, "characters", false},
		{cty.String, strings.Repeat("9", 150), strings.Repeat("9", 150), "", false},
		{cty.String, `true`, "true", "", false},
		{cty.String, `null`, nil, "", false},
		{cty.String, `{}`, nil, "string is declared, and the value is an object", false},
		{cty.String, `[1]`, nil, "a list", false},
		{cty.String, `"e\u0301"`, nil, "normal form C", false},
		{cty.String, `"\ud83d"`, nil, "response.body.v", false},
		{cty.String, `"\ud83d\ude00"`, "😀", "", false},
		{cty.Bool, `true`, true, "", false},
		{cty.Bool, `"false"`, false, "", false},
		{cty.Bool, `0`, nil, "bool is declared, and the value is a number", false},
		{cty.Bool, `null`, nil, "", false},
		{texts, `["a",2,true]`, []string{"a", "2", "true"}, "", false},
		{texts, `["a",1E3]`, []string{"a", "1000"}, "", true},
		{texts, `[]`, []string{}, "", false},
		{texts, `{}`, nil, "list(string) is declared, and the value is an object", false},
		{texts, `[null]`, nil, "element 0 is null", false},
		{texts, `["a",{}]`, nil, "element 1 is an object", false},
		{objects, `[{"id":9,"name":null,"more":1},{"id":"b","name":"c"}]`, []map[string]string{{"id": "9"}, {"id": "b", "name": "c"}}, "", false},
		{objects, `[{"id":1.5e20,"name":"c"}]`, []map[string]string{{"id": "150000000000000000000", "name": "c"}}, "", true},
		{objects, `[{"id":9}]`, nil, `has no "name"`, false},
		{objects, `[7]`, nil, "a list of objects is declared", false},
		{objects, `[{"id":[],"name":""}]`, nil, `"id" of the element 0`, false},
	} {
		t.Run(c.json[:min(len(c.json), 30)], func(t *testing.T) {
			w := newWorld(t, acme(output("other", cty.String, `response.body.token`), output("v", c.of, `response.body.v`)))
			w.answer("/login", canned{status: 200, body: `{"token":"x","v":` + c.json + `}`}).answer("/me", canned{status: 200, body: `{}`})
			token := w.mustLogin()
			if diff := cmp.Diff(c.want, token.Outputs["v"]); diff != "" {
				t.Error(diff)
			}
			if token.Outputs["other"] != "x" || (len(token.Warnings) > 0) != c.hasWarning {
				t.Errorf("%v, %q", token.Outputs, token.Warnings)
			}
			if token.Answers.IsZero() != (c.fails == "") {
				t.Error("what the outputs are taken from is kept only where one fails")
			}
			_, err := w.verify(token)
			if c.fails == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := wantError(t, err, failure.Config, none, c.fails, `output "v" (acme.hcl:7)`)
			if e.AnswerLost || e.Status != 0 || w.count("/me") != 0 {
				t.Errorf("%#v", e)
			}
		})
	}
}

// No function makes a value whole that is not held as it came.
func TestWhatIsDamagedStaysSo(t *testing.T) {
	for _, from := range []string{
		`nonsensitive(response.body.v)`, `lower(response.body.v)`, `try(response.body.v, "x")`, `"a ${response.body.v}"`, `jsonencode(response.body)`,
		`nonsensitive(response.body).v`, `local.v`, `[for v in response.body.l : upper(v)][0]`, `join(",", response.body.l)`,
		`coalesce(null, response.body.v)`, `response.body.v == "" ? "a" : "b"`, `merge({}, response.body).v`, `one([response.body.v])`,
		`{ for k, v in response.body : k => v }.v`, `response.body.l[*][0]`, `regex("^(.)", response.body.v)[0]`, `base64encode(response.body.v)`,
	} {
		w := newWorld(t, acme(output("v", cty.String, from), func(d *described.Definition) {
			d.Locals = []described.Local{{Name: "v", Expr: x(`response.body.v`)}}
		})).answer("/login", canned{status: 200, body: `{"token":"x","v":"e\u0301","l":["e\u0301"]}`})
		token := w.mustLogin()
		if token.Outputs["v"] != nil {
			t.Errorf("%s: %q", from, token.Outputs["v"])
			continue
		}
		_, err := w.verify(token)
		wantError(t, err, failure.Config, none)
	}
}

// A description is corrected without another login.
func TestAFailedOutputIsTakenAgain(t *testing.T) {
	right := func(d *described.Definition) {
		d.Login.Outputs[0].Expr = x(`responses.first.body.org.id`)
	}
	steps := func(d *described.Definition) {
		first := d.Login.Requests[0]
		first.Label = "first"
		first.Path = x(`"/first"`)
		d.Login.Requests = []described.Request{first, d.Login.Requests[0]}
	}
	wrong := acme(steps, output("org", cty.String, `responses.first.body.org`), output("late", cty.String, `response.body.late`))
	w := newWorld(t, wrong).answer("/login", canned{status: 200, body: `{"token":"canary-token-2","late":"yes"}`}).
		answer("/first", canned{status: 200, body: `{"org":{"id":147573952589676412929}}`, header: map[string]string{"X-A": "1"}})
	token := w.mustLogin()
	if token.Outputs["late"] != "yes" || token.Outputs["org"] != nil {
		t.Error(token.Outputs)
	}
	w.hidden(fmt.Sprintf("%v %+v %#v", token, token, token))

	repaired := newWorld(t, acme(steps, output("org", cty.String, ``+`responses.first.body.org`), output("late", cty.String, `response.body.late`), right)).
		answer("/me", canned{status: 200, body: `{}`})
	got, err := repaired.verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(credential.Outputs{"org": "147573952589676412929"}, got); diff != "" {
		t.Error(diff)
	}
	// A refresh does not lose it.
	refreshed := newWorld(t, acme(steps, withRefresh, output("org", cty.String, `"o"`), output("late", cty.String, `"l"`))).
		answer("/refresh", canned{status: 200, body: `{"token":"y"}`})
	token.Refresh = credential.NewSecret("canary-r")
	next, err := refreshed.refresh(token)
	if err != nil || next.Answers.IsZero() || next.Outputs["late"] != "yes" {
		t.Errorf("%v, %v", next, err)
	}
	if got, err := repaired.verify(next); err != nil || got["org"] != "147573952589676412929" {
		t.Errorf("%v, %v", got, err)
	}
	token.Answers = credential.NewSecret("{")
	_, err = repaired.verify(token)
	wantError(t, err, failure.Config, none)
}

// What a token is good without does not make it bad.
func TestAnOptionalOutputIsLeftOutWithAWarning(t *testing.T) {
	w := newWorld(t, acme(output("role", cty.String, `response.body.role`), func(d *described.Definition) {
		d.Login.Outputs[0].Optional = true
	})).answer("/login", canned{status: 200, body: `{"token":"x","role":["a"]}`}).answer("/me", canned{status: 200, body: `{}`})
	token := w.mustLogin()
	if _, ok := token.Outputs["role"]; ok || !token.Answers.IsZero() || len(token.Warnings) != 1 ||
		!strings.Contains(token.Warnings[0], `The output "role" (acme.hcl:7) was left out: string is declared`) {
		t.Errorf("%v, %q", token.Outputs, token.Warnings)
	}
	if _, err := w.verify(token); err != nil {
		t.Error(err)
	}
}

func TestSensitiveOutputs(t *testing.T) {
	w := newWorld(t, acme(output("key", cty.String, `response.body.key`), func(d *described.Definition) {
		d.Outputs[0].Sensitive = true
		d.Errors = []described.ErrorBlock{{Name: "e", When: x(`response.status == 400`), Class: failure.Config, Message: x(`response.body.m`)}}
	})).answer("/login", canned{status: 200, body: `{"token":"x","key":"canary-key"}`}).
		answer("/me", canned{status: 400, body: `{"m":"no canary-key"}`})
	token := w.mustLogin()
	if s, ok := token.Outputs["key"].(credential.Secret); !ok || s.Reveal() != "canary-key" {
		t.Errorf("%v", token.Outputs)
	}
	_, err := w.verify(token)
	wantError(t, err, failure.Config, none, "not shown")
}

func TestRefreshableUntil(t *testing.T) {
	w := newWorld(t, acme(withRefresh, func(d *described.Definition) {
		d.Login.RefreshableFor = x(`"365d"`)
		d.Refresh.RefreshExpiresIn = x(`try(response.body.rei, null)`)
		d.Refresh.Lifetime = nil
	})).answer("/login", canned{status: 200, body: `{"token":"x","refresh":"r1"}`}).
		answer("/refresh", canned{status: 200, body: `{"token":"y"}`}, canned{status: 200, body: `{"token":"z","rei":60,"refresh":"r2"}`})
	token := w.mustLogin()
	end := w.now.Add(365 * 24 * time.Hour)
	if !token.RefreshableUntil.Equal(end) || token.Refresh.Reveal() != "r1" {
		t.Errorf("%+v", token)
	}
	w.now = w.now.Add(time.Hour)
	second, err := w.refresh(token)
	if err != nil {
		t.Fatal(err)
	}
	// The lifetime is the login's.
	if !second.RefreshableUntil.Equal(end) || second.Refresh.Reveal() != "r1" ||
		!second.ExpiresAt.Equal(w.now.Add(time.Hour)) {
		t.Errorf("%+v", second)
	}
	third, err := w.refresh(second)
	if err != nil || !third.RefreshableUntil.Equal(w.now.Add(time.Minute)) || third.Refresh.Reveal() != "r2" {
		t.Errorf("%+v, %v", third, err)
	}
}
