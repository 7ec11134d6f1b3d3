package config_test

import (
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema/functions"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

func token() credential.Token {
	return credential.Token{
		Access: credential.NewSecret("tok<&>en"), Refresh: credential.NewSecret("refresh"),
		ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)),
		Outputs: credential.Outputs{
			"group_id": "123456789012345678901234567890", "muted": true, "branches": []string{"b<1>", "b2"},
			"customers": []map[string]string{{"name": "N & M", "id": "1"}},
		},
	}
}

// rendered is what a deliver block with that data gives, revealed.
func rendered(t *testing.T, data string, tok credential.Token) map[string]string {
	t.Helper()
	if data != "" {
		data = "data = " + data
	}
	c := load(t, vaultSink+"account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n "+data+"\n }\n}\n")
	secrets, list := c.Accounts[0].Deliveries[0].Render(tok)
	if len(list) > 0 {
		t.Fatal(text(list))
	}
	got := map[string]string{}
	for k, v := range secrets {
		got[k] = v.Reveal()
	}
	return got
}

func TestRender(t *testing.T) {
	cases := map[string]struct {
		data string
		tok  credential.Token
		want map[string]string
	}{
		"default": {"", token(), map[string]string{
			"access_token": "tok<&>en", "expires_at": "2026-01-02T02:04:05Z", "group_id": "123456789012345678901234567890", "muted": "true",
			"branches": `["b<1>","b2"]`, "customers": `[{"id":"1","name":"N & M"}]`,
		}},
		"default, nothing said": {
			"",
			credential.Token{Access: credential.NewSecret("t")},
			map[string]string{"access_token": "t"},
		},
		"empty lists": {
			"",
			credential.Token{
				Access:  credential.NewSecret("t"),
				Outputs: credential.Outputs{"branches": []string{}, "muted": false},
			},
			map[string]string{"access_token": "t", "branches": "[]", "muted": "false"},
		},
		"refresh token asked": {`{ R = token.refresh_token }`, token(), map[string]string{"R": "refresh"}},
		"null left out": {
			`{ R = token.refresh_token, E = token.expires_at, A = token.access_token }`,
			credential.Token{Access: credential.NewSecret("t")},
			map[string]string{"A": "t"},
		},
		"of the account": {
			`{ A = "${account.address} ${account.provider} ${account.name}" }`,
			token(),
			map[string]string{"A": "account.bank.a bank a"},
		},
		"numbers and objects": {
			`{ N = 12345678901234567890, F = 1.5, O = { z = 1, a = [true, null] } }`,
			token(),
			map[string]string{"N": "12345678901234567890", "F": "1.5", "O": `{"a":[true,null],"z":1}`},
		},
		"computed keys": {
			`{ for c in token.customers : c.id => c.name }`,
			token(),
			map[string]string{"1": "N & M"},
		},
		"a file in one key": {
			`{ "config.json" = jsonencode({ token = token.access_token }) }`,
			credential.Token{Access: credential.NewSecret("t")},
			map[string]string{"config.json": `{"token":"t"}`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, rendered(t, tc.data, tc.tok)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRenderOfUnreadDataIsAnError(t *testing.T) {
	c := load(
		t,
		vaultSink+"data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = { X = data.vault.in.x }\n }\n}\n",
	)
	if got, list := c.Accounts[0].Deliveries[0].Render(token()); !list.HasErrors() || got != nil ||
		list[0].Address != "account.bank.a" {
		t.Errorf("got %v, %s", got, text(list))
	}
}

func TestRenderMayBeCalledConcurrently(t *testing.T) {
	c := load(t, vaultSink+"account \"bank\" \"a\" {\n for_each = toset([\"x\", \"y\"])\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = each.key\n data = { X = token.branches[*], Y = parseint(token.group_id, 10) }\n }\n}\n")
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			tok := token()
			if i%4 == 0 {
				tok.Outputs = credential.Outputs{"group_id": "not a number"}
			}
			got, list := c.Accounts[i%2].Deliveries[0].Render(tok)
			if list.HasErrors() != (i%4 == 0) || !list.HasErrors() && got["X"].Reveal() != `["b<1>","b2"]` {
				t.Errorf("%v %s", got, text(list))
			}
		})
	}
	group.Wait()
}

func TestTokenObjectMarksWhatIsSecretAndHasEveryOutput(t *testing.T) {
	v := config.TokenObject(bank(), token())
	for _, o := range bank().Outputs {
		field := v.GetAttr(o.Name)
		if field.HasMark(functions.Sensitive) != o.Sensitive {
			t.Errorf("%s: sensitive = %v", o.Name, !o.Sensitive)
		}
		if !field.Type().Equals(o.Type) {
			t.Errorf("%s has type %#v", o.Name, field.Type())
		}
	}
	wrong := config.TokenObject(bank(), credential.Token{Outputs: credential.Outputs{"branches": "x", "customers": []map[string]string{{"id": "1"}}}})
	if name := wrong.GetAttr("customers").Index(cty.Zero).GetAttr("name"); !name.IsNull() {
		t.Errorf("a name that was not said is %#v", name)
	}
	for _, name := range []string{"access_token", "refresh_token", "expires_at", "branches"} {
		if field, _ := wrong.GetAttr(name).Unmark(); !field.IsNull() {
			t.Errorf("%s = %#v, want null", name, field)
		}
	}
	if bad := wrong.GetAttr("group_id"); bad.Type() != cty.String {
		t.Error("group_id is no string")
	}
}

// Without data no expression is evaluated; what is written must not tell.
func TestRenderWithoutDataIsThatOfAllOutputs(t *testing.T) {
	decomposed := token()
	decomposed.Outputs["group_id"] = "e\u0301"
	empty := token()
	empty.Outputs = credential.Outputs{"group_id": "", "branches": []string{}}
	odd := token()
	odd.ExpiresAt = time.Time{}
	odd.Outputs = credential.Outputs{"group_id": true, "muted": "yes", "branches": "b"}
	for name, tok := range map[string]credential.Token{
		"a token": token(), "decomposed": decomposed, "empty": empty, "of other types": odd, "bare": {Access: credential.NewSecret("t")},
	} {
		want := rendered(t, `{ for name, value in token : name => value if name != "refresh_token" }`, tok)
		if got := rendered(t, "", tok); !cmp.Equal(got, want) {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
	}
}
