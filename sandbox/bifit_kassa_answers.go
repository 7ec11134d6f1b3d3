package sandbox

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// bifitToken answers a token request of any grant type.
func bifitToken(c *call) reply {
	fields := form(c.body)
	a := c.account
	if a == nil {
		if c.op == OpRefresh {
			return bifitDenied("Invalid refresh token")
		}
		return bifitDenied("Bad credentials")
	}
	if id, secret := bifitClientOf(a); !equal(fields["client_id"], id) || !equal(fields["client_secret"], secret) {
		return bifitError(http.StatusUnauthorized, "invalid_client", "Bad client credentials")
	}
	if c.op == OpRefresh {
		return bifitRefreshed(c, c.tokens[fields["refresh_token"]])
	}
	return bifitLogin(c, fields)
}

func bifitLogin(c *call, fields map[string]string) reply {
	a := c.account
	second := cmp.Or(a.BifitKassa.MFAGrantType, bifitMFA)
	grant, hasCode := fields["grant_type"], fields["code"] != ""
	if grant != bifitPassword && grant != second {
		return bifitError(http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type")
	}
	if a.Locked {
		return bifitDenied("User account is locked")
	}
	if !equal(fields["password"], bifitHash(a)) {
		return bifitRejected(a, "Bad credentials")
	}
	if a.BifitKassa.SecondFactor {
		// With another grant type than the one it looks for them in, the
		// service sees no session and no code.
		if !hasCode || grant != second {
			return bifitError(http.StatusUnauthorized, "mfa_required", "Требуется многофакторная аутентификация")
		}
		open := a.openChallenge(fields["session_id"], c.now())
		if open == nil {
			return bifitDenied("Unknown or expired session")
		}
		if !equal(fields["code"], open.code) {
			return bifitRejected(a, "Wrong code")
		}
		open.used = true
	}
	a.rejectedInRow = 0
	return c.bifitIssue(c.now(), true)
}

// bifitRejected counts towards the lock.
func bifitRejected(a *account, description string) reply {
	a.rejected()
	return bifitDenied(description)
}

func bifitRefreshed(c *call, t *token) reply {
	if c.faulty(RevokedToken) {
		t.revoked = true
	}
	if t.spent {
		c.account.counters.SpentRefreshes++
	}
	if t.spent || !t.alive(c.now()) || c.account.Locked {
		return bifitDenied("Invalid refresh token")
	}
	t.spent = !c.account.BifitKassa.KeepRefresh
	return c.bifitIssue(t.loginAt, t.spent)
}

// bifitIssue makes an access token and, unless the old one goes on working, a
// refresh token.
func (c *call) bifitIssue(loginAt time.Time, withRefresh bool) reply {
	a := c.account
	lifetime := cmp.Or(time.Duration(a.TokenLifetime), bifitLifetime)
	var access string
	if a.BifitKassa.Opaque {
		access = c.issueOpaque(a, lifetime, loginAt).value
	} else {
		access, _ = c.issueJWT(a, lifetime, loginAt)
	}
	body := map[string]any{
		"access_token": access, "token_type": "bearer", "expires_in": int(lifetime.Seconds()),
		"scope": "read write", "user_id": a.BifitKassa.UserID,
	}
	if withRefresh {
		refresh := c.issueOpaque(a, cmp.Or(time.Duration(a.BifitKassa.RefreshLifetime), bifitRefreshLifetime), loginAt)
		refresh.refresh = true
		body["refresh_token"] = refresh.value
	}
	return reply{status: http.StatusOK, body: body}
}

// bifitSendCode sends an SMS. That it refuses accounts without a second factor
// is not documented.
func bifitSendCode(c *call) reply {
	a := c.account
	switch {
	case a == nil:
		return bifitError(http.StatusNotFound, "not_found", "User not found")
	case a.Locked:
		return bifitError(http.StatusBadRequest, "locked", "User account is locked")
	case !a.BifitKassa.SecondFactor:
		return bifitError(http.StatusBadRequest, "mfa_disabled", "The second factor is turned off")
	}
	expires := c.now().Add(cmp.Or(time.Duration(a.BifitKassa.SessionLifetime), bifitSessionLifetime))
	session := a.challenge(a.BifitKassa.Code, bifitCodeDigits, expires).session
	switch a.BifitKassa.SessionForm {
	case "number":
		return reply{status: http.StatusOK, body: json.Number(session)}
	case "string":
		return reply{status: http.StatusOK, body: session}
	case "object":
		return reply{status: http.StatusOK, body: map[string]any{"session_id": json.Number(session)}}
	}
	return reply{status: http.StatusOK, raw: session, rawType: "text/plain;charset=UTF-8"}
}

// bifitDeflated compresses an answer where the account says so and the client
// allows it.
func bifitDeflated(answer func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		r := answer(c)
		if c.account == nil || c.account.BifitKassa.Deflate == "" || !strings.Contains(c.r.Header.Get("Accept-Encoding"), "deflate") {
			return r
		}
		body, contentType := r.bytes()
		return reply{
			status: r.status, rejected: r.rejected, raw: deflated(body, c.account.BifitKassa.Deflate == "raw"),
			rawType: contentType, header: map[string]string{"Content-Encoding": "deflate"},
		}
	}
}

// deflated compresses to a zlib stream, which is what the encoding's name
// means, or to the raw one that some servers take it for.
func deflated(body []byte, raw bool) string {
	var b bytes.Buffer
	var w io.WriteCloser = zlib.NewWriter(&b)
	if raw {
		// Only a level that does not exist is an error.
		w, _ = flate.NewWriter(&b, flate.DefaultCompression)
	}
	_, _ = w.Write(body)
	_ = w.Close()
	return b.String()
}
