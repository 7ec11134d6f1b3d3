package answers

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/credsync/credsync/sandbox"
)

// operation is what is asked of an upstream.
type operation string

const (
	opLogin     operation = "login"
	opRefresh   operation = "refresh"
	opCheck     operation = "check"
	opSendCode  operation = "send code"
	opEnterCode operation = "enter code"
)

// upstreamKind is one of the upstreams, as its document describes it. None of it is taken
// from the provider or from the emulator.
type upstreamKind struct {
	name string
	// account is the account block without base_url; $SECRET is the password or the token.
	account string
	// static says that the token stands in the configuration.
	static bool
	// revokes says that a login ends the token before it.
	revokes bool
	// due is for how long a token is left alone.
	due time.Duration
	// operationOf tells what a request asks for.
	operationOf func(r *http.Request, body string) operation
	// good is the answer to an operation that succeeds, with that status and token.
	good func(op operation, status int, token string, now time.Time) string
	// refusal is what the document has for wrong credentials, at that status.
	refusal func(status int) string
	// tryAgain is what the document has for a fault that passes.
	tryAgain func(status int) string
	// inner is a refusal that is a success by its status; "" where none can be.
	inner string
	// refuses reports whether the document calls a status with such a body a refusal of an
	// operation for who asks, and not for how; again, whether it says to try again.
	refuses func(op operation, status int, says content) bool
	again   func(op operation, status int, documented, page bool) bool
}

// upstreams are all of them, those with most cells first.
var upstreams = []upstreamKind{bifitKassa, sagi, invoicebox, astanaPlat, bereke}

func never(operation, int, bool, bool) bool { return false }

func oauthError(word string) func(int) string {
	return func(int) string { return fmt.Sprintf(`{"error":%q,"error_description":"Описание"}`, word) }
}

var invoicebox = upstreamKind{
	name: "invoicebox", static: true, due: time.Hour,
	account:     `token = "$SECRET"`,
	operationOf: func(*http.Request, string) operation { return opCheck },
	good: func(operation, int, string, time.Time) string {
		return `{"data":{"userId":"01771533-8e75-3234-8e3d-9213ae2d7c52","profile":"Имя"}}`
	},
	refusal:  func(int) string { return `{"error":{"message":"Нет доступа","code":"x"}}` },
	tryAgain: func(int) string { return `{"error":{"message":"later","code":"x"}}` },
	inner:    `{"data":{"userId":null}}`,
	refuses: func(_ operation, status int, says content) bool {
		// Whatever the documented error says in words.
		return (says == refusal || says == tryAgain) && (status == 401 || status == 403)
	},
	again: never,
}

var sagi = upstreamKind{
	name: "sagi", due: 29 * 24 * time.Hour,
	account: "phone = \"business_user@example.com\"\n  password = \"$SECRET\"",
	operationOf: func(r *http.Request, _ string) operation {
		switch {
		case strings.HasSuffix(r.URL.Path, "/business"):
			return opLogin
		case strings.HasSuffix(r.URL.Path, "/refresh_token"):
			return opRefresh
		}
		return opCheck
	},
	good: func(op operation, _ int, token string, now time.Time) string {
		expire := now.Add(30 * 24 * time.Hour).Format(time.RFC3339)
		switch op {
		case opLogin:
			return fmt.Sprintf(`{"access_token":%q,"expire":%q,"muted":false,"organization":{"id":1231456789,"role":"Роль","branches":[9876543210987654321]}}`, token, expire)
		case opRefresh:
			return fmt.Sprintf(`{"access_token":%q,"expire":%q,"note":"Имя"}`, token, expire)
		}
		return `{"id":9876543210987654321,"group_id":17,"name":"Филиал"}`
	},
	refusal: func(status int) string {
		return fmt.Sprintf(`{"code":%d,"message":"Неверный логин","data":null}`, status)
	},
	tryAgain: func(status int) string { return fmt.Sprintf(`{"code":%d,"message":"failed creating token"}`, status) },
	inner:    `{"code":401,"message":"Неверный логин","data":null}`,
	refuses: func(op operation, status int, _ content) bool {
		return status == 401 || status == 403 || op == opCheck && status == 404
	},
	again: func(op operation, status int, documented, page bool) bool {
		return !page && (status >= 500 || documented && status == 404 && op != opCheck)
	},
}

var bifitKassa = upstreamKind{
	name: "bifit_kassa", due: 9 * time.Hour,
	account: "username = \"79001234567\"\n  password = \"$SECRET\"\n  verify_path = \"/organizations\"",
	operationOf: func(r *http.Request, body string) operation {
		switch {
		case strings.HasSuffix(r.URL.Path, "/mfa"):
			return opSendCode
		case strings.Contains(body, "grant_type=password"):
			return opLogin
		case strings.Contains(body, "grant_type=refresh_token"):
			return opRefresh
		case strings.Contains(body, "grant_type=mfa"):
			return opEnterCode
		}
		return opCheck
	},
	good: func(op operation, _ int, token string, _ time.Time) string {
		switch op {
		case opSendCode:
			return "123456789"
		case opCheck:
			return `[{"name":"Имя"}]`
		}
		return fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","refresh_token":"r-%s","expires_in":43199,"scope":"read write","user_id":4567,"name":"Имя"}`, token, token)
	},
	refusal: oauthError("invalid_grant"), tryAgain: oauthError("temporarily_unavailable"),
	refuses: func(op operation, status int, says content) bool {
		return says == refusal && (op == opLogin && status == 400 || op == opRefresh && status == 400 || status == 401)
	},
	again: never,
}

var bereke = upstreamKind{
	name: "bereke", due: time.Hour,
	account:     fmt.Sprintf("username = \"test\"\n  password = \"$SECRET\"\n  public_key = %q", sandbox.BerekePublicKey(0)),
	operationOf: func(*http.Request, string) operation { return opLogin },
	good: func(_ operation, _ int, token string, _ time.Time) string {
		return fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":86400,"user_id":111111111111,"role":"ANONYMOUS","customers":[{"id":"111111","name":"ТОО Тест"}],"possible_chains":[],"is_password_change":false}`, token)
	},
	refusal: oauthError("invalid_grant"), tryAgain: oauthError("temporarily_unavailable"),
	refuses: func(_ operation, status int, says content) bool {
		return status == 401 && says != words || status == 400 && says == refusal
	},
	again: never,
}

var astanaPlat = upstreamKind{
	name: "astana_plat", revokes: true, due: time.Hour,
	account:     "login = \"login\"\n  password = \"$SECRET\"\n  token_ttl = \"24h\"",
	operationOf: func(*http.Request, string) operation { return opLogin },
	good: func(_ operation, status int, token string, _ time.Time) string {
		return fmt.Sprintf(`{"statusCode":%d,"message":"Токен создан","data":{"token":%q}}`, status, token)
	},
	refusal: func(status int) string {
		said := "Incorrect credentials"
		if status == 400 {
			said = "User with given credentials not found"
		}
		return fmt.Sprintf(`{"statusCode":%d,"message":%q,"note":"Имя"}`, status, said)
	},
	tryAgain: func(status int) string { return fmt.Sprintf(`{"statusCode":%d,"message":"Error. Try later"}`, status) },
	inner:    `{"statusCode":422,"message":"Incorrect credentials","note":"Имя"}`,
	refuses: func(_ operation, status int, says content) bool {
		return says == refusal && (status == 422 || status == 400)
	},
	again: func(_ operation, status int, documented, page bool) bool {
		return !page && status == 500 || documented && status == 400
	},
}

// echo is an error whose message is what was sent.
func (u *upstreamKind) echo(sent string) string {
	if u.static {
		return fmt.Sprintf(`{"error":{"message":%q,"code":"x"}}`, sent)
	}
	return fmt.Sprintf(`{"message":%q,"error_description":%q}`, sent, sent)
}
