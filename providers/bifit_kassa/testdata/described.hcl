upstream "bifit_kassa_hcl" {
  doc            = "A token of the BIFIT Kassa cash-register cloud."
  base_url       = "https://kassa.bifit.com/cashdesk-api/v1"
  rotate_before  = "4h"
  exactly_one_of = [["password", "password_hash"]]

  attribute "username" {
    type      = string
    sensitive = true
    validation {
      condition     = self.username_format == "any" || can(regex("^7[0-9]{10}$", self.username))
      error_message = "it is not a phone number of eleven digits that begins with 7, without +, spaces or dashes. Correct it, or set username_format = \"any\" if the account logs in with something else"
    }
  }
  attribute "password" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "password_hash" {
    type      = string
    default   = null
    sensitive = true
    validation {
      condition     = self.password_hash == null || can(regex("^([0-9a-fA-F]{64}|[0-9A-Za-z+/_-]{43}=?)$", self.password_hash))
      error_message = "use the SHA-256 digest of the password, as 64 hexadecimal digits or as base64 of its 32 bytes (43 characters, or 44 with a = at the end)"
    }
  }
  attribute "client_id" {
    type    = string
    default = "cashdesk-rest-client"
  }
  attribute "client_secret" {
    type      = string
    default   = null # that of client_id's default, which is published
    sensitive = true
  }
  attribute "password_encoding" {
    type    = string
    default = "std_padded"
    one_of  = ["std_padded", "std_unpadded", "url_padded", "url_unpadded"]
  }
  attribute "username_format" {
    type    = string
    default = "phone"
    one_of  = ["phone", "any"]
  }
  attribute "mfa_grant_type" {
    type    = string
    default = "mfa"
    one_of  = ["mfa", "password"]
    effect  = "none"
  }
  attribute "verify_path" {
    type    = string
    default = null
    effect  = "none"
  }

  locals {
    # The base64 of the digest, from the password, from its hexadecimal form or from any base64.
    alphabet = split("", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    groups   = try([for i in range(22) : parseint(substr("${self.password_hash}00", 3 * i, 3), 16)], [])
    of_hex   = substr(join("", [for n in local.groups : "${local.alphabet[floor(n / 64)]}${local.alphabet[n % 64]}"]), 0, 43)
    of_hash  = try(length(self.password_hash) == 64 ? local.of_hex : replace(replace(self.password_hash, "-", "+"), "_", "/"), "")
    digest   = trimsuffix(self.password == null ? local.of_hash : base64sha256(self.password), "=")
    in_url   = replace(replace(local.digest, "+", "-"), "/", "_")
    encoded  = "${startswith(self.password_encoding, "url") ? local.in_url : local.digest}${endswith(self.password_encoding, "_padded") ? "=" : ""}"

    client    = { client_id = self.client_id, client_secret = coalesce(self.client_secret, "cashdesk-rest-client") }
    user      = { username = self.username, password = local.encoded }
    unchanged = { Accept-Encoding = "deflate" } # what the service calls turning compression off

    refused   = response.status >= 400 && response.status < 500
    is_object = can(keys(response.body))
    word      = try(coalesce(tostring(response.body.error)), "")
    why       = try(coalesce(response.body.error_description), local.is_object ? "" : response.text, "")
    said      = try(response.body.error_description, response.body.message, "")
    locked    = response.status == 423 || strcontains(lower(local.why), "locked") || strcontains(lower(local.why), "заблокирован")
  }

  login {
    request {
      method = "POST"
      path   = "/oauth/token"
      header = local.unchanged
      form   = merge(local.client, local.user, { grant_type = "password" })
    }
    access_token  = response.body.access_token
    refresh_token = try(response.body.refresh_token, null)
    expires_in    = try(response.body.expires_in, null)
    lifetime      = "43199s"
    outputs = {
      token_type = try(join(" ", response.body.token_type), response.body.token_type, null)
      scope      = try(join(" ", response.body.scope), response.body.scope, null)
      user_id    = try(response.body.user_id, null)
    }
  }

  refresh {
    request {
      method = "POST"
      path   = "/oauth/token"
      header = local.unchanged
      form   = merge(local.client, { grant_type = "refresh_token", refresh_token = token.refresh_token })
    }
    access_token  = response.body.access_token
    refresh_token = try(response.body.refresh_token, null) # without one the old one stays
    outputs = {
      token_type = try(join(" ", response.body.token_type), response.body.token_type, null)
      scope      = try(join(" ", response.body.scope), response.body.scope, null)
      user_id    = try(response.body.user_id, null)
    }
  }

  second_factor {
    when = local.refused && local.is_object && local.word == "mfa_required"
    send_code {
      request {
        method         = "POST"
        path           = "/oauth/mfa"
        query          = { username = self.username }
        secrets_in_url = true
        header         = local.unchanged
      }
      response { format = "auto" } # the document shows a bare number
      challenge = try(tostring(response.body.session_id), tostring(response.body))
    }
    login_with_code {
      request {
        method = "POST"
        path   = "/oauth/token"
        header = local.unchanged
        form   = merge(local.client, local.user, { grant_type = self.mfa_grant_type, session_id = challenge.id, code = challenge.code })
      }
    }
  }

  verify {
    request {
      when   = self.verify_path != null
      path   = self.verify_path
      header = local.unchanged
      bearer = token.access_token
    }
    success = response.status < 300 && (can(keys(response.body)) || can(concat(response.body, [])))
  }

  error "fault" {
    when    = response.status >= 500
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }
  error "client" {
    on        = ["login", "refresh", "login_with_code"]
    when      = local.refused && local.is_object && contains(["invalid_client", "unauthorized_client"], local.word)
    class     = "config"
    attribute = "client_id"
    summary = "the service rejects this client"
    message = local.said
    advice    = "Correct client_id and client_secret, or remove them to use the documented ones."
  }
  error "mfa_grant_type" {
    on        = ["login_with_code"]
    when      = local.refused && local.is_object && local.word == "unsupported_grant_type"
    class     = "config"
    attribute = "mfa_grant_type"
    summary = "the service rejects this kind of request (unsupported_grant_type)"
    message = local.said
    advice    = "Set mfa_grant_type to its other value, and run credsync login for this account with the same code."
  }
  error "kind_of_request" {
    on        = ["login", "refresh", "login_with_code"]
    when      = local.refused && local.is_object && contains(["unsupported_grant_type", "invalid_request", "invalid_scope"], local.word)
    class     = "config"
    attribute = "base_url"
    summary = "the service rejects this kind of request"
    message = local.said
    advice    = "Check base_url; if it is correct, report this to the service: its API has changed."
  }
  error "locked" {
    on      = ["login", "send_code", "login_with_code"]
    when    = local.refused && local.locked
    class   = "human"
    reason  = "account_locked"
    summary = "the account is locked"
    message = local.said
    advice  = "Have BIFIT Kassa unlock it, and find out what tried wrong passwords. credsync does not log in before that."
  }
  error "wrong_credentials" {
    on      = ["login"]
    when    = local.refused && local.is_object && (local.word == "invalid_grant" || response.status == 401)
    class   = "credentials"
    summary = "the username or the password is wrong"
    message = local.said
    advice  = "Correct username or password. credsync does not try the same ones again. If they work on the service's own website, set another password_encoding."
  }
  error "refresh_over" {
    on      = ["refresh"]
    when    = local.refused && (local.locked || local.is_object && (response.status == 401 || contains(["invalid_grant", "mfa_required"], local.word)))
    class   = "credentials"
    summary = "the refresh token has expired or was already used"
    message = local.said
    advice  = "credsync logs in to get a new one."
  }
  error "wrong_code" {
    on      = ["login_with_code"]
    when    = local.refused && local.is_object && (response.status == 401 || contains(["invalid_grant", "mfa_required"], local.word))
    class   = "human"
    reason  = "needs_code"
    summary = "the code is wrong or has expired"
    message = local.said
    advice  = "Run credsync login for this account with the code from the latest SMS; the challenge is still valid. If that code is correct, request a new one."
  }
  error "no_access" {
    on      = ["login", "refresh", "login_with_code"]
    when    = response.status == 403 && local.is_object
    class   = "human"
    reason  = "no_access"
    summary = "the service refuses this account"
    message = local.said
    advice  = "Ask BIFIT Kassa, or the organization's administrator there, why it is refused."
  }
  error "no_code_for_username" {
    on        = ["send_code"]
    when      = local.is_object && (response.status == 400 || response.status == 404)
    class     = "config"
    attribute = "username"
    summary = "the service sends no code to this username"
    message = local.said
    advice    = "Check that username and base_url are correct, and that the account has the second factor turned on."
  }
  error "no_code_for_account" {
    on      = ["send_code"]
    when    = local.is_object && (response.status == 401 || response.status == 403)
    class   = "human"
    reason  = "no_access"
    summary = "the service refuses this account"
    message = local.said
    advice  = "Ask BIFIT Kassa, or the organization's administrator there, why it is refused."
  }
  error "token_may_not_read" {
    on      = ["verify"]
    when    = response.status == 403
    class   = "human"
    reason  = "no_access"
    summary = "the token may not read verify_path"
    message = local.said
    advice  = "Have the administrator of the organization at BIFIT Kassa give the account all rights, or set verify_path to a path that it may read."
  }
  error "nothing_to_read" {
    on        = ["verify"]
    when      = contains([400, 404, 405, 415], response.status)
    class     = "config"
    attribute = "verify_path"
    summary = "there is nothing to read at verify_path"
    message = local.said
  }
  error "undocumented" {
    on      = ["login", "refresh", "send_code", "login_with_code"]
    when    = local.refused
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }

  output "token_type" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "scope" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "user_id" {
    type      = string
    sensitive = false
    optional  = true
  }
}
