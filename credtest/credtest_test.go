package credtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credtest"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
)

// acme is a good description, and good its tests.
const acme = `
upstream "acme" {
  base_url = "https://api.acme.example"
  attribute "login" { type = string }
  attribute "password" {
    type      = string
    sensitive = true
  }
  login {
    request "start" {
      method = "POST"
      path   = "/start"
      counts = false
      json   = {}
    }
    request "login" {
      method = "POST"
      path   = "/login"
      query  = { region = "eu" }
      header = { X-Nonce = responses.start.body.nonce }
      form   = { login = self.login, password = self.password }
    }
    access_token  = response.body.token
    refresh_token = try(response.body.refresh, null)
    expires_in    = response.body.expires_in
    outputs       = { id = response.body.id, tags = response.body.tags, active = response.body.active }
  }
  refresh {
    request {
      method = "POST"
      path   = "/refresh"
      json   = { refresh = token.refresh_token }
    }
    access_token = response.body.token
  }
  verify {
    request {
      path   = "/me"
      bearer = token.access_token
    }
  }
  error "locked" {
    when   = response.status == 423
    class  = "human"
    reason = "account_locked"
  }
  output "id" {
    type      = string
    sensitive = false
  }
  output "tags" {
    type      = list(string)
    sensitive = false
  }
  output "active" {
    type      = bool
    sensitive = false
  }
}
`

const acmeTests = `
test "login" {
  upstream   = "acme"
  attributes = { login = "shop", password = "hunter2-x" }
  answer "login" {
    json = { token = "t1", refresh = "r1", expires_in = 60, id = 77, tags = ["a"], active = true }
  }
  answer "start" {
    json = { nonce = "n1" }
  }
  expect {
    access_token  = "t1"
    refresh_token = "r1"
    expires_at    = "2026-05-01T12:01:00Z"
    requests      = 2
    outputs       = { id = "77", tags = ["a"], active = true }
    request = {
      method = "POST", path = "/login", url = "https://api.acme.example/login", query = { region = "eu" }
      header = { x-nonce = "n1", Accept = "application/json" }
      form   = { login = "shop", password = "hunter2-x", nothing = null }
      text   = "login=shop&password=hunter2-x"
    }
  }
}
test "locked" {
  upstream   = "acme"
  attributes = { login = "shop", password = "hunter2-x" }
  answer { json = { nonce = "n1" } }
  answer { status = 423 }
  expect {
    class  = "human"
    reason = "account_locked"
    error  = "locked"
  }
}
test "refresh" {
  upstream   = "acme"
  operation  = "refresh"
  attributes = { login = "shop", password = "hunter2-x" }
  token      = { access_token = "t0", refresh_token = "r0", id = "5" }
  answer { json = { token = "t2", expires_in = 60 } }
  expect {
    access_token  = "t2"
    refresh_token = "r0"
    request       = { json = { refresh = "r0" } }
    outputs       = { id = "5" }
  }
}
test "verify" {
  upstream   = "acme"
  operation  = "verify"
  attributes = { login = "shop", password = "hunter2-x" }
  answer { json = {} }
  expect {}
}
`

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func run(t *testing.T, upstreams, tests string) *credtest.Report {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"acme.hcl": upstreams, "acme.credtest.hcl": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clock := credtest.NewClock(func() time.Time { return noon })
	suite, problems := config.LoadUpstreamTests(t.Context(), config.Options{
		Path: dir, Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry(), Now: clock.Now,
	})
	for _, d := range problems {
		t.Fatalf("%v: %s: %s", d.Range, d.Summary, d.Detail)
	}
	report, err := credtest.Run(t.Context(), suite, clock)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Without a fixed time no signature can be compared, nor an expiry that counts from now.
func TestATestSaysWhatTimeItIs(t *testing.T) {
	const signed = `
upstream "acme" {
  base_url = "https://api.acme.example"
  attribute "secret" {
    type      = string
    sensitive = true
  }
  login {
    request {
      path   = "/token"
      header = { T = tostring(unixtime()), Sign = hmacsha256(timestamp(), self.secret) }
    }
    access_token = response.body.token
    expires_in   = 3600
  }
  verify { by = "answer" }
}
`
	const test = `
test "signed" {
  upstream   = "acme"
  now        = "2026-01-31T20:04:05+05:00"
  attributes = { secret = "made-up-6021" }
  answer { json = { token = "t0k3n-made-up" } }
  expect {
    expires_at = "2026-01-31T16:04:05Z"
    request    = { header = { T = "1769871845", Sign = "SIGN" } }
  }
}
test "by the machine's clock" {
  upstream   = "acme"
  attributes = { secret = "made-up-6021" }
  answer { json = { token = "t0k3n-made-up" } }
  expect {
    expires_at = "2026-05-01T13:00:00Z"
    request    = { header = { T = "1777636800" } }
  }
}
`
	mac := hmac.New(sha256.New, []byte("made-up-6021"))
	mac.Write([]byte("2026-01-31T15:04:05Z"))
	report := run(t, signed, strings.Replace(test, "SIGN", hex.EncodeToString(mac.Sum(nil)), 1))
	for _, f := range failures(report) {
		t.Error(f)
	}
}

// failures are all that a report says is wrong.
func failures(r *credtest.Report) (all []string) {
	for _, result := range r.Tests {
		for _, f := range result.Failures {
			all = append(all, result.Name+": "+f)
		}
	}
	for _, h := range r.Hostile {
		all = append(all, h.Failures...)
	}
	for _, u := range r.Unmatched {
		all = append(all, "unmatched "+u.Name+" at "+filepath.Base(u.Place))
	}
	for _, u := range r.Untested {
		all = append(all, "untested "+u)
	}
	return all
}

func TestAGoodDescriptionPasses(t *testing.T) {
	r := run(t, acme, acmeTests)
	if got := failures(r); !r.Passed() || got != nil {
		t.Errorf("%q", got)
	}
	var operations []string
	for _, h := range r.Hostile {
		operations = append(operations, h.Operation)
		if h.Answers < 20 {
			t.Errorf("%s: %d hostile answers", h.Operation, h.Answers)
		}
	}
	if !slices.Equal(operations, []string{"login", "refresh", "verify"}) || len(r.Tests) != 4 {
		t.Errorf("%q, %d tests", operations, len(r.Tests))
	}
}

// Each expectation can fail, and says which it was.
func TestWhatIsNotAsExpectedIsSaid(t *testing.T) {
	for change, want := range map[string]string{
		`access_token  = "t1" => access_token = "t9"`:                        `access_token is not as expected`,
		`refresh_token = "r1" => refresh_token = "r9"`:                       `refresh_token is not as expected`,
		`"2026-05-01T12:01:00Z" => "2026-05-01T13:00:00Z"`:                   `expires_at is 2026-05-01T12:01:00Z, want 2026-05-01T13:00:00Z`,
		`"2026-05-01T12:01:00Z" => "noon"`:                                   `expires_at in expect is not a time`,
		`requests      = 2 => requests = 1`:                                  `2 requests were sent, want 1`,
		`outputs       = { id = "77", => outputs = { id = "78",`:             `output "id" is not as expected`,
		`outputs       = { id = "77", => outputs = { other = "", id = "77",`: `there is no output block for "other"`,
		`tags = ["a"], active = true }
    request => tags = ["b"], active = true }
    request`: `output "tags" is not as expected`,
		`method = "POST", path => method = "PUT", path`:                           `the request's method is not as expected: it is POST`,
		`path = "/login", => path = "/logon",`:                                    `the request's path is not as expected: it is /login`,
		`url = "https://api => url = "https://apx`:                                `the request's url is not as expected: it is https://api.acme.example/login`,
		`query = { region = "eu" } => query = { region = "us" }`:                  `the request's query "region" is not as expected`,
		`x-nonce = "n1" => x-nonce = "n2"`:                                        `the request's header "x-nonce" is not as expected`,
		`login = "shop", password = "hunter2-x", nothing => login = "x", nothing`: `the request's form "login" is not as expected`,
		`nothing = null => password = null`:                                       `the request's form has "password", which must be absent`,
		`text   = "login=shop&password=hunter2-x" => text = "x"`:                  `the request's text is not as expected`,
		`text   = "login=shop&password=hunter2-x" => body = "x"`:                  `a request has no "body"`,
		`json = { refresh = "r0" } => json = { refresh = "r1" }`:                  `the request's json is not as expected`,
		`class  = "human" => class = "config"`:                                    `class is "human", want "config"`,
		`reason = "account_locked" => reason = "no_access"`:                       `reason is "account_locked", want "no_access"`,
		`error  = "locked" => error = "blocked"`:                                  `error block "blocked" does not match, but "locked" does`,
		`answer { status = 423 } => answer { status = 200 }`:                      `class is "server", want "human"`,
		`answer { json = { nonce = "n1" } }
  answer { status = 423 } => answer { json = { nonce = "n1" } }`: `request 2 "login" has no answer block`,
		`answer { json = {} } => answer { json = {} }
  answer { status = 201 }`: `the answer block with status 201 was not asked for`,
		`expect {} => expect { class = "server" }`:                          `it succeeded, want class "server"`,
		`attributes = { login = "shop", => attributes = { logins = "shop",`: `the accounts of this upstream have no attribute "logins"`,
		`attributes = { login = "shop", password = "hunter2-x" }
  answer "login" => attributes = { login = "shop" }
  answer "login"`: `attributes: password is required`,
		`token      = { access_token = "t0", => token = { idd = "x",`: `token: there is no output block for "idd"`,
		`operation  = "verify" => operation = "revoke"`:               `the upstream block has no revoke block`,
	} {
		from, to, ok := strings.Cut(change, " => ")
		if !ok || !strings.Contains(acmeTests, from) {
			t.Fatalf("%q is not in the tests", from)
		}
		r := run(t, acme, strings.Replace(acmeTests, from, to, 1))
		got := strings.Join(failures(r), "\n")
		if r.Passed() || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", change, got, want)
		}
		if strings.Contains(got, "hunter2-x") {
			t.Errorf("%q: the password is shown: %q", change, got)
		}
	}
}

// A test says of a client certificate what expressions see of it.
func TestACertificateOfATest(t *testing.T) {
	const upstream = `
upstream "acme" {
  base_url           = "https://api.acme.example"
  client_certificate = "optional"
  login {
    request {
      method = "POST"
      path   = "/login"
      json   = { by = self.certificate == null ? "nothing" : "certificate" }
    }
    access_token = response.body.token
    lifetime     = "1h"
    outputs      = { until = try(self.certificate.expires_at, "never") }
  }
  verify { by = "answer" }
  output "until" {
    type      = string
    sensitive = false
  }
}
`
	const test = `
test "login" {
  upstream   = "acme"
  attributes = {}
  answer { json = { token = "t1" } }
  expect {
    outputs = { until = "UNTIL" }
    request = { method = "POST", json = { by = "BY" } }
  }
}
`
	const given = `{ certificate = { expires_at = "2031-02-03T04:05:06Z" } }`
	for attributes, want := range map[string][2]string{
		`{}`:                    {"never", "nothing"},
		given:                   {"2031-02-03T04:05:06Z", "certificate"},
		`{ certificate = {} }`:  {"2049-12-31T23:59:59Z", "certificate"},
		`{ certificate = "x" }`: {},
		`{ certificate = { expires_at = "soon" } }`: {},
		`{ certificate = { key_pem = "x" } }`:       {},
	} {
		r := run(t, upstream, strings.NewReplacer("{}\n  answer", attributes+"\n  answer", "UNTIL", want[0], "BY", want[1]).Replace(test))
		if got := strings.Join(failures(r), "\n"); r.Passed() != (want[0] != "") || !r.Passed() && !strings.Contains(got, "attributes: certificate: ") {
			t.Errorf("%s: %s", attributes, got)
		}
	}
}

// What a description does to its users is found without a test that looks for it.
func TestBadDescriptionsAreFound(t *testing.T) {
	for change, want := range map[string]string{
		// Every answer that is not understood counts as a wrong password.
		`error "locked" { => error "wrong" {
    on    = ["login"]
    when  = !can(response.body.token)
    class = "credentials"
  }
  error "locked" {`: `the credentials count as rejected, by the error block "wrong", although the upstream has not said so`,
		// Statuses of gateways, too.
		`error "locked" { => error "any" {
    on    = ["refresh"]
    when  = response.status != 423
    class = "credentials"
  }
  error "locked" {`: `to refresh: the credentials count as rejected, by the error block "any"`,
		`error "locked" { => error "dead" {
    when  = response.status == 410
    class = "config"
  }
  error "locked" {`: "unmatched dead at acme.hcl:",
	} {
		from, to, _ := strings.Cut(change, " => ")
		r := run(t, strings.Replace(acme, from, to, 1), acmeTests)
		if got := strings.Join(failures(r), "\n"); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := failures(run(t, acme, "")); !slices.Equal(got, []string{"untested acme"}) {
		t.Errorf("%q", got)
	}
}
