package lockout

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sandbox"
)

// refusalRow is one row of an upstream's table of errors.
type refusalRow struct {
	upstream, name string
	// change makes the upstream refuse; faults have it answer so.
	change func(*sandbox.Account)
	faults []sandbox.Fault
	// prepare does whatever else there is to do there.
	prepare func(*sandbox.Sandbox)
	// attributes replace those of attributes.
	attributes string
	// secret is the first one configured; the right one if "".
	secret string
	// certificate logs in with a client certificate of this kind.
	certificate func(now time.Time) sandbox.ClientCertificate
	// handshakes says that connections are attempts: no request gets through.
	handshakes bool
	// started says that there is a token, which has become due.
	started bool
	due     time.Duration

	// reason is what the account is then blocked for.
	reason plan.Reason
	// first is how many attempts any number of applies make; again is what each
	// lift allows.
	first, again int
}

// accounts are the sandbox's that are used, right their secrets.
var (
	accounts = map[string]string{
		"invoicebox": "demo", "sagi": "business_user@example.com", "bereke": "test", "bifit_kassa": "79001234567", "astana_plat": "login",
	}
	right = map[string]string{
		"invoicebox": "b37c4c689295904ed21eee5d9a48d42e", "sagi": "secure_password", "bereke": "bank_password",
		"bifit_kassa": "secure_password", "astana_plat": "password",
	}
)

const (
	wrong = "0000000000000000000000000000beef"
	other = "000000000000000000000000deadbeef"
)

// attributes of the account blocks. $SECRET, $CERT and $KEY are HCL strings.
var attributes = map[string]string{
	"invoicebox":  "token = $SECRET",
	"sagi":        "phone = \"business_user@example.com\"\n  password = $SECRET",
	"bereke":      "username = \"test\"\n  password = $SECRET\n  public_key_url = \"$URL/auth/public-key\"",
	"bifit_kassa": "username = \"79001234567\"\n  password = $SECRET",
	"astana_plat": "login = \"login\"\n  password = $SECRET",
}

const byCertificate = "certificate {\n    cert_pem = $CERT\n    key_pem = $KEY\n  }\n  http {\n    ca_pem = $CA\n  }"

// account is the account block.
func (r refusalRow) account(base, secret string, pair [2]string, authority, deliver string) string {
	text := r.attributes
	switch {
	case text != "":
	case r.certificate != nil:
		text = byCertificate
	default:
		text = attributes[r.upstream]
	}
	quote := func(s string) string { return fmt.Sprintf("%q", s) }
	text = strings.NewReplacer("$URL", base, "$SECRET", quote(secret), "$CERT", quote(pair[0]), "$KEY", quote(pair[1]), "$CA", quote(authority), "$OLD",
		quote(sandbox.BerekePublicKey(0))).
		Replace(text)
	return fmt.Sprintf("account %q \"a\" {\n  base_url = %q\n  %s\n  %s\n}\n", r.upstream, base, text, deliver)
}

// use is the first secret.
func (r refusalRow) use() string {
	if r.secret != "" {
		return r.secret
	}
	return right[r.upstream]
}

const year = 365 * 24 * time.Hour

func locked(a *sandbox.Account) { a.Locked = true }

// answer has every login answered so.
func answer(status int, body string) []sandbox.Fault {
	return answerTo(sandbox.OpLogin, status, body)
}

func answerTo(op string, status int, body string) []sandbox.Fault {
	return []sandbox.Fault{{Kind: sandbox.Status, Op: op, Status: status, Body: body}}
}

// rememberedRefusals are the rows that mean: not again without a human, or without
// other credentials.
func rememberedRefusals() []refusalRow {
	rows := append(rememberedStatic(), rememberedSagi()...)
	rows = append(rows, rememberedBereke()...)
	rows = append(rows, rememberedBifit()...)
	return append(rows, rememberedAstana()...)
}

func rememberedStatic() []refusalRow {
	return []refusalRow{
		{upstream: "invoicebox", name: "401", secret: wrong, reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "invoicebox", name: "401 of a token for the other API", secret: "29078-API:" + wrong, reason: "credentials_rejected", first: 1, again: 1},
	}
}

func rememberedSagi() []refusalRow {
	const due = 29 * 24 * time.Hour
	return []refusalRow{
		{upstream: "sagi", name: "401 wrong password", secret: wrong, reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "sagi", name: "401 unknown user", attributes: "phone = \"nobody@example.com\"\n  password = $SECRET", reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "sagi", name: "401 wrong licence", attributes: attributes["sagi"] + "\n  license_key = \"expired\"", reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "sagi", name: "code 401 in a good answer", faults: answer(200, `{"code":401,"message":"invalid login or password"}`), reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "sagi", name: "403 locked account", change: locked, reason: "no_access", first: 1, again: 1},
		{upstream: "sagi", name: "404 branch", faults: answerTo(sandbox.OpVerify, 404, `{"code":404,"message":"branch not found"}`), reason: "no_access", first: 1, again: 1},
		{upstream: "sagi", name: "403 branch", faults: answerTo(sandbox.OpVerify, 403, `{"code":403,"message":"forbidden"}`), reason: "no_access", first: 1, again: 1},
		{upstream: "sagi", name: "no branches", change: func(a *sandbox.Account) { a.Sagi.Branches = nil }, reason: "no_access", first: 1, again: 1},
		{upstream: "sagi", name: "401 refresh, 401 login", started: true, due: due, change: func(a *sandbox.Account) { a.Password = "changed" },
			faults: answerTo(sandbox.OpRefresh, 401, `{"code":401,"message":"invalid token"}`), reason: "credentials_rejected", first: 2, again: 1},
		{upstream: "sagi", name: "403 refresh of a token that is due", started: true, due: due, change: locked, reason: "no_access", first: 1, again: 1},
		{upstream: "sagi", name: "403 refresh of a token that has expired", started: true, due: 31 * 24 * time.Hour, change: locked, reason: "no_access", first: 2, again: 1},
	}
}

func rememberedBereke() []refusalRow {
	return []refusalRow{
		{
			upstream: "bereke",
			name:     "401 invalid_grant",
			secret:   wrong,
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream:   "bereke",
			name:       "401 unknown user",
			attributes: strings.Replace(attributes["bereke"], `"test"`, `"nobody"`, 1),
			reason:     "credentials_rejected",
			first:      1,
			again:      1,
		},
		{
			upstream: "bereke",
			name:     "400 invalid_grant",
			faults:   answer(400, `{"error":"invalid_grant"}`),
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "401 with another body",
			faults:   answer(401, `{"message":"no"}`),
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "401 with no body",
			faults:   answer(401, ""),
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "401 while the key changes",
			secret:   wrong,
			faults:   []sandbox.Fault{{Kind: sandbox.RotatedKey, Op: sandbox.OpLogin, Count: 1}},
			reason:   "credentials_rejected",
			first:    2,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "401 while the key changes each time",
			secret:   wrong,
			faults:   []sandbox.Fault{{Kind: sandbox.RotatedKey, Op: sandbox.OpLogin}},
			reason:   "credentials_rejected",
			first:    2,
			again:    2,
		},
		{
			upstream:   "bereke",
			name:       "401 with a key that the bank has replaced",
			attributes: "username = \"test\"\n  password = $SECRET\n  public_key = $OLD",
			prepare:    (*sandbox.Sandbox).RotateBerekeKey,
			reason:     "credentials_rejected",
			first:      1,
			again:      1,
		},
		{upstream: "bereke", name: "423 locked account", change: locked, reason: "account_locked", first: 1, again: 1},
		{
			upstream: "bereke",
			name:     "400 that says locked",
			faults:   answer(400, `{"error":"x","error_description":"Пользователь заблокирован"}`),
			reason:   "account_locked",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "password has to change",
			change:   func(a *sandbox.Account) { a.Bereke.PasswordChange = true },
			reason:   "password_change_required",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "second factor",
			change:   func(a *sandbox.Account) { a.Bereke.PossibleChains = []string{"OTP"} },
			reason:   "second_factor_unsupported",
			first:    1,
			again:    1,
		},
		{
			upstream: "bereke",
			name:     "no customers",
			change:   func(a *sandbox.Account) { a.Bereke.Customers = nil },
			reason:   "no_access",
			first:    1,
			again:    1,
		},
	}
}

func rememberedBifit() []refusalRow {
	const due = 11 * time.Hour
	return []refusalRow{
		{upstream: "bifit_kassa", name: "400 invalid_grant", secret: wrong, reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "bifit_kassa", name: "400 unknown user", attributes: strings.Replace(attributes["bifit_kassa"], "79001234567", "79009999999", 1), reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "bifit_kassa", name: "401 invalid_grant", faults: answer(401, `{"error":"invalid_grant"}`), reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "bifit_kassa", name: "401 with another word", faults: answer(401, `{"error":"nonsense"}`), reason: "credentials_rejected", first: 1, again: 1},
		{upstream: "bifit_kassa", name: "locked account", change: locked, reason: "account_locked", first: 1, again: 1},
		{
			upstream: "bifit_kassa",
			name:     "423",
			faults:   answer(http.StatusLocked, `{"error":"x"}`),
			reason:   "account_locked",
			first:    1,
			again:    1,
		},
		{
			upstream: "bifit_kassa",
			name:     "403",
			faults:   answer(403, `{"error":"access_denied"}`),
			reason:   "no_access",
			first:    1,
			again:    1,
		},
		{
			upstream: "bifit_kassa",
			name:     "401 mfa_required",
			change:   func(a *sandbox.Account) { a.BifitKassa.SecondFactor = true },
			reason:   "needs_code",
			first:    1,
			again:    1,
		},
		{
			upstream: "bifit_kassa",
			name:     "invalid_grant refresh, 400 login",
			started:  true,
			due:      due,
			change:   func(a *sandbox.Account) { a.Password = "changed" },
			faults: answerTo(
				sandbox.OpRefresh,
				400,
				`{"error":"invalid_grant"}`,
			),
			reason: "credentials_rejected",
			first:  2,
			again:  1,
		},
		{
			upstream: "bifit_kassa",
			name:     "refresh and login of a locked account",
			started:  true,
			due:      due,
			change:   locked,
			reason:   "account_locked",
			first:    2,
			again:    1,
		},
		{upstream: "bifit_kassa", name: "403 refresh of a token that is due", started: true, due: due,
			faults: []sandbox.Fault{{Kind: sandbox.Status, Status: 403, Body: `{"error":"access_denied"}`}}, reason: "no_access", first: 1, again: 1},
		{upstream: "bifit_kassa", name: "403 refresh of a token that has expired", started: true, due: 13 * time.Hour,
			faults: []sandbox.Fault{{Kind: sandbox.Status, Status: 403, Body: `{"error":"access_denied"}`}}, reason: "no_access", first: 2, again: 1},
	}
}

func rememberedAstana() []refusalRow {
	demo := func(time.Time) sandbox.ClientCertificate { return sandbox.ClientCertificate{CommonName: "demo"} }
	valid := func(now time.Time) sandbox.ClientCertificate {
		return sandbox.ClientCertificate{CommonName: "demo", NotBefore: now.Add(-time.Hour), NotAfter: now.Add(year)}
	}
	expired := func(now time.Time) sandbox.ClientCertificate {
		return sandbox.ClientCertificate{CommonName: "demo", NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.Add(-time.Hour)}
	}
	return []refusalRow{
		{
			upstream: "astana_plat",
			name:     "422 wrong password",
			secret:   wrong,
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream:   "astana_plat",
			name:       "400 unknown user",
			attributes: strings.Replace(attributes["astana_plat"], `"login"`, `"nobody"`, 1),
			reason:     "credentials_rejected",
			first:      1,
			again:      1,
		},
		{
			upstream: "astana_plat",
			name:     "400 locked account",
			change:   locked,
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream: "astana_plat",
			name:     "422 after a token",
			started:  true,
			due:      58 * time.Minute,
			change:   func(a *sandbox.Account) { a.Password = "changed" },
			reason:   "credentials_rejected",
			first:    1,
			again:    1,
		},
		{
			upstream: "astana_plat",
			name:     "400 unknown certificate",
			certificate: func(time.Time) sandbox.ClientCertificate {
				return sandbox.ClientCertificate{CommonName: "nobody"}
			},
			reason: "credentials_rejected",
			first:  1,
			again:  1,
		},
		{
			upstream:    "astana_plat",
			name:        "400 certificate is outdated",
			certificate: demo,
			faults:      answer(400, `{"statusCode":400,"message":"Certificate is outdated. Please get fresh one."}`),
			reason:      "certificate_expired",
			first:       1,
			again:       1,
		},
		{
			upstream:    "astana_plat",
			name:        "handshake refused over an expired certificate",
			certificate: valid,
			handshakes:  true,
			prepare:     func(b *sandbox.Sandbox) { b.Advance(3 * year) },
			reason:      "certificate_expired",
			first:       1,
			again:       1,
		},
		{
			upstream:    "astana_plat",
			name:        "certificate that has expired here",
			certificate: expired,
			reason:      "certificate_expired",
			first:       0,
			again:       0,
		},
	}
}
