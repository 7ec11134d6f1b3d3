upstream "sagi_hcl" {
  doc           = "A token of the Sagi loyalty service, with the branch and the group that its calls need."
  base_url      = "https://gateway.sagi.kz"
  rotate_before = "48h"

  attribute "phone" {
    type      = string
    sensitive = true
  }
  attribute "password" {
    type      = string
    sensitive = true
  }
  attribute "license_key" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "branch_id" {
    type    = string
    default = null
    effect  = "token"
    validation {
      condition     = self.branch_id == null || can(regex("^[0-9]+$", self.branch_id))
      error_message = "a branch is a string of digits, such as \"1988850967616950272\""
    }
  }

  locals {
    license = { for k, v in { license_key = self.license_key } : k => v if v != null }

    # Some errors arrive as HTTP 200 with another code inside; one without a code, or with 0, has none.
    code   = can(response.outer.code) ? try(tonumber(response.outer.code) + 0, response.outer.code == null ? 0 : -1) : 0
    status = response.status < 300 && local.code >= 400 && local.code <= 599 ? local.code : response.status
    good   = response.status < 300 && contains([0, 200, 201], local.code)
    said   = try(response.outer.message, "")

    of_branch = try("${token.branch_id}, ${response.outer.message}", token.branch_id)

    branches = compact([for b in optional(concat(response.body.organization.branches, []), []) : optional(regex("^[0-9]+$", tostring(b)), "")])
    chosen   = try(coalesce(self.branch_id, previous.branch_id, local.branches[0]), coalesce(self.branch_id, previous.branch_id), null)
    details  = optional([for d in concat(response.body.organization.branches_details, []) : d if tostring(d.id) == local.chosen][0])

    # Beside a token another code is worth no more than a warning.
    noted = optional(regex("^(0|200|201)$", tostring(response.outer.code)), "another")
  }

  response {
    unwrap  = "data"
    success = local.good || response.status < 300 && can(regex(".", response.body.access_token)) && local.noted != ""
  }

  login {
    request {
      method = "POST"
      path   = "/api/v1/auth/business"
      json   = merge({ phone = self.phone, password = self.password }, local.license)
    }
    access_token    = response.body.access_token
    expires_at      = optional(response.body.expire)
    lifetime        = "30d"
    refreshable_for = "365d" # from the login on: a refresh does not restart it
    outputs = {
      organization_id     = optional(response.body.organization.id)
      role                = optional(response.body.organization.role)
      branches            = local.branches
      branch_id           = local.chosen
      branch_name         = optional(tostring(local.details.name))
      subscription_active = optional(local.details.subscription_active)
      muted               = optional(response.body.muted)
    }
  }

  refresh {
    single_use = false
    request {
      method = "POST"
      path   = "/api/v1/auth/refresh_token"
      bearer = token.access_token
    }
    access_token = response.body.access_token
    expires_at   = optional(response.body.expire)
  }

  verify {
    precondition {
      condition     = try(length(token.branches), 0) > 0
      class         = "human"
      reason        = "no_access"
      error_message = "the account has access to no branch"
      advice        = "Have the organization's administrator at Sagi give this user a branch."
    }
    precondition {
      condition     = contains(token.branches, token.branch_id) || self.branch_id == null || self.branch_id != token.branch_id
      class         = "config"
      attribute     = "branch_id"
      error_message = "the account has no access to branch ${token.branch_id}; it has access to ${join(", ", token.branches)}"
      advice        = "Set branch_id to one of them, or have the organization's administrator at Sagi give access to it."
    }
    precondition {
      condition     = contains(token.branches, token.branch_id)
      class         = "human"
      reason        = "no_access"
      error_message = "the account no longer has access to branch ${token.branch_id}, which was chosen at the first login; it has access to ${join(", ", token.branches)}"
      advice        = "Have access to it restored at Sagi, or set branch_id to one of these."
    }
    request {
      path        = "/api/v1/branches/{id}"
      path_params = { id = token.branch_id }
      bearer      = token.access_token
    }
    success = local.good && tostring(response.body.id) == token.branch_id && can(regex("^[1-9][0-9]*$", tostring(response.body.group_id)))
    outputs = {
      group_id    = response.body.group_id
      branch_name = try(tostring(response.body.name), null)
    }
  }

  error "fault" {
    when    = local.status >= 500 || local.status == 429
    class   = "retryable"
    summary = "the service failed"
    message = local.said
  }
  error "wrong_credentials" {
    on      = ["login"]
    when    = local.status == 401
    class   = "credentials"
    summary = "the phone or the password is wrong"
    message = local.said
    advice  = "Correct phone, password or license_key. credsync does not try the same ones again."
  }
  error "unreadable_login" {
    on        = ["login"]
    when      = local.status == 400
    class     = "config"
    attribute = "phone"
    summary = "the service cannot read the login"
    message = local.said
    advice    = "Check phone, password and license_key for invalid characters."
  }
  error "refresh_over" {
    on      = ["refresh"]
    when    = local.status == 401
    class   = "credentials"
    summary = "the token can no longer be refreshed"
    message = local.said
    advice  = "credsync logs in to get a new one."
  }
  error "unreadable_refresh" {
    on      = ["refresh"]
    when    = local.status == 400
    class   = "config"
    summary = "the service cannot read the refresh request"
    message = local.said
    advice  = "Log in again with apply --replace; if this happens again, report it to Sagi."
  }
  error "account_refused" {
    on      = ["login", "refresh"]
    when    = local.status == 403
    class   = "human"
    reason  = "no_access"
    summary = "the service refuses this account"
    message = local.said
    advice  = "Ask Sagi, or the organization's administrator there, why the account is blocked."
  }
  error "token_maker" {
    on      = ["login", "refresh"]
    when    = local.status == 404 && strcontains(lower(response.outer.message), "failed creating token")
    class   = "retryable"
    summary = "the service failed"
    message = local.said
  }
  error "token_rejected" {
    on      = ["verify"]
    when    = local.status == 401
    class   = "credentials"
    summary = "the token is rejected"
    message = local.said
    advice  = "The next apply refreshes it, or logs in."
  }
  error "no_such_branch" {
    on        = ["verify"]
    when      = local.status == 400
    class     = "config"
    attribute = "branch_id"
    summary = "the service does not accept this branch"
    message = local.of_branch
  }
  error "no_access_to_branch" {
    on      = ["verify"]
    when    = local.status == 403 || local.status == 404
    class   = "human"
    reason  = "no_access"
    summary = "the account has no access to the branch"
    message = local.of_branch
    advice  = "Have access to it restored at Sagi, or set branch_id to another branch."
  }

  error "undocumented" {
    on      = ["verify"] # where 405 would be taken for a wrong address
    when    = local.status >= 400
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }

  warn "muted" {
    when    = token.muted == true
    summary = "The account is muted"
    detail  = "Sagi reports that the account is muted: its calls may have no effect, although it still gets tokens. Ask Sagi why."
  }
  warn "subscription" {
    when      = token.subscription_active == false
    summary   = "The subscription of the branch is not active"
    detail    = "Renew the subscription at Sagi, or set branch_id to another branch."
    attribute = "branch_id"
  }

  output "organization_id" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "role" {
    type      = string
    sensitive = false
    optional  = true
  }
  output "branch_id" {
    type      = string
    sensitive = false
  }
  output "branch_name" {
    type      = string
    sensitive = false
  }
  output "branches" {
    type      = list(string)
    sensitive = false
  }
  output "group_id" {
    type      = string
    sensitive = false
  }
  output "muted" {
    type      = bool
    sensitive = false
    optional  = true
  }
  output "subscription_active" {
    type      = bool
    sensitive = false
    optional  = true
  }
}
