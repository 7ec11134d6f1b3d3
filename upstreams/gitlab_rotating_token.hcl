upstream "gitlab_rotating_token" {
  language = 1
  doc      = "A GitLab personal access token that replaces itself before it expires. GitLab revokes the old token as soon as it has issued the new one, so the configured token is only the first of a chain, and nothing else may rotate it."
  source   = "https://docs.gitlab.com/api/personal_access_tokens/#self-rotate"
  base_url = "https://gitlab.com"

  attribute "token" {
    type      = string
    sensitive = true
    doc       = "The first token. It needs the scope `self_rotate` or `api`. Set another one only if the chain was broken."
  }
  attribute "days" {
    type    = number
    default = 30
    effect  = "none"
    doc     = "How many days each new token lives. GitLab refuses more than the instance allows."

    validation {
      condition     = self.days >= 1 && self.days == floor(self.days)
      error_message = "The number of days must be a whole number, at least 1."
    }
  }

  locals {
    why = try(response.body.message, response.body.error_description, null)

    # GitLab names a day, on which the token no longer works. Null if it has no end.
    end = try("${response.body.expires_at}T00:00:00Z", null)
  }

  # The login only asks about the configured token. Rotating it here would spend it, and to
  # rotate a token that is already revoked makes GitLab revoke the whole chain.
  login {
    request {
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = self.token }
    }
    success      = response.status == 200 && response.body.active
    access_token = self.token
    expires_at   = local.end
    outputs = {
      name   = response.body.name
      scopes = response.body.scopes
    }
  }

  refresh {
    request {
      method = "POST"
      path   = "/api/v4/personal_access_tokens/self/rotate"
      header = { PRIVATE-TOKEN = token.access_token }
      form   = { expires_at = formatdate("YYYY-MM-DD", timeadd(timestamp(), "${self.days * 24}h")) }
    }
    success      = response.status == 200
    access_token = response.body.token
    expires_at   = local.end
    single_use   = true
    outputs = {
      name   = response.body.name
      scopes = response.body.scopes
    }
  }

  verify {
    request {
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
    success = response.status == 200 && response.body.active
  }

  revoke {
    request {
      method = "DELETE"
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
  }

  error "inactive" {
    on        = ["login", "verify"]
    when      = response.status == 200 && response.body.active == false
    class     = "credentials"
    attribute = "token"
    advice    = "Create a new token in GitLab and put it into the configuration."
  }
  error "rejected" {
    on        = ["login"]
    when      = response.status == 401
    class     = "credentials"
    attribute = "token"
    message   = local.why
    advice    = "Create a new token in GitLab and put it into the configuration."
  }
  error "not_rotatable" {
    on        = ["refresh"]
    when      = contains([403, 405], response.status)
    class     = "config"
    attribute = "token"
    message   = local.why
    advice    = "Create a personal access token with the scope self_rotate, and put it into the configuration."
  }

  output "name" {
    type      = string
    sensitive = false
    doc       = "The name that the token was given."
  }
  output "scopes" {
    type      = list(string)
    sensitive = false
    doc       = "The scopes of the token, such as `self_rotate`."
  }
}
