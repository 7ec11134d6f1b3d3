upstream "bereke_hcl" { # no base_url: the account must set it
  doc            = "A token of Bereke Bank, with the customers that the user acts for."
  rotate_before  = "5m"
  exactly_one_of = [["public_key", "public_key_url"]]

  attribute "username" {
    type      = string
    sensitive = true
  }
  attribute "password" {
    type      = string
    sensitive = true
  }
  attribute "public_key" {
    type    = string
    default = null
    validation {
      condition     = self.public_key == null || can(rsaencrypt("", self.public_key, self.padding))
      error_message = "it is not an RSA public key as PEM: \"PUBLIC KEY\", \"RSA PUBLIC KEY\" or \"CERTIFICATE\""
    }
    validation {
      condition     = !can(rsaencrypt("", self.public_key, self.padding)) || can(rsaencrypt(self.username, self.public_key, self.padding)) && can(rsaencrypt(self.password, self.public_key, self.padding))
      error_message = "the public key is too small for the username or the password with this padding"
    }
  }
  attribute "public_key_url" {
    type     = string
    default  = null
    endpoint = true
  }
  attribute "padding" {
    type    = string
    default = "pkcs1v15"
    one_of  = ["pkcs1v15", "oaep_sha1", "oaep_sha256"]
  }
  attribute "basic_auth" {
    type      = string
    default   = null # that of the bank's own web client
    sensitive = true
    validation {
      condition     = self.basic_auth == null || can(regex(":", self.basic_auth))
      error_message = "use a name and a password separated by a colon, such as \"WEB:\", and not encoded"
    }
  }
  attribute "device_fingerprint" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "path" {
    type    = string
    default = "/auth/oauth/token"
  }
  attribute "grant_type" {
    type    = string
    default = "Password"
  }
  attribute "user_type" {
    type    = string
    default = "customer"
  }
  attribute "ignore_possible_chains" {
    type    = bool
    default = false
    effect  = "login"
  }
  attribute "customer_id" {
    type    = string
    default = null
    validation {
      condition     = self.customer_id == null || can(regex("^[0-9]+$", self.customer_id))
      error_message = "a customer is a string of digits, such as \"111111\""
    }
    validation {
      condition     = self.customer_id == null || self.customer_name == null
      error_message = "customer_id and customer_name are both set; keep one of them"
    }
  }
  attribute "customer_name" {
    type    = string
    default = null
  }
  attribute "verify_path" {
    type    = string
    default = null
    effect  = "none"
  }

  locals {
    key   = try(responses.key.body.key, tostring(responses.key.body), self.public_key)
    basic = regex("^([^:]*):(.*)$", self.basic_auth == null ? "WEB:" : self.basic_auth)

    # The bank's errors are in the form of OAuth 2.0, or have a message in place of the description.
    refused     = response.status >= 400 && response.status < 500
    is_object   = can(keys(response.body))
    is_empty    = try(trimspace(response.text), "?") == ""
    word        = lower(try(coalesce(tostring(response.body.error)), ""))
    description = try(coalesce(tostring(response.body.error_description)), "")
    message     = try(coalesce(tostring(response.body.message)), "")
    said        = try(coalesce(local.description, local.message, local.word), "")
    searched    = lower(local.is_object ? "${local.word} ${local.description} ${local.message}" : response.text)
    locked      = response.status == 423 || strcontains(local.searched, "locked") || strcontains(local.searched, "заблокирован")
    documented  = contains([400, 401], response.status) && (local.is_object || local.is_empty)

    user   = try(response.body.user_id, null)
    chains = optional(length(concat(response.body.possible_chains, [])) > 0, false)
    demand = optional(tobool(response.body.is_password_change), false) ? "password_change" : local.chains ? "second_factor" : null

    matching = [for c in token.customers : c if(self.customer_id == null || c.id == self.customer_id) && (self.customer_name == null || c.name == self.customer_name)]
    ids      = distinct([for c in local.matching : c.id])
    names    = distinct([for c in local.matching : c.name])
    listed   = join(", ", distinct([for c in token.customers : "${c.id} ${jsonencode(c.name)}"]))
  }

  login {
    request "key" {
      when   = self.public_key_url != null
      counts = false
      url    = self.public_key_url
      response { format = "auto" }
    }
    request "login" {
      method = "POST"
      path   = self.path
      query = {
        grant_type = self.grant_type
        user_type  = self.user_type
        username   = rsaencrypt(self.username, local.key, self.padding)
        password   = rsaencrypt(self.password, local.key, self.padding)
      }
      secrets_in_url = true
      username       = local.basic[0]
      password       = local.basic[1]
      header         = { Device-Fingerprint = self.device_fingerprint == null ? "" : self.device_fingerprint }
      json           = {}
    }
    access_token  = response.body.access_token
    refresh_token = try(response.body.refresh_token, null)
    expires_in    = try(response.body.expires_in, null)
    lifetime      = "899s"
    outputs = {
      demand                 = local.demand
      customers              = optional([for c in concat(response.body.customers, []) : { id = tostring(c.id), name = try(coalesce(tostring(c.name)), "") } if can(regex("^[1-9][0-9]*$", tostring(c.id)))], [])
      user_id                = local.user == null ? null : regex("^[0-9]+$", tostring(local.user))
      token_type             = try(response.body.token_type, null)
      scope                  = try(response.body.scope, null)
      role                   = try(response.body.role, null)
      chain_type             = try(response.body.chain_type, null)
      jti                    = try(tostring(response.body.jti), tostring(response.body.Jti), tostring(response.body.JTI), null)
      cus_unique_idn         = try(response.body.cus_unique_idn, null)
      customer_external_id   = try(tostring(response.body.customer_external_id), null)
      customer_user_id       = try(response.body.customer_user_id, null)
      user_type              = try(response.body.user_type, null)
      role_id                = try(response.body.role_id, null)
      role_version           = try(response.body.role_version, null)
      sign_level             = try(tostring(response.body.sign_level), null)
      digital_signature_type = try(tostring(response.body.digital_signature_type), null)
      bank_branch_code       = try(tostring(response.body.bank_branch_code), null)
      otp_strategy           = try(tostring(response.body.otp_strategy), null)
      is_device_trusted      = try(response.body.is_device_trusted, null)
      suggest_add_device     = try(response.body.suggest_add_device, null)
      can_skip               = try(response.body.can_skip, null)
    }
  }

  verify {
    precondition {
      condition     = token.demand != "password_change"
      class         = "human"
      reason        = "password_change_required"
      error_message = "the bank requires a new password"
      advice        = "Log in to the bank as this user, choose a new password there, then set password to it."
    }
    precondition {
      condition     = token.demand != "second_factor" || self.ignore_possible_chains
      class         = "human"
      reason        = "second_factor_unsupported"
      error_message = "the bank requires a second factor for this user, which its document does not describe"
      advice        = "Have the bank give credsync a user that logs in with a password only. If the bank says that the token is valid anyway, set ignore_possible_chains = true."
    }
    precondition {
      condition     = length(token.customers) > 0
      class         = "human"
      reason        = "no_access"
      error_message = "the user has access to no customer"
      advice        = "Have the bank, or the customer's administrator there, give this user access to a customer."
    }
    precondition {
      condition     = token.access_token != null && (token.expires_at == null || timecmp(token.expires_at, timestamp()) > 0)
      class         = "credentials"
      error_message = "the token expired at ${token.expires_at}"
      advice        = "The next apply logs in. If the token is new, this machine's clock is wrong."
    }
    precondition {
      condition     = self.customer_id == null || length(local.ids) == 1
      class         = "config"
      attribute     = "customer_id"
      error_message = "the user has access to no customer with the configured customer_id; there are ${local.listed}"
      advice        = "Set customer_id to one of them."
    }
    precondition {
      condition     = self.customer_name == null || length(local.ids) == 1
      class         = "config"
      attribute     = "customer_name"
      error_message = "${length(local.ids) == 0 ? "the user has access to no customer with" : "several customers have"} the configured customer_name; there are ${local.listed}"
      advice        = "Set customer_name to another of them, or customer_id in its place."
    }
    request {
      when   = self.verify_path != null
      path   = self.verify_path
      bearer = token.access_token
    }
    success = response.status < 300 && (can(keys(response.body)) || can(concat(response.body, [])))
    outputs = {
      customer_id   = try(one(local.ids), null)
      customer_name = length(local.ids) == 1 ? try(one(local.names), null) : null
    }
  }

  error "no_key" {
    on        = ["login"]
    when      = self.public_key_url != null && !can(responses.login.status) && response.status >= 400 && response.status < 500
    class     = "config"
    attribute = "public_key_url"
    summary = "no key is published at this address"
    advice    = "Correct public_key_url, or set public_key to the key itself."
  }
  error "password_change" {
    on      = ["login"]
    when    = response.status < 300 && try(coalesce(response.body.access_token), "") == "" && local.demand == "password_change"
    class   = "human"
    reason  = "password_change_required"
    summary = "the bank requires a new password"
    advice  = "Log in to the bank as this user, choose a new password there, then set password to it."
  }
  error "second_factor" {
    on      = ["login"]
    when    = response.status < 300 && try(coalesce(response.body.access_token), "") == "" && local.demand == "second_factor"
    class   = "human"
    reason  = "second_factor_unsupported"
    summary = "the bank requires a second factor for this user, which its document does not describe"
    advice  = "Have the bank give credsync a user that logs in with a password only."
  }
  error "locked" {
    on      = ["login"]
    when    = local.refused && local.locked
    class   = "human"
    reason  = "account_locked"
    summary = "the account is locked"
    message = local.said
    advice  = "Have the bank unlock the user, and find out what locked it before credsync logs in again."
  }
  error "client" {
    on        = ["login"]
    when      = local.documented && local.word == "invalid_client"
    class     = "config"
    attribute = "basic_auth"
    summary = "the bank does not know this client"
    message = local.said
    advice    = "Correct basic_auth; the bank's own web client is \"WEB:\"."
  }
  error "grant_type" {
    on        = ["login"]
    when      = local.documented && local.word == "unsupported_grant_type"
    class     = "config"
    attribute = "grant_type"
    summary = "the service does not offer this way to log in"
    message = local.said
    advice    = "Check that base_url and path belong to the bank's API. If they do, ask the bank for its grant_type."
  }
  error "wrong_credentials" {
    on      = ["login"]
    when    = local.documented && (local.word == "invalid_grant" || response.status == 401)
    class   = "credentials"
    summary = "the bank rejects the user name or the password"
    message = local.said
    advice  = "Correct username and password. If both are correct, ask the bank about its public key, padding, user_type and basic_auth. credsync does not try the same ones again."
  }
  error "undocumented" {
    on      = ["login"]
    when    = local.refused
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }

  error "fault" {
    on      = ["verify"]
    when    = response.status >= 500
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }
  error "token_may_not_read" {
    on      = ["verify"]
    when    = response.status == 403
    class   = "human"
    reason  = "no_access"
    summary = "the token may not read verify_path"
    message = local.said
    advice  = "Have the bank give this user access to it, or set verify_path to a path that it may read."
  }
  error "nothing_to_read" {
    on        = ["verify"]
    when      = contains([400, 404, 405, 415], response.status)
    class     = "config"
    attribute = "verify_path"
    summary = "there is nothing to read at verify_path"
    message = local.said
  }

  output "customers" {
    type      = list(object({ id = string, name = string }))
    sensitive = false
  }
  output "customer_id" {
    type      = string
    sensitive = false
  }
  output "customer_name" {
    type      = string
    sensitive = false
  }
  output "user_id" {
    type      = string
    sensitive = false
    optional  = true
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
  output "role" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "chain_type" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "jti" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "cus_unique_idn" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "customer_external_id" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "customer_user_id" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "user_type" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "role_id" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "role_version" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "sign_level" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "digital_signature_type" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "bank_branch_code" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "otp_strategy" {
    type      = string
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "demand" {
    type      = string
    sensitive = false
    withheld  = true
  }
  output "is_device_trusted" {
    type      = bool
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "suggest_add_device" {
    type      = bool
    sensitive = false
    optional  = true
    withheld  = true
  }
  output "can_skip" {
    type      = bool
    sensitive = false
    optional  = true
    withheld  = true
  }
}
