upstream "gitlab_token" {
  language = 1
  doc      = "A GitLab personal access token that people create and replace. credsync checks it, delivers it and says when it stops working."
  source   = "https://docs.gitlab.com/api/personal_access_tokens/"
  base_url = "https://gitlab.com"

  attribute "token" {
    type      = string
    sensitive = true
    doc       = "The token. It stands in the configuration, and a person replaces it there before it expires."
  }

  locals {
    why = try(response.body.message, response.body.error_description, null)
  }

  static {
    access_token = self.token
  }

  verify {
    request {
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
    success = response.status == 200 && response.body.active

    # GitLab names a day, on which the token no longer works. Null if it has no end.
    expires_at = try("${response.body.expires_at}T00:00:00Z", null)
    outputs = {
      name       = response.body.name
      scopes     = response.body.scopes
      expires_on = response.body.expires_at
    }
  }

  revoke {
    request {
      method = "DELETE"
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
  }

  error "inactive" {
    on     = ["verify"]
    when   = response.status == 200 && response.body.active == false
    class  = "credentials"
    advice = "Create a new token in GitLab and put it into the configuration."
  }
  error "rejected" {
    on      = ["verify"]
    when    = response.status == 401
    class   = "credentials"
    message = local.why
    advice  = "Create a new token in GitLab and put it into the configuration."
  }

  output "name" {
    type      = string
    sensitive = false
    doc       = "The name that the token was given."
  }
  output "scopes" {
    type      = list(string)
    sensitive = false
    doc       = "The scopes of the token, such as `api`."
  }
  output "expires_on" {
    type      = string
    sensitive = false
    doc       = "The day from which the token no longer works, such as `2026-08-15`; null if it has no end."
  }
}
