package sandbox

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

// AstanaPlatAccount is what the payments service knows of an account. Its
// login is the account's name; without a password there is no login by it.
type AstanaPlatAccount struct {
	// Certificate is the common name of the client certificate that logs in;
	// empty for none.
	Certificate string `json:"certificate,omitempty"`
	// Refusal makes logins fail as a documented error; see AstanaPlatRefusal.
	Refusal AstanaPlatRefusal `json:"refusal,omitempty"`
	// Opaque tokens are not JWTs.
	Opaque bool `json:"opaque,omitempty"`
	// KeepsPrevious lets older tokens live on after a login.
	KeepsPrevious bool `json:"keeps_previous,omitempty"`
}

// AstanaPlatRefusal names a documented error that no request causes by itself.
type AstanaPlatRefusal string

// The refusals. Those that begin with AstanaCA, and AstanaOutdated, report
// what the service's certification authority answers about a certificate, so
// they hit logins by certificate only.
const (
	AstanaServerError AstanaPlatRefusal = "server_error"
	AstanaCANotFound  AstanaPlatRefusal = "ca_not_found"
	AstanaCAFailed    AstanaPlatRefusal = "ca_failed"
	AstanaCAUnknown   AstanaPlatRefusal = "ca_unknown"
	AstanaCAGarbled   AstanaPlatRefusal = "ca_garbled"
	AstanaOutdated    AstanaPlatRefusal = "outdated"
)

// astanaRefusals has the document's status and message of each.
var astanaRefusals = map[AstanaPlatRefusal]struct {
	status  int
	message string
}{
	AstanaServerError: {http.StatusInternalServerError, "Error on server. try later"},
	AstanaCANotFound:  {http.StatusBadRequest, "Endpoint not found"},
	AstanaCAFailed:    {http.StatusBadRequest, "Error. Try later"},
	AstanaCAUnknown:   {http.StatusBadRequest, "Unknown error. Try later"},
	AstanaCAGarbled:   {http.StatusBadRequest, "Incorrect response body. Try again."},
	AstanaOutdated:    {http.StatusBadRequest, "Certificate is outdated. Please get fresh one."},
}

// The document's two ways to log in, as authType has them.
const (
	astanaByPassword    = json.Number("1")
	astanaByCertificate = json.Number("2")
)

// astanaLifetime is public documentation's, not the document's.
const astanaLifetime = time.Hour

// astanaPlat is the payments service.
func astanaPlat() emulator {
	reads := protectedReads("/services", nil, protectedAnswer(astanaError(http.StatusUnauthorized, "Unauthorized")))
	return emulator{name: "astana_plat", routes: append(reads, route{
		op: OpLogin, pattern: "POST /authorize",
		rules: []rule{noQuery, noHeader("Authorization"), header("Accept", "application/json"), header("Content-Type", "application/json"), astanaBody},
		owner: astanaOwner, answer: astanaLogin,
	})}
}

// astanaBody must have exactly the fields of its way to log in: all of them
// are required, and no others are documented.
func astanaBody(c *call) {
	fields, ok := flatFields(c.body)
	if !ok {
		c.violate("the body is not a flat JSON object with each field once")
		return
	}
	want := 1
	switch fields["authType"] {
	case astanaByPassword:
		want = 3
		for _, name := range []string{"login", "password"} {
			if text, _ := fields[name].(string); text == "" {
				c.violate("the body has no field %q", name)
			}
		}
	case astanaByCertificate:
		if astanaCommonName(c) == "" {
			c.violate("a login by certificate came without a certificate")
		}
	default:
		c.violate("authType is neither 1 nor 2")
	}
	if len(fields) > want {
		c.violate("the body has a field that is not documented")
	}
}

// astanaCommonName is that of the client's certificate, which TLS has checked.
func astanaCommonName(c *call) string {
	if c.r.TLS == nil || len(c.r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return c.r.TLS.PeerCertificates[0].Subject.CommonName
}

func astanaOwner(c *call) *account {
	fields, _ := flatFields(c.body)
	if fields["authType"] == astanaByCertificate {
		name := astanaCommonName(c)
		return c.find(c.upstream, func(a *account) bool {
			return name != "" && a.AstanaPlat != nil && a.AstanaPlat.Certificate == name
		})
	}
	login, _ := fields["login"].(string)
	if a := c.named(c.upstream, login); a != nil && a.AstanaPlat != nil {
		return a
	}
	return nil
}

func astanaLogin(c *call) reply {
	a := c.account
	// The document has no answer for an account that is blocked.
	if a == nil || a.Locked {
		return astanaError(http.StatusBadRequest, "User with given credentials not found")
	}
	fields, _ := flatFields(c.body)
	byPassword := fields["authType"] == astanaByPassword
	if refusal, ok := astanaRefusals[a.AstanaPlat.Refusal]; ok &&
		(!byPassword || a.AstanaPlat.Refusal == AstanaServerError) {
		return astanaError(refusal.status, refusal.message)
	}
	if password, _ := fields["password"].(string); byPassword && (a.Password == "" || !equal(password, a.Password)) {
		a.rejected()
		return astanaError(http.StatusUnprocessableEntity, "Incorrect credentials")
	}
	a.rejectedInRow = 0
	return reply{status: http.StatusOK, body: map[string]any{
		"statusCode": http.StatusOK, "message": "Access token created", "data": map[string]any{"token": c.astanaToken(a)},
	}}
}

// astanaToken makes the account's one live token.
func (s *Sandbox) astanaToken(a *account) string {
	if !a.AstanaPlat.KeepsPrevious {
		s.revokeAll(a.Upstream, a.Name)
	}
	lifetime := cmp.Or(time.Duration(a.TokenLifetime), astanaLifetime)
	if !a.AstanaPlat.Opaque {
		value, _ := s.issueJWT(a, lifetime, s.now())
		return value
	}
	value := rand.Text()
	s.register(
		&token{value: value, upstream: a.Upstream, account: a.Name, loginAt: s.now(), expires: s.now().Add(lifetime)},
	)
	return value
}

func astanaError(status int, message string) reply {
	return reply{status: status, body: map[string]any{"statusCode": status, "message": message}}
}
