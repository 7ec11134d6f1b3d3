test "a valid token" {
  upstream   = "gitlab_token"
  operation  = "verify"
  attributes = { token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    json = {
      id          = 4
      name        = "Test Token"
      revoked     = false
      created_at  = "2026-01-23T14:31:47.729Z"
      description = "Test Token description"
      scopes      = ["api", "read_registry"]
      user_id     = 3
      active      = true
      expires_at  = "2026-08-15"
    }
  }
  expect {
    outputs = { name = "Test Token", scopes = ["api", "read_registry"], expires_on = "2026-08-15" }
    request = {
      method = "GET"
      path   = "/api/v4/personal_access_tokens/self"
      query  = {}
      header = { PRIVATE-TOKEN = "made-up-6021", Authorization = null }
    }
  }
}

test "a token without an end, on a server of our own" {
  upstream   = "gitlab_token"
  operation  = "verify"
  attributes = { base_url = "https://gitlab.example.com", token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    json = { id = 4, name = "Test Token", revoked = false, scopes = ["api"], user_id = 3, active = true, expires_at = null }
  }
  expect {
    outputs = { name = "Test Token", expires_on = null }
    request = { url = "https://gitlab.example.com/api/v4/personal_access_tokens/self" }
  }
}

test "a token that is no longer active" {
  upstream   = "gitlab_token"
  operation  = "verify"
  attributes = { token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    json = { id = 4, name = "Test Token", revoked = true, scopes = ["api"], user_id = 3, active = false, expires_at = "2026-08-15" }
  }
  expect {
    class = "credentials"
    error = "inactive"
  }
}

test "an expired token" {
  upstream   = "gitlab_token"
  operation  = "verify"
  attributes = { token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    status = 401
    json   = { error = "invalid_token", error_description = "Token is expired. You can either do re-authorization or token refresh." }
  }
  expect {
    class = "credentials"
    error = "rejected"
  }
}

test "an answer that does not say whether the token is active" {
  upstream   = "gitlab_token"
  operation  = "verify"
  attributes = { token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    json = { id = 4 }
  }
  expect {
    class = "server"
  }
}

test "a revocation" {
  upstream   = "gitlab_token"
  operation  = "revoke"
  attributes = { token = "made-up-6021" }
  token      = { access_token = "made-up-6021" }

  answer {
    status = 204
  }
  expect {
    request = {
      method = "DELETE"
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = "made-up-6021" }
    }
  }
}
