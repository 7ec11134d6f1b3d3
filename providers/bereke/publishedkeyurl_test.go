package bereke_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// bank is a sandbox, the queries that arrive at it, and a provider that gets
// the key from it.
type bank struct {
	*sandbox.Sandbox
	mu      sync.Mutex
	queries []string
	log     strings.Builder
	// answered is called at each request for the key that was answered.
	answered func()
	provider providers.Provider
}

func newBank(t *testing.T, attrs map[string]cty.Value) *bank {
	t.Helper()
	b := &bank{Sandbox: sandbox.New(sandbox.Options{Accounts: []sandbox.Account{account()}}), answered: func() {}}
	server := httptest.NewServer(b)
	pool := upstream.NewPool(upstream.PoolOptions{Pause: func(time.Duration) time.Duration { return 0 }})
	t.Cleanup(func() { pool.Close(); server.Close() })
	base := server.URL + "/bereke"
	all := map[string]cty.Value{
		"username": cty.StringVal(username), "password": cty.StringVal(password),
		"base_url": cty.StringVal(base), "public_key_url": cty.StringVal(base + "/auth/public-key"),
	}
	for name, v := range attrs {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			v = cty.StringVal(strings.ReplaceAll(v.AsString(), "{server}", server.URL))
		}
		all[name] = v
	}
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &b.log})
	client, err := pool.Client(upstream.Options{BaseURL: base, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	values := schema.NewValues(bereke.Spec().Block(), "", all, nil)
	if err := bereke.Spec().Check(values); err != nil {
		t.Fatal(err)
	}
	b.provider, err = bereke.Spec().New(values, providers.Env{Client: client, Now: time.Now, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		b.mu.Lock()
		b.queries = append(b.queries, r.URL.RawQuery)
		b.mu.Unlock()
	}
	b.Handler().ServeHTTP(w, r)
	if strings.HasSuffix(r.URL.Path, "/public-key") {
		b.answered()
	}
}

// sent returns how many logins and requests for the key arrived.
func (b *bank) sent() (logins, keys int) {
	for _, c := range b.AllCounters()["bereke"] {
		logins += c.Logins.Received
		keys += c.Keys.Received
	}
	return logins, keys
}

// A bank that wants the login in another form than the document's.
func TestLoginInAnotherForm(t *testing.T) {
	b := newBank(t, map[string]cty.Value{
		"base_url": cty.StringVal("{server}/bereke/auth"), "path": cty.StringVal("/oauth/token"),
		"grant_type": cty.StringVal("password"), "user_type": cty.StringVal("bank&user=1"),
	})
	b.Update("bereke", username, func(a *sandbox.Account) { a.Bereke.GrantType, a.Bereke.UserType = "password", "bank&user=1" })
	if _, err := b.provider.Login(t.Context()); err != nil {
		t.Error(err)
	}
	if v := b.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func (b *bank) add(t *testing.T, f sandbox.Fault) {
	t.Helper()
	if err := b.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

func TestPublishedKey(t *testing.T) {
	b := newBank(t, nil)
	for want := 1; want <= 2; want++ {
		if _, err := b.provider.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		if logins, keys := b.sent(); logins != want || keys != want {
			t.Errorf("%d logins and %d requests for the key, want %d of each", logins, keys, want)
		}
		// Between logins the key may change as it likes.
		b.RotateBerekeKey()
	}
	if v := b.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

// The bank's document does not say in which form the key is published.
func TestFormsOfPublishedKeys(t *testing.T) {
	for _, form := range []string{"pem", "string", "der", "der-string", "der-text", "jwk", "jwks"} {
		b := newBank(t, map[string]cty.Value{"public_key_url": cty.StringVal("{server}/bereke/auth/public-key/" + form)})
		if _, err := b.provider.Login(t.Context()); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if v := b.Violations(); len(v) > 0 {
			t.Error(v)
		}
	}
}

func TestFieldOfThePublishedKey(t *testing.T) {
	url := cty.StringVal("{server}/bereke/auth/public-key/nested")
	for field, ok := range map[string]bool{"": false, "data.key": true, "data": false, "data.other": false, "key": false, "data.key.more": false} {
		attrs := map[string]cty.Value{"public_key_url": url}
		if field != "" {
			attrs["public_key_field"] = cty.StringVal(field)
		}
		b := newBank(t, attrs)
		_, err := b.provider.Login(t.Context())
		if (err == nil) != ok {
			t.Errorf("%q: %v", field, err)
		}
		var e *failure.Error
		if errors.As(err, &e) && (e.Class != failure.Server || !strings.Contains(e.Advice, "public_key_field")) {
			t.Errorf("%q: %+v", field, e)
		}
	}
	dotted := newBank(t, map[string]cty.Value{"public_key_field": cty.StringVal("rsa.key")})
	text, err := json.Marshal(map[string]string{"rsa.key": sandbox.BerekePublicKey(0)})
	if err != nil {
		t.Fatal(err)
	}
	dotted.add(t, sandbox.Fault{Kind: sandbox.Status, Status: 200, Body: string(text), Op: sandbox.OpKey})
	if _, err := dotted.provider.Login(t.Context()); err != nil {
		t.Errorf("a name with a dot in it: %v", err)
	}
}

func TestKeyReplacedBetweenItsFetchAndTheLogin(t *testing.T) {
	b := newBank(t, nil)
	b.add(t, sandbox.Fault{Kind: sandbox.RotatedKey, Op: sandbox.OpLogin, Count: 1})
	token, err := b.provider.Login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, live := b.Live("bereke", token.Access.Reveal()); !live {
		t.Error("the bank does not know the token")
	}
	if logins, keys := b.sent(); logins != 2 || keys != 2 {
		t.Errorf("%d logins and %d requests for the key, want 2 of each", logins, keys)
	}
}

func TestRejectionIsNotTriedAgainUnlessTheKeyChanged(t *testing.T) {
	wrong := map[string]cty.Value{"password": cty.StringVal("another")}
	for _, c := range []struct {
		name    string
		attrs   map[string]cty.Value
		arrange func(*testing.T, *bank)
		class   failure.Class
		logins  int
		keys    int
	}{
		{"wrong password", wrong, nil, failure.Credentials, 1, 2},
		{"wrong password, and the key is gone by then", wrong, func(t *testing.T, b *bank) {
			b.answered = func() { b.add(t, sandbox.Fault{Kind: sandbox.Status, Status: 404, Op: sandbox.OpKey}) }
		}, failure.Credentials, 1, 2},
		{"wrong password, and the key is broken by then", wrong, func(t *testing.T, b *bank) {
			b.answered = func() {
				b.add(t, sandbox.Fault{Kind: sandbox.Status, Status: 200, Body: `{"key":"none"}`, Op: sandbox.OpKey})
			}
		}, failure.Credentials, 1, 2},
		{"the key changes at each login", nil, func(t *testing.T, b *bank) {
			b.add(t, sandbox.Fault{Kind: sandbox.RotatedKey, Op: sandbox.OpLogin})
		}, failure.Credentials, 2, 2},
		{"locked", nil, func(_ *testing.T, b *bank) {
			b.Update("bereke", username, func(a *sandbox.Account) { a.Locked = true })
		}, failure.Human, 1, 1},
		{"lost answer", nil, func(t *testing.T, b *bank) {
			b.add(t, sandbox.Fault{Kind: sandbox.DropAnswer, Op: sandbox.OpLogin})
		}, failure.Retryable, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t, c.attrs)
			if c.arrange != nil {
				c.arrange(t, b)
			}
			_, err := b.provider.Login(t.Context())
			if failure.ClassOf(err) != c.class {
				t.Errorf("got %v, want class %s", err, c.class)
			}
			if logins, keys := b.sent(); logins != c.logins || keys != c.keys {
				t.Errorf("%d logins and %d requests for the key, want %d and %d", logins, keys, c.logins, c.keys)
			}
		})
	}
}

func TestKeyThatCannotBeHad(t *testing.T) {
	answer := func(status int, body string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.Status, Status: status, Body: body}
	}
	for _, c := range []struct {
		name      string
		fault     sandbox.Fault
		class     failure.Class
		attribute string
	}{
		{"404", answer(404, `{}`), failure.Config, "public_key_url"},
		{"401", answer(401, ``), failure.Config, "public_key_url"},
		{"moved", sandbox.Fault{Kind: sandbox.Redirect, Status: 308, Location: "https://example.com/key?x=y"}, failure.Config, "public_key_url"},
		{"500", answer(500, `{}`), failure.Server, ""},
		{"503", answer(503, ``), failure.Retryable, ""},
		{"reset", sandbox.Fault{Kind: sandbox.Reset}, failure.Retryable, ""},
		{"HTML", sandbox.Fault{Kind: sandbox.HTML, Status: 200}, failure.Server, ""},
		{"no key", answer(200, `{}`), failure.Server, ""},
		{"null", answer(200, `{"key":null}`), failure.Server, ""},
		{"another type", answer(200, `{"key":{}}`), failure.Server, ""},
		{"no object", answer(200, `[]`), failure.Server, ""},
		{"a set of no keys", answer(200, `{"keys":[]}`), failure.Server, ""},
		{"a key of another kind", answer(200, `{"kty":"oct","k":"Y2FuYXJ5"}`), failure.Server, ""},
		{"no PEM", answer(200, `{"key":"canary"}`), failure.Server, ""},
		{"50 MB", sandbox.Fault{Kind: sandbox.Huge}, failure.Server, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t, nil)
			c.fault.Op = sandbox.OpKey
			b.add(t, c.fault)
			_, err := b.provider.Login(t.Context())
			var e *failure.Error
			if !errors.As(err, &e) || e.Class != c.class || e.Attribute != c.attribute || e.AnswerLost {
				t.Fatalf("got %+v, want class %s, attribute %q", e, c.class, c.attribute)
			}
			if e.Advice == "" || strings.Contains(e.Error(), "canary") || strings.Contains(e.Advice, "base_url") {
				t.Errorf("%v; %s", e, e.Advice)
			}
			if logins, _ := b.sent(); logins != 0 {
				t.Errorf("%d logins without a key", logins)
			}
		})
	}
}

func TestPublishedKeyTooSmallForTheLogin(t *testing.T) {
	b := newBank(t, map[string]cty.Value{"password": cty.StringVal(strings.Repeat("p", 246))})
	_, err := b.provider.Login(t.Context())
	var e *failure.Error
	if !errors.As(err, &e) || e.Class != failure.Config || e.Attribute != "public_key_url" || !strings.Contains(e.Message, "at most 245 bytes") {
		t.Errorf("got %v", err)
	}
	if logins, _ := b.sent(); logins != 0 {
		t.Error("a login was sent")
	}
}

// The query is the login: whoever has it can repeat it.
func TestEncryptedLoginIsNeverShown(t *testing.T) {
	for _, fault := range []sandbox.Fault{
		{}, {Kind: sandbox.Echo, Status: 400}, {Kind: sandbox.Echo, Status: 401}, {Kind: sandbox.Echo, Status: 423},
		{Kind: sandbox.Echo, Status: 500},
		{Kind: sandbox.Reset}, {Kind: sandbox.Truncated}, {Kind: sandbox.RateLimited},
		{Kind: sandbox.Redirect, Location: "/x?y"}, {Kind: sandbox.HTML},
		{Kind: sandbox.RotatedKey, Count: 1},
	} {
		t.Run(string(fault.Kind)+strconv.Itoa(fault.Status), func(t *testing.T) {
			b := newBank(t, nil)
			if fault.Kind != "" {
				fault.Op = sandbox.OpLogin
				b.add(t, fault)
			}
			_, err := b.provider.Login(t.Context())
			shown := b.log.String()
			if err != nil {
				var e *failure.Error
				errors.As(err, &e)
				shown += err.Error() + e.Advice + e.URL
			}
			if !strings.Contains(shown, "/auth/oauth/token") {
				t.Error("nothing is logged of the login at all")
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.queries) == 0 {
				t.Fatal("no login arrived")
			}
			for _, query := range b.queries {
				checkNoPiece(t, shown, query)
			}
			for _, secret := range []string{username, password, "username=", "grant_type"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is shown", secret)
				}
			}
		})
	}
}

// checkNoPiece looks for pieces of the encrypted values, in any letter case.
func checkNoPiece(t *testing.T, shown, query string) {
	t.Helper()
	shown = strings.ToLower(shown)
	for _, name := range []string{"username=", "password="} {
		_, value, _ := strings.Cut(query, name)
		value, _, _ = strings.Cut(strings.ToLower(value), "&")
		for i := 0; i+12 <= len(value); i++ {
			if strings.Contains(shown, value[i:i+12]) {
				t.Fatalf("a piece of the encrypted %s is shown", name)
			}
		}
	}
}
