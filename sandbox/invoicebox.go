package sandbox

import (
	"net/http"
	"strings"
)

// InvoiceboxAccount is what the billing service knows of an account. Its
// token, Account.Token, belongs to API version l3 if it has "-API:" in it, and
// to v3 otherwise.
type InvoiceboxAccount struct {
	UserID string `json:"user_id"`
	// Forbidden accounts are answered 403.
	Forbidden bool `json:"forbidden,omitempty"`
}

// invoicebox is the billing service.
func invoicebox() emulator {
	auth := func(version string) route {
		return route{
			op:      OpVerify,
			pattern: "GET /" + version + "/security/api/auth/auth",
			rules: []rule{noQuery, noBody, header("Accept", "application/json"),
				header("User-Agent", `[A-Za-z0-9._-]+/[A-Za-z0-9._+-]+`), bearerOrAnonymous},
			owner:  invoiceboxOwner,
			answer: func(c *call) reply { return invoiceboxAuth(c, version) },
		}
	}
	return emulator{name: "invoicebox", routes: []route{auth("v3"), auth("l3")}}
}

// bearerOrAnonymous counts a request without a token as a violation, since no
// client should send one, but has it answered as documented.
func bearerOrAnonymous(c *call) {
	c.anonymous = len(c.violations) == 0 && len(c.r.Header.Values("Authorization")) == 0
	bearerForm()(c)
}

func invoiceboxOwner(c *call) *account {
	token := bearer(c.r)
	return c.find(c.upstream, func(a *account) bool { return a.Token != "" && a.Token == token })
}

func invoiceboxAuth(c *call, version string) reply {
	a := c.account
	switch {
	case c.anonymous, c.faulty(Anonymous):
		return reply{status: http.StatusOK, body: invoiceboxUser(nil), rejected: true}
	case a == nil, versionOf(a.Token) != version, c.faulty(RevokedToken):
		return reply{status: http.StatusUnauthorized, body: invoiceboxError("Unauthorized", "unauthorized")}
	case a.Locked, a.Invoicebox == nil, a.Invoicebox.Forbidden:
		return reply{status: http.StatusForbidden, body: invoiceboxError("Forbidden", "forbidden")}
	}
	return reply{status: http.StatusOK, body: invoiceboxUser(a.Invoicebox.UserID)}
}

func versionOf(token string) string {
	if strings.Contains(token, "-API:") {
		return "l3"
	}
	return "v3"
}

func invoiceboxUser(id any) map[string]any {
	return map[string]any{
		"data":         map[string]any{"userId": id, "profile": nil, "accessToken": nil},
		"extendedData": []any{},
	}
}

func invoiceboxError(message, code string) map[string]any {
	return map[string]any{"error": map[string]any{"message": message, "code": code}}
}
