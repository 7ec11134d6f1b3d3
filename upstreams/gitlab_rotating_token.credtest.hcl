test "the first token" {
  upstream   = "gitlab_rotating_token"
  attributes = { token = "made-up-1-6021" }

  answer {
    json = {
      id         = 4
      name       = "Rotated Token"
      revoked    = false
      created_at = "2026-01-23T14:31:47.729Z"
      scopes     = ["read_registry", "self_rotate"]
      user_id    = 3
      active     = true
      expires_at = "2026-12-15"
    }
  }
  expect {
    access_token = "made-up-1-6021"
    expires_at   = "2026-12-15T00:00:00Z"
    outputs      = { name = "Rotated Token", scopes = ["read_registry", "self_rotate"] }
    requests     = 1
    request = {
      method = "GET"
      path   = "/api/v4/personal_access_tokens/self"
      query  = {}
      header = { PRIVATE-TOKEN = "made-up-1-6021", Authorization = null }
    }
  }
}

test "a first token without an end" {
  upstream   = "gitlab_rotating_token"
  attributes = { token = "made-up-1-6021" }

  answer {
    json = {
      id         = 4
      name       = "Rotated Token"
      revoked    = false
      created_at = "2026-01-23T14:31:47.729Z"
      scopes     = ["read_registry", "self_rotate"]
      user_id    = 3
      active     = true
      expires_at = null
    }
  }
  expect {
    access_token = "made-up-1-6021"
  }
}

test "a first token that is no longer active" {
  upstream   = "gitlab_rotating_token"
  attributes = { token = "made-up-1-6021" }

  answer {
    json = { id = 4, name = "Rotated Token", revoked = true, active = false, scopes = ["self_rotate"], expires_at = "2026-12-15" }
  }
  expect {
    class = "credentials"
    error = "inactive"
  }
}

test "a first token that was rotated away" {
  upstream   = "gitlab_rotating_token"
  attributes = { token = "made-up-1-6021" }

  answer {
    status = 401
    json   = { error = "invalid_token", error_description = "Token was revoked. You have to re-authorize from the user." }
  }
  expect {
    class = "credentials"
    error = "rejected"
  }
}

test "an answer that does not say whether the token is active" {
  upstream   = "gitlab_rotating_token"
  attributes = { token = "made-up-1-6021" }

  answer {
    json = { id = 4 }
  }
  expect {
    class = "server"
  }
}

test "a rotation" {
  upstream   = "gitlab_rotating_token"
  operation  = "refresh"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    json = {
      id         = 42
      name       = "Rotated Token"
      revoked    = false
      created_at = "2026-12-01T15:00:00.000Z"
      scopes     = ["read_registry", "self_rotate"]
      user_id    = 3
      active     = true
      expires_at = "2026-12-31"
      token      = "made-up-3-9175"
    }
  }
  expect {
    access_token = "made-up-3-9175"
    expires_at   = "2026-12-31T00:00:00Z"
    outputs      = { name = "Rotated Token", scopes = ["read_registry", "self_rotate"] }
    requests     = 1
    request = {
      method = "POST"
      path   = "/api/v4/personal_access_tokens/self/rotate"
      query  = {}
      header = { PRIVATE-TOKEN = "made-up-2-8843", Content-Type = "application/x-www-form-urlencoded" }
    }
  }
}

test "a token without the scope for it" {
  upstream   = "gitlab_rotating_token"
  operation  = "refresh"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 403
    json   = { message = "403 Forbidden" }
  }
  expect {
    class = "config"
    error = "not_rotatable"
  }
}

test "a token that is not a personal one" {
  upstream   = "gitlab_rotating_token"
  operation  = "refresh"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 405
    json   = { message = "405 Method Not Allowed" }
  }
  expect {
    class = "config"
    error = "not_rotatable"
  }
}

test "a rotation of a token that has expired" {
  upstream   = "gitlab_rotating_token"
  operation  = "refresh"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 401
    json   = { message = "401 Unauthorized" }
  }
  expect {
    class = "credentials"
  }
}

test "a rotation that failed" {
  upstream   = "gitlab_rotating_token"
  operation  = "refresh"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 400
    json   = { message = "400 Bad request" }
  }
  expect {
    class = "server"
  }
}

test "a valid token" {
  upstream   = "gitlab_rotating_token"
  operation  = "verify"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    json = {
      id         = 4
      name       = "Rotated Token"
      revoked    = false
      created_at = "2026-01-23T14:31:47.729Z"
      scopes     = ["read_registry", "self_rotate"]
      user_id    = 3
      active     = true
      expires_at = "2026-12-31"
    }
  }
  expect {
    request = {
      method = "GET"
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = "made-up-2-8843" }
    }
  }
}

test "a token that someone revoked" {
  upstream   = "gitlab_rotating_token"
  operation  = "verify"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 401
    json   = { message = "401 Unauthorized" }
  }
  expect {
    class = "credentials"
  }
}

test "a revocation" {
  upstream   = "gitlab_rotating_token"
  operation  = "revoke"
  attributes = { token = "made-up-1-6021" }
  token      = { access_token = "made-up-2-8843" }

  answer {
    status = 204
  }
  expect {
    request = {
      method = "DELETE"
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = "made-up-2-8843" }
    }
  }
}
