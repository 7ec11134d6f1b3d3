upstream "github_app" {
  language = 1
  doc      = "An installation of a GitHub App. The app's private key signs a short-lived JWT, and GitHub gives an installation access token for it. The token lives one hour."
  source   = "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app and https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app"
  base_url = "https://api.github.com"

  attribute "app_id" {
    type = string
    doc  = "The client ID of the app, which GitHub recommends, or its app ID. Both are on the app's settings page."
  }
  attribute "installation_id" {
    type = string
    doc  = "The ID of the installation: the number at the end of the URL of the installation's settings page."

    validation {
      condition     = can(regex("^[0-9]+$", self.installation_id))
      error_message = "An installation ID consists of digits. Take it from the URL of the installation's settings page."
    }
  }
  attribute "private_key" {
    type      = string
    sensitive = true
    doc       = "The private key of the app, as the PEM file that GitHub generates."
  }
  attribute "permissions" {
    type    = map(string)
    default = {}
    doc     = "The permissions that the token should have, such as `{ contents = \"read\" }`. If empty, it has all permissions of the installation."
  }
  attribute "repositories" {
    type    = list(string)
    default = []
    doc     = "The names of the repositories that the token may access, without the owner. If empty, it may access all repositories of the installation."

    validation {
      condition     = length(self.repositories) <= 500
      error_message = "GitHub accepts at most 500 repositories for a token."
    }
  }

  locals {
    # A clock that runs ahead of GitHub's must not make the JWT start in the future, and
    # GitHub accepts none that ends more than ten minutes ahead.
    issued  = unixtime() - 60
    jwt     = jwtsign({ iss = self.app_id, iat = local.issued, exp = local.issued + 600 }, self.private_key, "RS256")
    asked   = { for name, value in { permissions = self.permissions, repositories = self.repositories } : name => value if length(value) > 0 }
    headers = { Accept = "application/vnd.github+json", X-GitHub-Api-Version = "2022-11-28" }
  }

  login {
    request {
      method      = "POST"
      path        = "/app/installations/{installation_id}/access_tokens"
      path_params = { installation_id = self.installation_id }
      header      = local.headers
      bearer      = local.jwt
      json        = local.asked
    }
    access_token = response.body.token
    expires_at   = response.body.expires_at
    outputs = {
      repository_selection = try(response.body.repository_selection, null)
    }
  }

  verify {
    request {
      path   = "/installation/repositories"
      query  = { per_page = "1" }
      header = local.headers
      bearer = token.access_token
    }
  }

  revoke {
    request {
      method = "DELETE"
      path   = "/installation/token"
      header = local.headers
      bearer = token.access_token
    }
  }

  error "key" {
    on        = ["login"]
    when      = response.status == 401
    class     = "credentials"
    attribute = "private_key"
    message   = response.body.message
    advice    = "Check that app_id and the key belong to the same app. If the key was deleted on GitHub, generate another one on the app's settings page."
  }
  error "rate_limit" {
    when        = response.status == 403 && (can(response.headers["retry-after"]) || try(response.headers["x-ratelimit-remaining"], "") == "0")
    class       = "retryable"
    message     = response.body.message
    retry_after = response.headers["retry-after"]
  }
  error "suspended" {
    on      = ["login"]
    when    = response.status == 403
    class   = "human"
    reason  = "no_access"
    message = response.body.message
    advice  = "Check on GitHub whether the installation is suspended. Only who suspended it, the owner of the account or of the app, can lift that."
  }
  error "installation" {
    on        = ["login"]
    when      = response.status == 404
    class     = "config"
    attribute = "installation_id"
    message   = response.body.message
    advice    = "Check installation_id, and whether the app is still installed."
  }
  error "permissions" {
    on        = ["login"]
    when      = response.status == 422
    class     = "config"
    attribute = "permissions"
    message   = response.body.message
    advice    = "Ask only for permissions and repositories that the installation was granted."
  }

  output "repository_selection" {
    type      = string
    sensitive = false
    doc       = "`all` if the token may access every repository of the installation, `selected` if only some."
  }
}
