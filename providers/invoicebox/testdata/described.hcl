upstream "invoicebox_hcl" {
  doc      = "A static token of the Invoicebox billing service."
  base_url = "https://api.invoicebox.ru"

  rate_limit {
    requests = 100
    per      = "30s"
  }

  attribute "token" {
    type      = string
    sensitive = true
  }
  attribute "api_version" {
    type    = string
    default = "auto"
    one_of  = ["auto", "v3", "l3"]
    effect  = "login"
  }
  attribute "merchant_id" {
    type    = string
    default = null
  }
  attribute "user_agent" {
    type    = string
    default = null
  }

  locals {
    is_v3   = nonsensitive(can(regex("^[0-9a-fA-F]+$", self.token)))
    is_l3   = nonsensitive(can(regex("^[0-9]+-API:[0-9a-fA-F]+$", self.token)))
    shape   = local.is_l3 ? "l3" : local.is_v3 ? "v3" : "none"
    version = self.api_version == "auto" ? local.shape : self.api_version

    # Each documented error has an object of its own; any other is somebody else's.
    documented = can(response.body.error.code)
    said       = try(response.body.error.message, "")
    user       = try(response.body.data.userId, null)
  }

  check {
    condition     = local.version != "none"
    attribute     = "token"
    error_message = "the token has neither the format of v3 (hexadecimal digits) nor that of l3 (\"<digits>-API:<hexadecimal digits>\"); check that it was copied completely, or set api_version"
  }
  check {
    condition     = local.shape == "none" || local.version == local.shape
    attribute     = "api_version"
    error_message = "api_version is \"${local.version}\", but the token has the format of ${local.shape}; correct the one that is wrong, or remove api_version"
  }

  static { access_token = self.token }

  verify {
    request {
      path        = "/{version}/security/api/auth/auth"
      path_params = { version = local.version }
      header      = { User-Agent = self.user_agent }
      bearer      = token.access_token
    }
    success = response.status == 200 && can(regex(".", local.user))
    outputs = { user_id = local.user, api_version = local.version, merchant_id = self.merchant_id }
  }

  error "anonymous" {
    when      = response.status == 200 && can(keys(response.body.data)) && (local.user == null || local.user == "")
    class     = "config"
    attribute = "token"
    summary = "the service saw no token: it answered as if to an anonymous user"
    advice    = "Check that no proxy removes the Authorization header, and that token and api_version are correct."
  }
  error "rejected" {
    when    = response.status == 401 && local.documented
    class   = "credentials"
    summary = "the token is rejected"
    message = local.said
    advice  = "Create a new token on the service's account pages and put it into the configuration."
  }
  error "no_access" {
    when    = response.status == 403 && local.documented
    class   = "human"
    reason  = "no_access"
    summary = "the token's owner has no access"
    message = local.said
    advice  = "Have the service, or the account's administrator there, grant access to the API."
  }
  error "no_such_method" {
    when      = response.status == 404 && local.documented
    class     = "config"
    attribute = "base_url"
    summary = "there is no such method at this address"
    message = local.said
    advice    = "Correct base_url, or set api_version to the version that the account uses."
  }
  error "undocumented" {
    when    = response.status >= 400
    class   = "server"
    summary = "this answer is not documented"
    message = local.said
  }

  output "user_id" {
    type      = string
    sensitive = false
  }
  output "api_version" {
    type      = string
    sensitive = false
  }
  output "merchant_id" {
    type      = string
    sensitive = false
  }
}
