upstream "astana_plat_hcl" { # no base_url: the account must set it
  doc                = "A token of the Astana-Plat payments service."
  rotate_before      = "10m"
  client_certificate = "optional"

  attribute "path" {
    type    = string
    default = "/authorize"
  }
  attribute "login" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "password" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "token_ttl" {
    type    = string
    default = "1h"
    effect  = "none"
  }
  attribute "verify_path" {
    type    = string
    default = null
    effect  = "none"
  }

  check {
    condition     = self.certificate == null || self.login == null && self.password == null
    error_message = "both a login with its password and a certificate block are set: keep one of them"
  }
  check {
    condition     = self.certificate != null || self.login != null || self.password != null
    error_message = "there is nothing to log in with: set login and password, or add a certificate block"
  }
  check {
    condition     = (self.login == null) == (self.password == null)
    error_message = "login and password belong together: set both"
  }

  locals {
    by_certificate = self.certificate != null
    # What is null is not sent.
    credentials = { for k, v in { login = self.login, password = self.password } : k => v if v != null }

    # The document itself is not consistent in letter case, spaces and final dots.
    message = try(coalesce(response.body.message), "")
    plain   = replace(replace(lower(local.message), "/\\s+/", ""), "/\\.+$/", "")
    said    = try(coalesce(response.body.message), "")

    # An answer may lack its code, but not contradict its status.
    code        = try(tonumber(response.body.statusCode) + 0, 0)
    contradicts = local.code != 0 && local.code != response.status
  }

  login {
    revokes_previous = true
    request {
      method = "POST"
      path   = self.path
      json   = merge({ authType = local.by_certificate ? 2 : 1 }, local.credentials)
    }
    access_token = response.body.data.token
    lifetime     = self.token_ttl
    outputs      = { certificate_expires_at = try(self.certificate.expires_at, null) }
  }

  verify {
    request {
      when   = self.verify_path != null
      path   = self.verify_path
      bearer = token.access_token
    }
    success = response.status < 300 && (can(keys(response.body)) || can(concat(response.body, [])))
  }

  error "contradiction" {
    on      = ["login"]
    when    = local.contradicts
    class   = "server"
    summary = "the answer contradicts itself"
    message = "its statusCode is ${local.code}"
    advice  = "Check that base_url is right and that no proxy changes answers, then report this to Astana-Plat."
  }
  error "fault" {
    on      = ["login"]
    when    = response.status == 500
    class   = "retryable"
    summary = "the service failed"
    message = local.said
  }
  error "wrong_certificate" {
    on      = ["login"]
    when    = local.by_certificate && response.status == 422 && local.plain == "incorrectcredentials"
    class   = "credentials"
    summary = "the certificate is rejected"
    message = local.said
    advice  = "Ask Astana-Plat which certificate the account has, and put that one into the certificate block. credsync does not try the same one again."
  }
  error "unknown_certificate" {
    on      = ["login"]
    when    = local.by_certificate && response.status == 400 && local.plain == "userwithgivencredentialsnotfound"
    class   = "credentials"
    summary = "there is no user with this certificate"
    message = local.said
    advice  = "Ask Astana-Plat which certificate the account has, and put that one into the certificate block. credsync does not try the same one again."
  }
  error "wrong_credentials" {
    on      = ["login"]
    when    = response.status == 422 && local.plain == "incorrectcredentials"
    class   = "credentials"
    summary = "the login or the password is wrong"
    message = local.said
    advice  = "Correct login or password. credsync does not try the same ones again."
  }
  error "unknown_user" {
    on      = ["login"]
    when    = response.status == 400 && local.plain == "userwithgivencredentialsnotfound"
    class   = "credentials"
    summary = "there is no user with this login"
    message = local.said
    advice  = "Correct login or password. credsync does not try the same ones again."
  }
  error "outdated" {
    on      = ["login"]
    when    = response.status == 400 && local.plain == "certificateisoutdated.pleasegetfreshone"
    class   = "human"
    reason  = "certificate_expired"
    summary = "the certificate has expired or was revoked"
    message = local.said
    advice  = "Have Astana-Plat issue a new certificate and put it into the certificate block."
  }
  error "foreign_certificate" {
    on        = ["login"]
    when      = local.by_certificate && response.status == 400 && local.plain == "endpointnotfound"
    class     = "config"
    attribute = "certificate"
    summary   = "the service's certification authority does not recognize the request"
    message   = local.said
    advice    = "Check that the certificate was issued by Astana-Plat for this service and for this environment (test or production), and that base_url and path belong to the same one. If they do, ask Astana-Plat."
  }
  error "no_endpoint" {
    on        = ["login"]
    when      = response.status == 400 && local.plain == "endpointnotfound"
    class     = "config"
    attribute = "base_url"
    summary = "the service's certification authority does not recognize the request"
    message = local.said
    advice    = "Check that base_url and path belong to the same environment (test or production). If they do, ask Astana-Plat."
  }
  error "authority_failed" {
    on      = ["login"]
    when    = response.status == 400 && contains(["error.trylater", "unknownerror.trylater", "incorrectresponsebody.tryagain"], local.plain)
    class   = "retryable"
    summary = "the service's certification authority failed"
    message = local.said
  }
  error "not_found" {
    on      = ["login"]
    when    = response.status == 404
    class   = "server"
    summary = "there is nothing at this address"
    message = local.said
    advice  = "Check base_url and path with Astana-Plat."
  }
  error "undocumented" {
    on      = ["login"]
    when    = response.status >= 400
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }

  error "token_rejected" {
    on      = ["verify"]
    when    = response.status == 401
    class   = "credentials"
    summary = "the token is rejected"
    message = local.said
    advice  = "The next apply gets a new one."
  }
  error "token_may_not_read" {
    on      = ["verify"]
    when    = response.status == 403
    class   = "human"
    reason  = "no_access"
    summary = "the token may not read verify_path"
    message = local.said
    advice  = "Have Astana-Plat give this account access to it, or set verify_path to a path that it may read."
  }
  error "nothing_to_read" {
    on        = ["verify"]
    when      = contains([400, 404, 405, 415], response.status)
    class     = "config"
    attribute = "verify_path"
    summary = "there is nothing to read at verify_path"
    message = local.said
  }

  output "certificate_expires_at" {
    type      = string
    sensitive = false
    optional  = true
  }
}
