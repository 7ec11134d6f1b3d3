package crash

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/upstreams"
)

// reuse is what an upstream does with refresh material that was used before, where that is
// described.
type reuse int

const (
	// undescribed is where credsync has a provider of its own.
	undescribed reuse = iota
	// graceful takes it again for a while, strict ends all that came of it.
	graceful
	strict
)

// describedProviders are accounts of upstreams that are described in HCL: inline, in an
// upstream block, and by descriptions that credsync comes with.
func describedProviders() []provider {
	return []provider{
		inlineLogin(),
		inlineToken(),
		twoSteps(),
		rotating("loyalty_strict", strict),
		rotating("loyalty_graceful", graceful),
		rotatingToken(),
		signedLogin(),
	}
}

// inlineLogin is a login by JSON that its account describes.
func inlineLogin() provider {
	return provider{
		kind: "http", account: demo("loyalty", "shop"), secret: "loyalty_password", wrong: "wrong",
		due: 19 * time.Hour, verifies: true,
		attributes: `base_url = "$URL"
  login {
    request {
      method = "POST"
      path   = "/v1/login"
      json   = { login = "shop", password = "$SECRET" }
    }
    access_token = response.body.data.token
    expires_at   = response.body.data.expire
    outputs      = { org_id = response.body.data.organization.id }
  }
  verify {
    request {
      path   = "/v1/me"
      bearer = token.access_token
    }
  }
  error "wrong_password" {
    when  = response.status == 422 && try(response.body.code, "") == "BAD_CREDENTIALS"
    class = "credentials"
  }
  output "org_id" {
    type      = string
    sensitive = false
  }`,
	}
}

// inlineToken is a token that its account describes how to ask about.
func inlineToken() provider {
	account := demo("gitlab", "deploy")
	return provider{
		kind: "static", account: account, secret: account.Token, wrong: "glpat-wrong", static: true, verifies: true,
		attributes: `base_url = "$URL"
  token    = "$SECRET"
  verify {
    request {
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
    success    = response.status == 200 && response.body.active
    expires_at = try("${response.body.expires_at}T00:00:00Z", null)
  }`,
	}
}

// twoSteps is a token first, and a session for it.
func twoSteps() provider {
	account := demo("veeva", "credsync-client")
	description := `
upstream "veeva" {
  attribute "client_id" { type = string }
  attribute "client_secret" {
    type      = string
    sensitive = true
  }
  attribute "profile" { type = string }
  login {
    request "token" {
      method   = "POST"
      path     = "/token"
      username = self.client_id
      password = self.client_secret
      form     = { grant_type = "client_credentials" }
    }
    request "session" {
      method      = "POST"
      path        = "/auth/oauth/session/{profile}"
      path_params = { profile = self.profile }
      bearer      = responses.token.body.access_token
      form        = { vaultDNS = "acme.veevavault.com", client_id = self.client_id }
    }
    success      = response.status == 200 && try(response.body.responseStatus, "") == "SUCCESS"
    access_token = response.body.sessionId
    lifetime     = "48h"
  }
  verify {
    request {
      path   = "/api/v24.1/objects/users/me"
      header = { Authorization = token.access_token }
    }
    success = try(response.body.responseStatus, "") == "SUCCESS"
  }
  revoke {
    request {
      method = "DELETE"
      path   = "/api/v24.1/session"
      header = { Authorization = token.access_token }
    }
    success = try(response.body.responseStatus, "") == "SUCCESS"
  }
  error "over" {
    when  = try(response.body.errors[0].type, "") == "INVALID_SESSION_ID"
    class = "credentials"
  }
}
`
	return provider{
		kind: "veeva", account: account, secret: account.Password, wrong: "wrong", due: 40 * time.Hour, verifies: true,
		description: description,
		revoking:    strings.Replace(description, "\n  login {", "\n  revoke_on = [\"replaced\"]\n  login {", 1),
		attributes: `base_url = "$URL"
  client_id     = "credsync-client"
  client_secret = "$SECRET"
  profile       = "` + account.Veeva.Profile + `"`,
	}
}

// rotating is a login that brings a refresh token, which works once.
func rotating(kind string, of reuse) provider {
	account := demo("loyalty", "shop-rotating")
	grace := ""
	if of == graceful {
		rotates := *account.Loyalty
		rotates.ReuseGrace = sandbox.Duration(30 * time.Minute)
		account.Loyalty = &rotates
		grace = "reuse_grace = \"30m\""
	}
	return provider{
		kind: kind, account: account, secret: account.Password, wrong: "wrong", due: 19 * time.Hour,
		refreshes: true, spends: true, verifies: true, reuse: of,
		attributes: "base_url = \"$URL\"\n  login = \"shop-rotating\"\n  password = \"$SECRET\"",
		description: `
upstream "` + kind + `" {
  attribute "login" { type = string }
  attribute "password" {
    type      = string
    sensitive = true
  }
  login {
    request {
      method = "POST"
      path   = "/v1/login"
      json   = { login = self.login, password = self.password }
    }
    access_token  = response.body.data.token
    refresh_token = response.body.data.refresh_token
    expires_at    = response.body.data.expire
  }
  refresh {
    request {
      method = "POST"
      path   = "/v1/refresh"
      json   = { refresh_token = token.refresh_token }
    }
    access_token  = response.body.data.token
    refresh_token = response.body.data.refresh_token
    expires_at    = response.body.data.expire
    ` + grace + `
  }
  verify {
    request {
      path   = "/v1/me"
      bearer = token.access_token
    }
  }
  error "wrong_password" {
    when  = response.status == 422 && try(response.body.code, "") == "BAD_CREDENTIALS"
    class = "credentials"
  }
}
`,
	}
}

// rotatingToken is a token that replaces itself: what is configured is the first of a chain.
func rotatingToken() provider {
	account := demo("gitlab", "rotating")
	return provider{
		kind: "gitlab_rotating_token", account: account, secret: account.Token, wrong: "glpat-wrong",
		due: 75 * 24 * time.Hour, refreshes: true, spends: true, verifies: true, reuse: strict, chained: true,
		attributes: "base_url = \"$URL\"\n  token = \"$SECRET\"",
	}
}

// signedLogin is a login by a JWT that an app's key signs.
func signedLogin() provider {
	account := demo("github", "4711")
	key, public := newAppKey()
	wrong, _ := newAppKey()
	installation := *account.Github
	installation.PublicKey = public
	account.Github = &installation
	revoking := "replaces_embedded = true\n  revoke_on = [\"replaced\"]\n\n  attribute \"app_id\""
	return provider{
		kind: "github_app", account: account, secret: key, wrong: wrong, due: 50 * time.Minute, verifies: true,
		attributes: "base_url = \"$URL\"\n  app_id = \"Iv23liDemo\"\n  installation_id = \"4711\"\n  private_key = \"$SECRET\"",
		revoking:   strings.Replace(upstreams.Sources()["github_app"], `attribute "app_id"`, revoking, 1),
	}
}

// newAppKey makes an app's pair of keys, in PEM.
func newAppKey() (private, public string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), text("PUBLIC KEY", der)
}

// spending are the actions in which the answer to a refresh is lost that may have spent what
// it presented, and revoking those that end the token before at the upstream.
func spending() []action {
	return []action{
		{
			name: "refresh whose answer is lost", whole: true, loses: true, prepare: losing,
			of: func(p provider) bool { return p.reuse == graceful },
		},
		{
			name: "refresh after one whose answer was lost", whole: true, loses: true,
			of: func(p provider) bool { return p.reuse == strict && !p.chained },
			prepare: func(w *world) {
				losing(w)
				w.must(1, apply...)
				if _, refreshes := w.asked(); refreshes != 1 {
					w.t.Errorf("P1: a run presented what may be spent %d times", refreshes)
				}
			},
		},
	}
}

// losing is due, and the answer to the next refresh is lost.
func losing(w *world) {
	due(w)
	lost := sandbox.Fault{Kind: sandbox.DropAnswer, Upstream: w.p.account.Upstream, Op: sandbox.OpRefresh, Count: 1}
	if err := w.box.AddFault(lost); err != nil {
		w.t.Fatal(err)
	}
}

func revoking() []action {
	revokes := func(p provider) bool { return p.revoking != "" }
	return []action{
		{name: "replace and revoke", whole: true, revokes: true, of: revokes, prepare: applied, args: replaced},
		{name: "reissue and revoke", whole: true, revokes: true, of: revokes, prepare: due},
	}
}

// checkRevoked checks that whatever a target holds is accepted by the upstream, and that a
// token is revoked once. A run that is not killed revokes the one that it replaced.
func (w *world) checkRevoked(whole bool) {
	w.t.Helper()
	if !w.revokes {
		return
	}
	for _, token := range []string{w.at.own(w)["access_token"], w.at.shared(w)["TOKEN"]} {
		if _, live := w.box.Live(w.p.account.Upstream, token); token != "" && !live {
			w.t.Error("P3: a target holds a token that was revoked")
		}
	}
	tokens := w.box.Tokens(w.p.account.Upstream, w.p.account.Name)
	c := w.box.Counters(w.p.account.Upstream, w.p.account.Name).Revocations
	if c.Rejected > 0 || c.Accepted > len(tokens)-1 {
		w.t.Errorf("of %d tokens %d were revoked, and %d twice", len(tokens), c.Accepted, c.Rejected)
	}
	if whole && (len(tokens) != 2 || tokens[0].Live || !tokens[1].Live) {
		w.t.Errorf("the token before was not revoked, or the newest was: %d tokens", len(tokens))
	}
}
